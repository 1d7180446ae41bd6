"""compat-matrix.md, written from the declarations: ``python -m shim.options.matrix > compat-matrix.md``."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources

from shim.options import accounting, sacct, scancel, scontrol, sinfo, squeue
from shim.options.catalogue.absent import NEWER, OLDER
from shim.options.option import Option
from shim.options.table import options_of

COMMANDS: Sequence[tuple[str, Sequence[Option]]] = (
    ("sbatch", (*options_of("sbatch"), *NEWER, *OLDER)),
    ("srun", options_of("srun")),
    ("salloc", options_of("salloc")),
    ("squeue", squeue.OPTIONS),
    ("scancel", scancel.OPTIONS),
    ("scontrol", scontrol.OPTIONS),
    ("sacct", sacct.OPTIONS),
    ("sinfo", sinfo.OPTIONS),
    ("sstat", accounting.SSTAT),
    ("sprio", accounting.SPRIO),
    ("sshare", accounting.SSHARE),
    ("sacctmgr", accounting.SACCTMGR),
    ("sdiag", accounting.SDIAG),
    ("sattach", accounting.SATTACH),
    ("sbcast", accounting.SBCAST),
    ("strigger", accounting.STRIGGER),
)
"""Every command with its options; a new command joins here."""


def matrix() -> str:
    """The whole text."""
    tables = "\n".join(line for command, options in COMMANDS for line in table(command, options))
    return (resources.files("shim.options") / "matrix.txt").read_text().replace("{tables}", tables)


def table(command: str, options: Iterable[Option]) -> Iterator[str]:
    """The section of one command."""
    yield f"## {command}"
    yield ""
    yield "| option | this machine | dstack | notes |"
    yield "|---|---|---|---|"
    for option in options:
        cells = (f"`{option.synopsis}`", option.local.value, option.dstack.value, _notes(option))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _notes(option: Option) -> str:
    aliases = f"also {', '.join(f'`--{alias}`' for alias in option.aliases)}" if option.aliases else ""
    since = f"Slurm {option.since}" if option.since[:1].isdigit() or option.since[:5] == "until" else option.since
    return "; ".join(filter(None, (since, option.note, aliases)))


if __name__ == "__main__":
    sys.stdout.write(matrix())
