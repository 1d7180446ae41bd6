"""salloc against what real Slurm answered."""

import marshal
import re
import signal
import socket
import subprocess
import sys

import pytest

from shim.launcher import frame, read_frame
from tests.shim import Shim, wait_until


def shown(text: str) -> list[str]:
    return re.sub(r"(allocation|job) \d+", r"\1 J", text).splitlines()


GRANTED = "salloc: Granted job allocation J"
BACK = "salloc: Relinquishing job allocation J"
REVOKED = "salloc: Job allocation J has been revoked."


@pytest.mark.parametrize(
    ("command", "expected", "code"),
    [
        (["true"], [GRANTED, BACK], 0),
        (["sh", "-c", "exit 7"], [GRANTED, BACK], 7),
        (["sh", "-c", "kill -9 $$"], [GRANTED, BACK], 0),
        (["sh", "-c", "kill -TERM $$"], [GRANTED, BACK], 1),
        (["-Q", "true"], [], 0),
        (["nosuch"], [GRANTED, 'salloc: error: _fork_command: Unable to find command "nosuch"', BACK], 1),
        (
            ["-p", "nosuch", "true"],
            [
                "salloc: error: invalid partition specified: nosuch",
                "salloc: error: Job submit/allocate failed: Invalid partition name specified",
            ],
            1,
        ),
    ],
)
def test_salloc_answers_as_recorded(lab: Shim, command: list[str], expected: list[str], code: int) -> None:
    answer = lab.run("salloc", *command)
    assert (shown(answer.err), answer.code) == (expected, code)


def test_the_command_finds_its_allocation(lab: Shim) -> None:
    answer = lab.run("salloc", "-N2", "-n4", "sh", "-c", "env | grep ^SLURM_ | sort; srun -n2 printenv SLURMD_NODENAME")
    names = dict(line.split("=") for line in answer.out.splitlines() if "=" in line)
    assert names["SLURM_JOB_CPUS_PER_NODE"] == names["SLURM_TASKS_PER_NODE"] == "3,1"
    assert names["SLURM_JOB_NODELIST"] == "n[1-2]"
    assert names["SLURM_JOB_NAME"] == "interactive"
    assert not {"SLURM_PROCID", "SLURM_CPUS_ON_NODE", "SLURM_MEM_PER_CPU"} & names.keys()
    assert sorted(answer.out.splitlines()[-2:]) == ["n1", "n2"]


def test_an_allocation_is_revoked(lab: Shim) -> None:
    for option, code in (("--kill-command", 1), ("--kill-command=INT", 0)):
        salloc = lab.popen("salloc", option, "sleep", "100")
        wait_until(lambda: bool(lab.states("-t", "R")), "the allocation")
        lab.run("scancel", *lab.states("-t", "R"))
        assert shown(salloc.communicate()[1].decode()) == [GRANTED, REVOKED]
        assert salloc.returncode == code
    assert not lab.states("-t", "R")


def test_salloc_while_it_waits(lab: Shim) -> None:
    waiting = ["salloc: Pending job allocation J", "salloc: job J queued and waiting for resources"]
    salloc = lab.popen("salloc", "--begin=now+1hour", "true")
    wait_until(lambda: bool(lab.states("-t", "PD")), "the pending job")
    lab.run("scancel", *lab.states("-t", "PD"))
    assert shown(salloc.communicate()[1].decode()) == [
        *waiting,
        "salloc: Job has been cancelled",
        REVOKED,
        "salloc: error: Job submit/allocate failed: Job/step already completing or completed",
    ]
    assert salloc.returncode == 1
    salloc = lab.popen("salloc", "--begin=now+1hour", "true")
    assert salloc.stderr is not None
    assert shown((salloc.stderr.readline() + salloc.stderr.readline()).decode()) == waiting
    salloc.send_signal(signal.SIGINT)
    assert shown(salloc.communicate()[1].decode()) == ["salloc: Job aborted due to signal", REVOKED]
    assert not lab.states("-t", "PD")


def test_without_a_shell(lab: Shim) -> None:
    answer = lab.run("salloc", "--no-shell", "-n2", "-J", "kept")
    assert (shown(answer.err), answer.code) == ([GRANTED], 0)
    (job_id,) = lab.states("-t", "R")
    answer = lab.run("srun", "--jobid", job_id, "sh", "-c", "echo $SLURM_JOB_ID $SLURM_JOB_NAME $SLURM_STEP_ID")
    assert answer.out == f"{job_id} kept 0\n" * 2 or answer.out == f"{job_id} kept 0\n"
    lab.run("scancel", job_id)
    assert lab.wait(int(job_id)) == "CANCELLED"


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (b" DUE TO TIME LIMIT", "Job 7 has exceeded its time limit and its allocation has been revoked."),
        (b"", "Job allocation 7 has been revoked."),
    ],
)
def test_what_a_client_says_when_its_allocation_is_taken(why: bytes, said: str) -> None:
    """The client alone, with the test in the controller's place: a time limit takes a minute at least."""
    order = {"job": "7", "argv": [b"sleep", b"100"], "environment": {}, "cwd": b"/", "quiet": False, "kill_command": 9}
    ours, theirs = socket.socketpair()
    order_text = marshal.dumps({"do": "command", "restarts": 0, **order}, 2)
    imports = "from _socket import socket; from shim.guest.session import serve"
    command = [sys.executable, "-c", f"{imports}; exit(serve(socket(fileno=0), {order_text}))"]
    with ours, theirs, subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE) as client:
        ours.sendall(frame(b"A", why))
        kind, result = read_frame(ours)
        ours.sendall(frame(b"X", b"%d" % marshal.loads(result)["code"]))
        assert client.communicate()[1].decode() == f"salloc: {said}\n"
    assert (kind, client.returncode) == (b"S", 0)
