"""What goes in and out of tasks: all bytes, terminals, prologs and epilogs, and the environment."""

import hashlib
import os
import pty
import random
import subprocess

from tests.shim import PATIENCE, Shim
from tests.steps.conftest import Job


def test_all_bytes_go_through_unharmed(lab: Shim) -> None:
    """More than pipes hold, of every value, to a task that reads slowly and one that reads at once."""
    data = random.Random(1).randbytes(1 << 20)
    (lab.work / "data").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    slow = "python3 -c 'import sys; sys.stdin.buffer.read(1); sys.stdout.buffer.write(sys.stdin.buffer.read())'"
    answer = lab.run("sh", "-c", f"srun -n1 {slow} < data | sha256sum; srun -n2 sha256sum < data; srun cat data > copy")
    lines = answer.out.split("\n")
    assert lines[0].split()[0] == hashlib.sha256(data[1:]).hexdigest()
    assert [line.split()[0] for line in lines[1:3]] == [digest, digest]
    assert (lab.work / "copy").read_bytes() == data


def test_a_reader_that_leaves_does_no_harm(lab: Shim) -> None:
    answer = lab.run("bash", "-c", "srun -n2 -l sh -c 'yes | head -n 100000' | head -n 1; echo ${PIPESTATUS[0]}")
    assert answer.out.split("\n")[1] == "0"


def test_a_terminal_for_task_0(lab: Shim) -> None:
    user, terminal = pty.openpty()
    os.write(user, b"hello\n")
    srun = subprocess.Popen(
        ["srun", "--pty", "sh", "-c", "tty; read x; echo got $x; exit 6"],
        cwd=lab.work,
        env=lab.environment,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
    )
    os.close(terminal)
    output = b""
    try:
        while data := os.read(user, 1024):
            output += data
    except OSError:  # the terminal is closed on the other side
        pass
    os.close(user)
    assert srun.wait(PATIENCE) == 6
    assert b"/dev/pts/" in output
    assert b"got hello" in output


def test_no_terminal_is_said(job: Job) -> None:
    assert job("srun --pty tty", "-n1").splitlines() == [
        "srun: error: ioctl(TIOCGWINSZ): Inappropriate ioctl for device",
        "srun: error: Not using a pseudo-terminal, disregarding --pty option",
        "not a tty",
        "srun: error: n1: task 0: Exited with exit code 1",
    ]


def test_programs_around_a_step_and_its_tasks(job: Job) -> None:
    output = job(
        "printf '#!/bin/sh\\necho around $SLURM_STEP_ID\\n' > around.sh\n"
        "printf '#!/bin/sh\\necho export A=1\\necho unset B\\necho print hello\\necho noise\\n' > before.sh\n"
        "printf '#!/bin/sh\\necho $SLURM_PROCID >> after\\n' > after.sh\n"
        "chmod +x *.sh; export B=2\n"
        "srun -n1 --prolog=./around.sh --epilog=./around.sh echo main\n"
        "srun -n2 --task-prolog=$PWD/before.sh --task-epilog=$PWD/after.sh sh -c 'echo $A-$B'\n"
        "sort after\n",
        "-n2",
    )
    lines = output.splitlines()
    assert lines[:3] == ["around 0", "main", "around 0"]
    assert sorted(lines[3:7]) == ["1-", "1-", "hello", "hello"]
    assert lines[7:] == ["0", "1"]


INSIDE = {
    "SLURM_CPUS_ON_NODE": "6",
    "SLURM_CPUS_PER_TASK": "2",
    "SLURM_DISTRIBUTION": "block",
    "SLURM_GTIDS": "0,1",
    "SLURM_JOB_CPUS_PER_NODE": "6,2",
    "SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0": "6,2",
    "SLURM_JOB_NODELIST": "n[1-2]",
    "SLURM_LABELIO": "1",
    "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1",
    "SLURM_LOCALID": "1",
    "SLURM_MEM_PER_NODE": "500",
    "SLURM_NNODES": "2",
    "SLURM_NODEID": "0",
    "SLURM_NPROCS": "4",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "1",
    "SLURM_STEPID": "0",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NODELIST": "n[1-2]",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    "SLURM_TASKS_PER_NODE": "2(x2)",
    "SLURM_TOPOLOGY_ADDR": "n1",
    "SLURM_UMASK": "0022",
    "SLURMD_NODENAME": "n1",
    "SRUN_DEBUG": "3",
}


def variables(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_the_environment_of_a_task(lab: Shim, job: Job) -> None:
    job("umask 022; srun -l sh -c 'env > env.$SLURM_PROCID'", "-N2", "-n4", "-c2", "--mem=500")
    found = variables((lab.work / "env.1").read_text())
    assert {name: found.get(name) for name in INSIDE} == INSIDE
    other = variables((lab.work / "env.3").read_text())
    assert (other["SLURMD_NODENAME"], other["SLURM_NODEID"], other["SLURM_GTIDS"]) == ("n2", "1", "2,3")


def test_a_step_outside_a_job_sees_its_job(lab: Shim) -> None:
    found = variables(lab.run("srun", "-n1", "env").out)
    assert found["SLURM_JOB_ID"] == found["SLURM_JOBID"]
    assert found["SLURM_JOB_NAME"] == "env"
    unset = {"SLURM_DISTRIBUTION", "SLURM_NODE_ALIASES", "SLURM_MEM_PER_CPU", "SLURM_CPUS_PER_TASK", "LC_CTYPE"}
    assert not unset & found.keys()
