"""The clients' own ways of reading the commands' answers, re-implemented; each function names who reads so."""

import csv
import io
import re


def id_after_job(said: str) -> str:
    """The ID by `job ([0-9]+)` anywhere: submitit."""
    found = re.search(r"job ([0-9]+)", said)
    assert found, said
    return found.group(1)


def id_last_word(said: str) -> str:
    """The last word: psij, dora, qbatch, slurmpy, Galaxy."""
    return said.split()[-1]


def id_fourth_word(said: str) -> str:
    """The fourth word: simple-slurm, datatrove, autosubmit, batchtools."""
    return said.split()[3]


def id_first_number(said: str) -> str:
    """The first number: dask-jobqueue, ipyparallel, maestrowf, metaflow."""
    found = re.search(r"\d+", said)
    assert found, said
    return found.group()


def id_of_line(said: str) -> str:
    """One line, matched whole: cylc, parsl, ReFrame, Nextflow."""
    found = re.fullmatch(r"Submitted batch job (\d+)\n", said)
    assert found, said
    return found.group(1)


def id_aiida(said: str) -> str:
    """AiiDA and qtoolkit, who also read salloc."""
    found = re.search(r"(.*:\s*)?([Gg]ranted job allocation|[Ss]ubmitted batch job)\s+(\d+)", said.strip())
    assert found, said
    return found.group(3)


def id_parsable(said: str) -> str:
    """`--parsable`, with or without a cluster's name behind the semicolon: Snakemake, batchspawner, TorchX, gwf."""
    return said.splitlines()[0].split(";")[0]


ID_AFTER_SUBMISSION = (id_after_job, id_last_word, id_fourth_word, id_first_number, id_of_line, id_aiida)


def words(said: str) -> list[list[str]]:
    """Rows of words, for formats whose values hold no blanks: parsl, psij, Nextflow, gwf, batchtools."""
    return [line.split() for line in said.splitlines()]


def separated(said: str, separator: str) -> list[list[str]]:
    """Rows at a separator of the client's choice: AiiDA `^^^`, qtoolkit `<><> `, BABS `|`, SkyPilot \\x1f."""
    return [line.split(separator) for line in said.splitlines()]


def table(said: str, separator: str = "|") -> list[dict[str, str]]:
    """Rows by the names in the header row: submitit, TorchX, NeMo-Run, simple-slurm."""
    return list(csv.DictReader(io.StringIO(said), delimiter=separator))


def array_tasks(job_id: str) -> list[str]:
    """The tasks that an ID of sacct or squeue stands for, `N`, `N_T` or `N_[0-3,7%2]`: submitit, seml."""
    job, _, tasks = job_id.partition("_")
    if not tasks.startswith("["):
        return [job_id]
    numbers: list[int] = []
    for part in tasks.strip("[]").partition("%")[0].split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return [f"{job}_{number}" for number in numbers]


def pairs(said: str) -> dict[str, str]:
    """`scontrol -o show job`, split at blanks, then at the first `=`: qtoolkit, seml. A blank in a value breaks it."""
    return dict(word.split("=", 1) for word in said.split())


def value(said: str, key: str) -> str:
    """One `Key=value` anywhere in `scontrol show`: radical.saga, sfollow, datalad, gridtk, HyperQueue."""
    found = re.search(rf"\b{key}=(\S*)", said)
    assert found, f"no {key} in {said}"
    return found.group(1)


def reframe_rows(said: str, job: str) -> list[tuple[str, str, str, str, str]]:
    """ReFrame's reading of `sacct -P -o jobid,state,exitcode,end,nodelist`: state, exit code, signal, end, nodes."""
    row = re.compile(
        rf"^{job}(?:_\d+|\+\d+)?\|(?P<state>\S+)(?:[^|]*)\|(?P<code>\d+):(?P<signal>\d+)\|(?P<end>\S+)\|(?P<nodes>.*)$",
        re.MULTILINE,
    )
    return [match.group("state", "code", "signal", "end", "nodes") for match in row.finditer(said)]
