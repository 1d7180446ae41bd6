"""The commands against their floor, the start of a bare interpreter, and against real Slurm where one runs.

A real cluster is named by $REAL_SLURM_CONF (and its user by $REAL_SLURM_USER).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim import api
from tests.bench.measure import command, in_turn, note, seconds
from tests.shim import Shim, shim_in

pytestmark = pytest.mark.bench
FLOOR = [sys.executable, "-I", "-S", "-c", "pass"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    config = 'max_array_size = 4000001\n[[node]]\nname = "n1"\ncpus = 2\nmemory = 8000\n'
    with shim_in(tmp_path_factory.mktemp("bench"), config) as shim:
        shim.run("squeue")
        yield shim


def ours(shim: Shim, *argv: str) -> Callable[[], object]:
    return command(argv, shim.environment, shim.work)


def floor(shim: Shim) -> Callable[[], object]:
    return command(FLOOR, shim.environment, shim.work)


def real(*argv: str) -> Callable[[], object] | None:
    """The same command of the real cluster, if there is one."""
    conf = os.environ.get("REAL_SLURM_CONF")
    if not conf:
        return None
    user = os.environ.get("REAL_SLURM_USER", "alice")
    env = {"SLURM_CONF": conf, "PATH": "/usr/bin:/bin", "HOME": "/tmp"}

    def become() -> None:
        import pwd

        entry = pwd.getpwnam(user)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    def run() -> None:
        subprocess.run(["/usr/bin/" + argv[0], *argv[1:]], env=env, cwd="/tmp", check=True, preexec_fn=become,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # fmt: skip

    return run


@pytest.mark.parametrize(
    "argv",
    [
        ("squeue",),
        ("squeue", "-j", "1"),
        ("sbatch", "-H", "--wrap", "true"),
        ("scontrol", "show", "job", "1"),
        ("sinfo",),
        ("sacct", "-j", "1"),
    ],
    ids=" ".join,
)
def test_against_the_floor(bench: Shim, argv: tuple[str, ...]) -> None:
    if not bench.states():
        bench.submit("-H", "--wrap", "true")
    timed = in_turn(ours(bench, *argv), floor(bench))
    note(" ".join(argv), timed, "`python3 -I -S -c pass`")
    if theirs := real(*argv):
        note(" ".join(argv), in_turn(ours(bench, *argv), theirs), "real Slurm")
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


def test_ten_thousand_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shim_in(tmp_path) as shim:
        monkeypatch.setattr(os, "environ", dict(shim.environment))
        shim.run("squeue")
        os.putenv("SLURMSHIM_STATE", str(shim.state))
        one_process = seconds(lambda: [api.submit(b"#!/bin/sh\ntrue\n", "-H") for _ in range(1000)])
        note("1,000 submissions through shim.api", f"{one_process:.2f} s | | ", "")
        for _ in range(9000):
            api.submit(b"#!/bin/sh\ntrue\n", "-H")
        one = ours(shim, "squeue", "-j", "5000")
        note("squeue -j ID with 10,000 jobs", in_turn(one, floor(shim)), "`python3 -I -S -c pass`")
        whole = in_turn(ours(shim, "squeue"), floor(shim), runs=9)
        note("squeue with 10,000 jobs", whole, "`python3 -I -S -c pass`")
        submit = in_turn(ours(shim, "sbatch", "-H", "--wrap", "true"), floor(shim))
        note("sbatch with 10,000 jobs", submit, "`python3 -I -S -c pass`")
        assert submit.ratio < 1.8
