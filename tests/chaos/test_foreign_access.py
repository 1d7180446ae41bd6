"""Others open the job table, too: who reads is in nobody's way, who writes delays, and nothing is refused or lost."""

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shim import Shim, shim_in


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path) as shim:
        shim.submit("--hold", "--wrap", "true")  # the table is there
        yield shim


def connect(shim: Shim) -> sqlite3.Connection:
    """A foreign process's view of the table."""
    return sqlite3.connect(shim.state / "jobs.db", isolation_level=None)


def finish(process: "subprocess.Popen[bytes]") -> str:
    """What a command printed; it must have succeeded."""
    out, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (0, b"")
    return out.decode()


def test_a_reader_that_stays_hinders_nobody(shim: Shim) -> None:
    reader = connect(shim)
    reader.execute("begin")
    assert reader.execute("select count(*) from job").fetchone() == (1,)
    submissions = [shim.popen("sbatch", "--parsable", "--hold", "--wrap", f"true {number}") for number in range(20)]
    reports = [shim.popen("sacct", "-X", "-n", "-o", "jobid") for _ in range(5)]
    ids = sorted(int(finish(process)) for process in submissions)
    for report in reports:
        finish(report)
    assert ids == list(range(2, 22))
    done = shim.submit("--wait", "--output", "/dev/null", "--wrap", "true")
    assert shim.states("-j", str(done)) == {str(done): "COMPLETED"}
    assert reader.execute("select count(*) from job").fetchone() == (1,)  # it still sees what it saw
    reader.close()
    assert connect(shim).execute("select count(*) from job").fetchone() == (22,)


def test_a_writer_only_delays(shim: Shim) -> None:
    writer = connect(shim)
    writer.execute("begin immediate")
    submissions = [shim.popen("sbatch", "--parsable", "--hold", "--wrap", f"true {number}") for number in range(5)]
    cancel = shim.popen("scancel", "1")
    # The controller answers meanwhile, and has taken in what it cannot write yet.
    assert shim.run("sinfo", "-h", "-o", "%t").code == 0
    assert shim.run("sacct", "-X", "-n", "-o", "jobid").code == 0
    assert all(process.poll() is None for process in submissions)
    writer.execute("commit")
    assert sorted(int(finish(process)) for process in submissions) == [2, 3, 4, 5, 6]
    finish(cancel)
    shim.kill_controller()
    states = shim.states()
    assert [states[str(number)] for number in range(2, 7)] == ["PENDING"] * 5


def test_a_job_starts_and_ends_once_the_writer_has_gone(shim: Shim) -> None:
    job = shim.submit("--hold", "--output", "runs", "--open-mode=append", "--wrap", "echo once")
    writer = connect(shim)
    writer.execute("begin immediate")
    release = shim.popen("scontrol", "release", str(job))
    assert shim.run("sinfo", "-h").code == 0
    assert not (shim.work / "runs").exists()  # no run begins that the table does not know
    writer.execute("rollback")
    finish(release)
    shim.wait(job, "COMPLETED")
    assert (shim.work / "runs").read_text() == "once\n"


def test_a_controller_starts_while_another_process_writes(shim: Shim) -> None:
    shim.kill_controller()
    writer = connect(shim)
    writer.execute("begin immediate")
    assert shim.states() == {"1": "PENDING"}
    submission = shim.popen("sbatch", "--parsable", "--hold", "--wrap", "true")
    assert shim.run("squeue", "-h").code == 0
    writer.execute("commit")
    assert int(finish(submission)) == 2
