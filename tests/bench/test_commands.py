"""The commands against their floor, the start of a bare interpreter, and against real Slurm where one runs."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim import api
from tests.bench import real
from tests.bench.measure import command, in_turn, note, seconds
from tests.shim import Shim, shim_in

pytestmark = pytest.mark.bench
BENCH_CONFIG = """\
max_array_size = 4000001
max_job_count = 1000000000
[[node]]
name = "n1"
cpus = 2
memory = 8000
"""
FLOOR = [sys.executable, "-I", "-S", "-c", "pass"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    with shim_in(tmp_path_factory.mktemp("bench"), BENCH_CONFIG) as shim:
        shim.run("squeue")
        yield shim


def ours(shim: Shim, *argv: str) -> Callable[[], object]:
    return command(argv, shim.environment, shim.work)


def floor(shim: Shim) -> Callable[[], object]:
    return command(FLOOR, shim.environment, shim.work)


def test_a_step_of_one_task(bench: Shim) -> None:
    """srun inside a running job, which other steps share."""
    step = ("srun", "--overlap", "true")
    script = "#!/bin/sh\nexec sleep 1000\n"
    inside = Shim(bench.folder, bench.config, {"SLURM_JOB_ID": str(bench.submit(script=script))})
    bench.wait(int(inside.variables["SLURM_JOB_ID"]), "RUNNING")
    timed = in_turn(ours(inside, *step), floor(bench))
    note("`srun` of one task in a job", timed, "`python3 -I -S -c pass`")
    if real.CONF:
        job_id = real.start_job()
        theirs = real.action("srun", f"--jobid={job_id}", "--overlap", "true")
        beside = in_turn(ours(inside, *step), theirs)
        real.call("scancel", job_id)
        note("`srun` of one task in a job", beside, "real Slurm")
        assert beside.ratio < 1
    bench.run("scancel", inside.variables["SLURM_JOB_ID"])
    assert timed.ratio < 2.5


@pytest.mark.parametrize(
    "argv",
    [
        ("squeue",),
        ("squeue", "-j", "ID"),
        ("sbatch", "-H", "--wrap", "true"),
        ("scontrol", "show", "job", "ID"),
        ("sinfo",),
        ("sacct", "-j", "ID"),
    ],
    ids=" ".join,
)
def test_against_the_floor(bench: Shim, argv: tuple[str, ...]) -> None:
    own = [word.replace("ID", str(bench.submit("-H", "--wrap", "true"))) for word in argv]
    timed = in_turn(ours(bench, *own), floor(bench))
    note(" ".join(argv), timed, "`python3 -I -S -c pass`")
    if real.CONF:
        with real.held_jobs(1) as (job_id,):
            theirs = real.action(*(word.replace("ID", job_id) for word in argv))
            note(" ".join(argv), in_turn(ours(bench, *own), theirs), "real Slurm")
    assert timed.ratio < 1.6 if argv[0] in ("squeue", "sbatch") else timed.ratio < 2


def test_scancel_against_the_floor(bench: Shim) -> None:
    jobs = iter([bench.submit("-H", "--wrap", "true") for _ in range(26)])
    timed = in_turn(lambda: ours(bench, "scancel", str(next(jobs)))(), floor(bench))
    note("scancel ID", timed, "`python3 -I -S -c pass`")
    assert timed.ratio < 1.6


@pytest.mark.parametrize("tasks", [10, 1000, 10_000, 100_000, 1_000_000])
def test_submitting_an_array_costs_what_a_job_costs(bench: Shim, tasks: int) -> None:
    timed = in_turn(
        ours(bench, "sbatch", "-H", f"--array=0-{tasks - 1}", "--wrap", "true"),
        ours(bench, "sbatch", "-H", "--wrap", "true"),
    )
    note(f"sbatch of an array of {tasks:,}", timed, "sbatch of a job")
    assert timed.ratio < 1.25


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shim]:
    """A shim that is called by the Python API from this process."""
    with shim_in(tmp_path, BENCH_CONFIG) as shim:
        for name, value in shim.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(shim.work)
        shim.run("squeue")
        yield shim


def test_ten_thousand_jobs(crowd: Shim) -> None:
    took = seconds(lambda: [api.submit(b"#!/bin/sh\ntrue\n", "-H") for _ in range(1000)])
    note("1,000 submissions through shim.api", f"{took:.2f} s", "one process")
    for _ in range(9000):
        api.submit(b"#!/bin/sh\ntrue\n", "-H")
    for argv in (("squeue", "-j", "5000"), ("sbatch", "-H", "--wrap", "true"), ("squeue",)):
        timed = in_turn(ours(crowd, *argv), floor(crowd), runs=11)
        note(" ".join(argv) + ", 10,000 jobs", timed, "`python3 -I -S -c pass`")
        if argv != ("squeue",):
            assert timed.ratio < 1.8
    if real.CONF:
        with real.held_jobs(9900):  # a real cluster of defaults keeps 10,000 in memory, finished ones included
            timed = in_turn(ours(crowd, "squeue"), real.action("squeue"), runs=11)
        note("squeue, 10,000 jobs", timed, "real Slurm, 9,900 jobs")
        assert timed.ratio < 1


def test_arrays_are_cheap_to_show_and_to_cancel(crowd: Shim) -> None:
    jobs = [api.submit(b"#!/bin/sh\n", "-H") for _ in range(40)]
    arrays = [api.submit(b"#!/bin/sh\n", "-H", array="0-9999") for _ in range(40)]
    timed = in_turn(ours(crowd, "squeue", "-h", "-j", ",".join(map(str, arrays[:10]))),
                    ours(crowd, "squeue", "-h", "-j", ",".join(map(str, jobs[:10]))))  # fmt: skip
    note("squeue of ten arrays of 10,000", timed, "of ten jobs")
    assert timed.ratio < 1.5
    one, other = iter(arrays), iter(jobs)
    timed = in_turn(
        lambda: ours(crowd, "scancel", str(next(one)))(), lambda: ours(crowd, "scancel", str(next(other)))()
    )
    note("scancel of an array of 10,000", timed, "of a job")
    assert timed.ratio < 1.5
    timed = in_turn(ours(crowd, "squeue", "-r", "-j", str(arrays[-1])), floor(crowd), runs=11)
    note("squeue -r of an array of 10,000", timed, "`python3 -I -S -c pass`")


def test_a_hundred_arrays_of_ten_thousand_take_no_memory(crowd: Shim) -> None:
    def megabytes() -> float:
        status = Path(f"/proc/{crowd.controller}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    api.submit(b"#!/bin/sh\n", "-H")
    before = megabytes()
    for _ in range(100):
        api.submit(b"#!/bin/sh\n", "-H", array="0-9999")
    after = megabytes()
    note("controller, empty", f"{before:.0f} MB", "")
    note("controller with 100 arrays of 10,000", f"{after:.0f} MB", "")
    assert before < 60
    assert after - before < 20
