"""srun and salloc on the submit host: nodes of dstack are allocated, and run the tasks of steps from here."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.test_end_to_end import accounting, run_of
from tests.shim import PATIENCE, Shim, shim_in, wait_until


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


def test_srun_runs_its_tasks_elsewhere(cloud: Shim) -> None:
    task = "cat; echo $SLURM_PROCID of $SLURM_NTASKS in ${DSTACK_RUN_NAME%%-*} $HERE; echo err >&2; exit 3"
    answer = cloud.run("srun", "-n2", "-l", "--gres=gpu:1", "bash", "-c", task, stdin="input\n", HERE="here")
    assert answer.code == 3
    assert sorted(answer.out.splitlines()) == [
        "0: 0 of 2 in slurm here",
        "0: input",
        "1: 1 of 2 in slurm here",
        "1: input",
    ]
    assert {"0: err", "1: err"} < set(answer.err.splitlines())
    assert re.search(r"^srun: error: lab-\d: tasks? [01](-1)?: Exited with exit code 3$", answer.err, re.MULTILINE)
    steps = cloud.run("sacct", "-n", "-P", "-o", "JobID,State,ExitCode").out.splitlines()
    assert [step for step in steps if "extern" not in step] == ["1|FAILED|3:0", "1.0|FAILED|3:0"]


def test_tasks_have_what_is_the_nodes_own(cloud: Shim) -> None:
    out = cloud.run("srun", "-N2", "bash", "-c", "echo $SLURMD_NODENAME $DSTACK_NODE_RANK ${PATH%%:*} $HOME").out
    lines = [line.split() for line in sorted(out.splitlines())]
    assert {line[1] for line in lines} == {"0", "1"}
    assert len({line[0] for line in lines}) == 2
    assert all("/guest/" in line[2] and line[3] != str(cloud.folder) for line in lines)


def test_salloc_holds_nodes_for_steps(cloud: Shim, dstack_lab: Lab) -> None:
    script = """\
echo $SLURM_JOB_ID $SLURM_JOB_NUM_NODES $(hostname)
squeue -h -o '%i %T %D'
srun -o out.%t bash -c 'echo $SLURMD_NODENAME' && cat out.0 out.1 | sort
srun -n1 -N1 bash -c 'exit 7'; echo code $?
srun true & srun true; wait $!; echo code $?
exit 5
"""
    answer = cloud.run("salloc", "-N2", "bash", "-c", script)
    assert answer.code == 5
    first, state, *lines = answer.out.splitlines()
    assert first.startswith("1 2 ")
    assert state == "1 RUNNING 2"
    assert lines[2:] == ["code 7", "code 0"]
    names = cloud.run("scontrol", "show", "hostnames", cloud.run("sacct", "-nXP", "-o", "NodeList").out.strip()).out
    assert lines[:2] == sorted(names.split())
    assert answer.err.splitlines()[:3] == [
        "salloc: Granted job allocation 1",
        "salloc: Waiting for resource configuration",
        f"salloc: Nodes {cloud.run('sacct', '-nXP', '-o', 'NodeList').out.strip()} are ready for job",
    ]
    assert answer.err.splitlines()[-1] == "salloc: Relinquishing job allocation 1"
    assert accounting(cloud, 1) == ["FAILED|5:0"]
    name = run_of(dstack_lab, cloud, 1)
    wait_until(
        lambda: dstack_lab.project_post("runs/get", {"run_name": name})["status"] != "running", lambda: cloud.log
    )


def test_an_allocation_of_several_components(cloud: Shim) -> None:
    answer = cloud.run(
        "srun", "-n1", "bash", "-c", "echo $SLURM_PROCID", ":", "-N2", "bash", "-c", "echo $SLURM_PROCID b"
    )
    assert sorted(answer.out.splitlines()) == ["0", "1 b", "2 b"], str(answer)


def test_a_cancelled_allocation_ends_its_step(dstack_lab: Lab, tmp_path: Path) -> None:
    config = configuration(dstack_lab, tmp_path).replace("kill_wait = 2\n", "kill_wait = 30\n")
    with shim_in(tmp_path, config) as cloud:
        _cancel_a_step(cloud)


def _cancel_a_step(cloud: Shim) -> None:
    step = cloud.popen("srun", "bash", "-c", "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.1; done")
    assert step.stdout
    assert step.stdout.readline() == b"up\n"
    cloud.run("scancel", "1")
    out, err = step.communicate(timeout=PATIENCE)
    assert out == b"bye\n"
    assert b"srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n" in err
    assert b"slurmstepd: error: *** STEP 1.0 ON lab-" in err
    assert cloud.wait(1) == "CANCELLED"


def test_signals_reach_the_tasks(cloud: Shim) -> None:
    step = cloud.popen("srun", "bash", "-c", "trap 'echo got it; exit 9' USR1; echo up; while :; do sleep 0.1; done")
    assert step.stdout
    assert step.stdout.readline() == b"up\n"
    step.send_signal(signal.SIGUSR1)
    out, _ = step.communicate(timeout=PATIENCE)
    assert (out, step.returncode) == (b"got it\n", 9)


def test_a_step_outlives_its_controller(cloud: Shim) -> None:
    go = cloud.work / "go"
    step = cloud.popen("srun", "bash", "-c", f"echo up; until [ -e {go} ]; do sleep 0.1; done; exit 6")
    assert step.stdout
    assert step.stdout.readline() == b"up\n"
    cloud.kill_controller()
    cloud.run("squeue")
    go.touch()
    step.communicate(timeout=PATIENCE)
    assert step.returncode == 6
    assert accounting(cloud, 1) == ["FAILED|6:0"]


def test_a_run_that_somebody_stops_ends_the_allocation(cloud: Shim, dstack_lab: Lab) -> None:
    step = cloud.popen("srun", "sleep", "1000")
    cloud.wait(1, "RUNNING")
    wait_until(lambda: "1.0" in cloud.run("squeue", "-h", "-s").out, lambda: cloud.log)
    dstack_lab.project_post("runs/stop", {"runs_names": [run_of(dstack_lab, cloud, 1)], "abort": False})
    step.communicate(timeout=PATIENCE)
    assert step.returncode
    assert cloud.wait(1) in ("CANCELLED", "FAILED")  # the end of the run was seen first, or that of its tasks


def test_a_running_batch_job_takes_steps_from_outside(cloud: Shim) -> None:
    job = cloud.submit("-N2", script="#!/bin/sh\nsleep 1000\n")
    cloud.wait(job, "RUNNING")
    inside = ("srun", f"--jobid={job}", "--overlap")
    first, second = sorted(
        cloud.run(*inside, "-n2", "sh", "-c", "echo $SLURM_PROCID $DSTACK_NODE_RANK").out.split("\n")[:2]
    )
    assert (first, second) == ("0 0", "1 1")

    prolog = cloud.work / "prolog"
    prolog.write_text(
        '#!/bin/sh\necho "export ONE=1 and $SLURM_PROCID"\necho unset HERE\necho print ready\necho else\n'
    )
    prolog.chmod(0o755)
    task = ("-n1", "-N1", "sh", "-c", 'echo "$ONE,$HERE"')
    assert cloud.run(*inside, f"--task-prolog={prolog}", *task, HERE="here").out == "ready\n1 and 0,\n"
    missing = cloud.run(*inside, "--task-prolog=/no/such", *task)
    assert (missing.code, missing.out) == (1, "")
    assert "slurmstepd: error: --task-prolog failed status=1\n" in missing.err

    beside = cloud.submit(
        script=f"#!/bin/sh\nsrun --jobid={job} --overlap -n1 -N1 sh -c 'echo in $SLURM_JOB_ID; exit 3'\n"
    )
    assert cloud.wait(beside) == "FAILED"
    assert f"in {job}" in cloud.output(beside).splitlines()

    step = cloud.popen(
        *inside, "-n1", "-N1", "sh", "-c", "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.1; done"
    )
    assert step.stdout
    assert step.stdout.readline() == b"up\n"
    cloud.run("scancel", str(job))
    assert b"bye\n" in step.communicate(timeout=PATIENCE)[0]
    assert cloud.wait(job) == "CANCELLED"


def test_a_terminal_elsewhere(cloud: Shim) -> None:
    """srun --pty, as somebody types it."""
    user, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    before = termios.tcgetattr(terminal)
    task = (
        "stty size; read x; echo got $x; until [ \"$(stty size)\" = '40 120' ]; do sleep 0.1; done; echo larger; exit 6"
    )
    step = subprocess.Popen(
        ["srun", "--pty", "sh", "-c", task],
        stdin=terminal, stdout=terminal, stderr=terminal, env=cloud.environment, cwd=cloud.work, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    seen = ""

    def shown(text: str) -> bool:
        nonlocal seen
        if select.select([user], [], [], 0)[0]:
            seen += os.read(user, 4096).decode()
        return text in seen

    wait_until(lambda: shown("31 97\r\n"), lambda: seen + cloud.log)
    os.write(user, b"word\r")
    wait_until(lambda: shown("word\r\ngot word\r\n"), lambda: seen)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    wait_until(lambda: shown("larger\r\n"), lambda: seen)
    wait_until(lambda: shown("Exited with exit code 6"), lambda: seen)
    assert step.wait(PATIENCE) == 6
    assert termios.tcgetattr(terminal) == before


def test_upload_mode_has_no_steps_from_outside(dstack_lab: Lab, tmp_path: Path) -> None:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path, 'mode = "upload"\n')) as other:
        for command in ("srun", "salloc"):
            answer = other.run(command, "true")
            assert answer.code == 1
            assert "without files that submit host and hosts share dstack runs batch scripts only" in answer.err
