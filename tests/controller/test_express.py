"""Commands answered by a pipe, without Python: the answers, and what becomes of a call when either end goes away."""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from shim.controller import express
from shim.launcher import VERSION
from tests.shim import PATIENCE, REPOSITORY, Shim, wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux only")


def lanes(shim: Shim) -> Path:
    return shim.state / express.FOLDER


def free(shim: Shim) -> bool:
    return not list(lanes(shim).glob("*.taken"))


def around(shim: Shim) -> dict[str, Any]:
    """A call's surroundings."""
    return {"env": shim.environment, "cwd": shim.work, "stdout": subprocess.PIPE}


def programs(shim: Shim, *argv: str) -> list[bytes]:
    """What the launcher's shell becomes: nothing, where it needs no Python."""
    words = ["sh", "-x", str(shim.bin / argv[0]), *argv[1:]]
    trace = subprocess.run(words, env=shim.environment, cwd=shim.work, capture_output=True, check=False).stderr
    return re.findall(rb"^\+ exec (\S+)", trace, re.MULTILINE)


def test_the_launchers_are_one_and_know_the_version() -> None:
    texts = {command.read_text() for command in (REPOSITORY / "bin").iterdir()}
    assert len(texts) == 1
    assert f"/express-{VERSION}\n" in texts.pop()


@pytest.mark.parametrize(
    "argv", [("squeue",), ("squeue", "-j", "77"), ("sinfo",), ("scontrol", "ping"), ("sbatch", "-H", "--wrap", "true")]
)
def test_a_short_answer_needs_no_python(shim: Shim, argv: tuple[str, ...]) -> None:
    shim.run("squeue")
    wait_until(lambda: programs(shim, *argv) == [], "an answer within the controller's patience")


def test_a_script_comes_by_a_pipe_a_file_or_a_terminal(shim: Shim) -> None:
    script = b"#!/bin/sh\n" + b"# filled up\n" * 20_000
    (shim.work / "script").write_bytes(script)
    with (shim.work / "script").open("rb") as file:
        by_file = subprocess.run(["sbatch", "--parsable", "-H"], stdin=file, **around(shim))
    by_pipe = subprocess.run(["sbatch", "--parsable", "-H"], input=script, **around(shim))
    for answer in (by_file, by_pipe):
        assert shim.run("scontrol", "write", "batch_script", answer.stdout.decode().strip(), "-").out == script.decode()


def test_a_script_that_comes_late_is_waited_for_and_one_that_is_cut_off_is_not_submitted(shim: Shim) -> None:
    shim.run("squeue")
    calls = [subprocess.Popen(["sbatch", "--parsable", "-H"], stdin=subprocess.PIPE, **around(shim)) for _ in range(2)]
    for call in calls:
        assert call.stdin
        call.stdin.write(b"#!/bin/sh\n")
        call.stdin.flush()
    wait_until(lambda: free(shim) and "collect" in Path(f"/proc/{calls[0].pid}/cmdline").read_text(), "the move")
    calls[1].kill()
    assert calls[0].communicate(b"true\n", timeout=PATIENCE)[0] == b"1\n"
    calls[1].communicate()
    assert set(shim.states()) == {"1"}


@pytest.mark.parametrize("argv", [("squeue", "--helpstate"), ("sinfo", "--help"), ("squeue", "-h", "-o", "%kü")])
def test_what_is_long_or_no_plain_text_moves(shim: Shim, argv: tuple[str, ...]) -> None:
    shim.submit("-H", "--comment", "für später", "--wrap", "true")
    by_pipe = shim.run(*argv)
    wait_until(lambda: free(shim), "free lanes")
    (lanes(shim) / "calls").rename(lanes(shim) / "gone")  # then everything goes by the socket
    for lane in range(express.LANES):
        (lanes(shim) / f"{lane}.taken").touch()
    assert shim.run(*argv) == by_pipe


def test_the_environment_travels_verbatim(shim: Shim) -> None:
    shim.run("squeue")
    names = re.findall(r"\b_shim_[a-z]+", (REPOSITORY / "bin/sbatch").read_text())
    odd = dict.fromkeys(names, "mine") | {"lines": "a\nb\n", "quote": "'\"$`\\", "OLDPWD": "/nowhere"}
    script = "#!/bin/sh\nenv -0\n"
    job = shim.submit("--wait", script=script, **odd)
    seen = dict(entry.split("=", 1) for entry in shim.output(job).split("\0") if "=" in entry)
    assert {name: seen.get(name) for name in odd} == odd


def test_arguments_and_the_working_directory_travel_verbatim(shim: Shim) -> None:
    shim.run("squeue")
    words = ["", " two  words ", "*", "a\nb", "-x", "\\n", "$HOME"]
    (shim.work / "show.sh").write_text('#!/bin/sh\npwd\nprintf "<%s>" "$@"\n')
    job = shim.submit("--wait", "show.sh", *words)
    assert shim.output(job) == f"{shim.work}\n" + "".join(f"<{word}>" for word in words)


def test_a_call_that_nobody_has_taken_yet_goes_to_the_next_controller(shim: Shim) -> None:
    shim.run("squeue")
    os.kill(shim.controller, signal.SIGSTOP)
    calls = [shim.popen("sbatch", "--parsable", "-H", "--wrap", "true") for _ in range(2)]
    wait_until(lambda: len(list(lanes(shim).glob("*.taken"))) == 2, "two calls")
    shim.kill_controller()
    answers = [call.communicate(timeout=PATIENCE) for call in calls]
    assert sorted(answers) == [(b"1\n", b""), (b"2\n", b"")]
    assert set(shim.states()) == {"1", "2"}


def test_a_call_under_way_is_not_made_again(shim: Shim) -> None:
    """Killed at any moment: each submission is there once at most, and once where its id was printed."""
    shim.run("squeue")
    for round_ in range(4):
        calls = [shim.popen("sbatch", "--parsable", "-H", f"-Jr{round_}-{n}", "--wrap", "true") for n in range(5)]
        select.select([call.stdout for call in calls], [], [], PATIENCE)
        shim.kill_controller()
        printed = [call.communicate(timeout=PATIENCE)[0].decode().strip() for call in calls]
        names = shim.run("squeue", "-h", "-o", "%i %j").out.split()
        there = dict(zip(names[1::2], names[::2], strict=True))
        assert len(there) == len(names) / 2, "a job was submitted twice"
        for number, job in enumerate(printed):
            assert not job or there[f"r{round_}-{number}"] == job


def test_a_lane_is_free_once_its_client_has_gone(shim: Shim) -> None:
    shim.run("squeue")
    os.kill(shim.controller, signal.SIGSTOP)
    calls = os.open(lanes(shim) / "calls", os.O_RDONLY | os.O_NONBLOCK)
    call = shim.popen("squeue")
    assert select.select([calls], [], [], PATIENCE)[0]
    os.close(calls)
    call.kill()
    call.communicate()
    os.kill(shim.controller, signal.SIGCONT)
    wait_until(lambda: free(shim), "a free lane")
    assert shim.run("squeue", "-h").code == 0


def test_a_lane_that_was_taken_and_never_used_is_free_again(shim: Shim) -> None:
    shim.run("squeue")
    for lane in range(express.LANES):
        taken = lanes(shim) / f"{lane}.taken"
        taken.touch()
        os.utime(taken, (time.time() - 2 * express.ABANDONED,) * 2)
    shim.run("squeue")  # by the socket
    (lanes(shim) / "0.taken").unlink()

    def tried() -> bool:
        shim.run("squeue")
        return free(shim)

    wait_until(tried, "free lanes")


def test_waiting_moves_to_the_socket_and_survives_the_controller(shim: Shim) -> None:
    shim.run("squeue")
    gate = shim.work / "gate"
    call = shim.popen("sbatch", "--wait", "--wrap", f"until [ -e {gate} ]; do sleep 0.05; done; exit 4")
    assert call.stdout
    assert call.stdout.readline() == b"Submitted batch job 1\n"
    wait_until(lambda: free(shim), "the move")
    shim.kill_controller()
    shim.run("squeue")
    gate.touch()
    assert call.communicate(timeout=PATIENCE) == (b"", b"")
    assert call.returncode == 4


def test_another_process_than_the_one_that_called_is_not_looked_at() -> None:
    stat = Path("/proc/self/stat").read_bytes()
    command = Path("/proc/self/cmdline").read_bytes().split(b"\0")
    count = len(command) - 2
    name = os.path.basename(os.fsdecode(command[0]))
    assert express.look_at_caller(count, name, "-", stat).argv == [os.fsdecode(word) for word in command[1:-1]]
    with pytest.raises(ValueError, match="is no sbatch"):
        express.look_at_caller(count, "sbatch", "-", stat)
    before, _, after = stat.rpartition(b")")
    fields = after.split()
    fields[19] = b"1"
    with pytest.raises(ValueError, match="another one"):
        express.look_at_caller(count, name, "-", before + b") " + b" ".join(fields))


def test_a_caller_without_any_standard_input_goes_by_the_socket(shim: Shim) -> None:
    shim.run("squeue")
    answer = shim.run("sh", "-c", "squeue -h <&- && sbatch --parsable -H --wrap true <&-")
    assert (answer.out, answer.err) == ("1\n", "")
