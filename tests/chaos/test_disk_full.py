"""No space left: a submission fails in one clear line and leaves nothing; what runs is recorded once there is room."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shim import Shim, shim_in, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Shim]:
    """A shim whose state lies on a file system of two megabytes; its jobs work elsewhere."""
    state = tmp_path / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", state], check=True)
    try:
        with shim_in(tmp_path) as shim:
            yield shim
    finally:
        subprocess.run(["umount", "-l", state], check=True)


def fill(shim: Shim) -> Path:
    """Leave no byte free."""
    filler = shim.state / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_submission_without_space_fails_and_leaves_nothing(small: Shim) -> None:
    first = small.submit("--hold", "--wrap", "true")
    filler = fill(small)
    failed = None
    for number in range(200):  # what SQLite has preallocated may take a few more
        answer = small.run("sbatch", "--hold", "--parsable", "--comment", "x" * 400, "--wrap", f"true {number}" * 40)
        if answer.code:
            failed = answer
            break
    assert failed is not None
    assert failed.out == ""
    assert failed.err == "sbatch: error: Batch job submission failed: I/O error writing script/environment to file\n"
    shown = small.states()
    filler.unlink()
    last = small.submit("--hold", "--wrap", "true")
    assert small.states() == shown | {str(last): "PENDING"}
    assert last not in map(int, shown)
    small.kill_controller()
    assert small.states() == shown | {str(last): "PENDING"}
    assert str(first) in shown


def test_a_change_that_cannot_be_written_is_told_and_kept(small: Shim) -> None:
    job = small.submit("--hold", "--wrap", "true")
    filler = fill(small)
    answers = [small.run("scontrol", "update", f"JobId={job}", f"Comment={'x' * 4000}{n}") for n in range(200)]
    failed = [answer for answer in answers if answer.code]
    assert failed and failed[0].err == "scontrol: error: I/O error writing script/environment to file\n"
    filler.unlink()
    assert small.run("scontrol", "release", str(job)).code == 0
    assert small.wait(job) == "COMPLETED"


def test_a_run_that_ends_while_the_disk_is_full_is_recorded_with_its_true_code(small: Shim) -> None:
    gate = small.work / "gate"
    os.mkfifo(gate)
    begun, done = small.work / "begun", small.work / "done"
    job = small.submit("-o", "/dev/null", "--wrap", f"touch {begun}; read x < {gate}; touch {done}; exit 5")
    wait_until(begun.exists, "the begin of the script")
    filler = fill(small)
    gate.write_text("go\n")
    wait_until(done.exists, "the end of the script")
    filler.unlink()
    assert small.wait(job) == "FAILED"
    small.kill_controller()
    assert small.wait(job) == "FAILED"
