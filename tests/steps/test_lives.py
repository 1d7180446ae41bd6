"""How steps and allocations end: by themselves, by scancel, by signals, with their client or their controller."""

import os
import re
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shim import PATIENCE, Shim, wait_until
from tests.steps.conftest import Job


def lines_of(process: "subprocess.Popen[bytes]") -> tuple[list[str], list[str], int]:
    """What a command has printed when it has ended, and its exit code."""
    out, err = process.communicate(timeout=PATIENCE)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+", "TIME", err.decode())
    return out.decode().splitlines(), re.sub(r"(STEP |StepId=)\d+", r"\1J", text).splitlines(), process.returncode


def read_line(process: "subprocess.Popen[bytes]", count: int = 1) -> str:
    """The next lines of its standard output; nothing is kept back, so that select tells what comes later."""
    assert process.stdout is not None
    data = b""
    while data.count(b"\n") < count:
        assert select.select([process.stdout], [], [], PATIENCE)[0]
        data += os.read(process.stdout.fileno(), 1 << 16)
    return data.decode().strip()


def job_of(shim: Shim) -> int:
    """The id of the one job that runs."""
    (job_id,) = shim.states("-t", "R")
    return int(job_id)


def accounted(shim: Shim, job_id: int) -> dict[str, str]:
    """States and exit codes by sacct."""
    answer = shim.run("sacct", "-n", "-P", "-j", str(job_id), "-o", "jobid,state,exitcode")
    return {line.split("|")[0]: "|".join(line.split("|")[1:]) for line in answer.out.splitlines()}


READY = "trap 'echo USR1; exit 5' USR1; echo ready; sleep 100 & wait"


def test_a_job_for_one_step(lab: Shim) -> None:
    answer = lab.run("srun", "-n2", "-l", "sh", "-c", "echo $SLURM_PROCID of $SLURM_NTASKS on $SLURM_JOB_NODELIST")
    assert sorted(answer.out.splitlines()) == ["0: 0 of 2 on n1", "1: 1 of 2 on n1"]
    assert (answer.err, answer.code) == ("", 0)
    answer = lab.run("srun", "sh", "-c", "exit 3")
    assert (answer.err, answer.code) == ("srun: error: n1: task 0: Exited with exit code 3\n", 3)
    job_id = max(map(int, lab.states()))
    assert accounted(lab, job_id) == {f"{job_id}": "FAILED|3:0", f"{job_id}.0": "FAILED|3:0"}
    answer = lab.run("srun", "-p", "nosuch", "true")
    assert answer.err.splitlines() == [
        "srun: error: invalid partition specified: nosuch",
        "srun: error: Unable to allocate resources: Invalid partition name specified",
    ]
    assert answer.code == 1


def test_the_end_of_a_job_is_the_end_of_its_step(lab: Shim) -> None:
    srun = lab.popen("srun", "sh", "-c", READY)
    assert read_line(srun) == "ready"
    job_id = job_of(lab)
    lab.run("scancel", str(job_id))
    _, err, code = lines_of(srun)
    assert err == [
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***",
        "srun: error: n1: task 0: Terminated",
    ]
    assert code == 143
    assert accounted(lab, job_id) == {f"{job_id}": f"CANCELLED by {os.getuid()}|0:0", f"{job_id}.0": "CANCELLED|0:15"}


def test_a_step_alone_is_cancelled_and_signalled(lab: Shim) -> None:
    srun = lab.popen("srun", "sh", "-c", READY)
    assert read_line(srun) == "ready"
    lab.run("scancel", "-s", "USR1", f"{job_of(lab)}.0")
    assert lines_of(srun) == (["USR1"], ["srun: error: n1: task 0: Exited with exit code 5"], 5)
    srun = lab.popen("srun", "sh", "-c", READY)
    assert read_line(srun) == "ready"
    lab.run("scancel", f"{job_of(lab)}.0")
    _, err, code = lines_of(srun)
    assert err[1:] == ["slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***", "srun: error: n1: task 0: Killed"]
    assert code == 137


def test_signals_to_srun(lab: Shim) -> None:
    srun = lab.popen("srun", "sh", "-c", READY)
    assert read_line(srun) == "ready"
    srun.send_signal(signal.SIGUSR1)
    assert lines_of(srun)[2] == 5
    srun = lab.popen("srun", "sh", "-c", "echo ready; exec sleep 100")
    assert read_line(srun) == "ready"
    srun.send_signal(signal.SIGTERM)
    _, err, code = lines_of(srun)
    assert err == [
        "srun: forcing job termination",
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***",
        "srun: error: n1: task 0: Killed",
    ]
    assert code == 137


def test_two_interrupts_end_a_step(lab: Shim) -> None:
    srun = lab.popen("srun", "sh", "-c", "echo ready; exec sleep 100")
    assert read_line(srun) == "ready"
    assert srun.stderr is not None
    srun.send_signal(signal.SIGINT)
    assert srun.stderr.readline() == b"srun: interrupt (one more within 1 sec to abort)\n"
    assert srun.stderr.readline().endswith(b".0 task 0: running\n")
    srun.send_signal(signal.SIGINT)
    _, err, code = lines_of(srun)
    assert err == [
        "srun: sending Ctrl-C to StepId=J.0",
        "srun: forcing job termination",
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***",
    ]
    assert code == 130


def test_a_step_dies_with_its_client(lab: Shim) -> None:
    srun = lab.popen("srun", "sh", "-c", "echo $$; sleep 100 & wait")
    task = int(read_line(srun))
    handle = os.pidfd_open(task)
    job_id = job_of(lab)
    srun.kill()
    assert select.select([handle], [], [], PATIENCE)[0]
    os.close(handle)
    srun.communicate()
    assert lab.wait(job_id) == "CANCELLED"
    assert accounted(lab, job_id)[f"{job_id}.0"] == "CANCELLED|0:9"


def test_what_a_task_leaves_behind_ends_with_it(lab: Shim) -> None:
    answer = lab.run("srun", "sh", "-c", "sleep 100 & echo $!")
    assert answer.code == 0
    gone = not Path(f"/proc/{int(answer.out)}").exists()
    assert gone or ") Z " in Path(f"/proc/{int(answer.out)}/stat").read_text()


def test_steps_wait_for_each_other(job: Job) -> None:
    """A step holds all CPUs unless it wants no more than it needs, or shares them."""
    both = "mkfifo a b; srun -n1 {0} sh -c 'echo > a; cat b' & srun -n1 {0} sh -c 'cat a; echo > b' & wait; rm a b"
    for option in ("--exact", "--exclusive", "--overlap", "-c1"):
        assert job(both.format(option), "-n2") == "\n\n", option
    output = job("srun -n1 sleep 0.5 & sleep 0.2; srun -n1 echo second; wait", "-n2").splitlines()
    assert [re.sub(r"Job \d+|job \d+", "job J", line) for line in output] == [
        "srun: job J step creation temporarily disabled, retrying (Requested nodes are busy)",
        "srun: Step created for job J",
        "second",
    ]


def test_gpus_of_steps(job: Job) -> None:
    output = job(
        "srun -l sh -c 'echo $CUDA_VISIBLE_DEVICES $SLURM_STEP_GPUS $SLURM_JOB_GPUS'\n"
        "srun -n1 --gres=gpu:1 sh -c 'echo $CUDA_VISIBLE_DEVICES $SLURM_GPUS_ON_NODE'\n"
        "srun -l --gpus-per-task=1 sh -c 'echo $CUDA_VISIBLE_DEVICES $SLURM_GPUS_ON_NODE'\n"
        "srun -l --gpu-bind=map_gpu:1,0 sh -c 'echo $CUDA_VISIBLE_DEVICES'\n"
        "srun -n1 --gres=none sh -c 'echo none $CUDA_VISIBLE_DEVICES'\n",
        "-p", "gpu", "--gres=gpu:a100:2", "-n2",
    ).splitlines()  # fmt: skip
    assert sorted(output[:2]) == ["0: 0,1 0,1 0,1", "1: 0,1 0,1 0,1"]
    assert output[2] == "0 1"
    assert sorted(output[3:5]) == ["0: 0 2", "1: 1 2"]
    assert sorted(output[5:7]) == ["0: 1", "1: 0"]
    assert output[7] == "none"


def test_cpus_are_bound(job: Job) -> None:
    first = min(os.sched_getaffinity(0))
    show = "python3 -c 'import os; print(sorted(os.sched_getaffinity(0)))'"
    assert job(f"srun -n1 --cpu-bind=map_cpu:{first} {show}", "-n1") == f"[{first}]\n"
    output = job(f"srun -n1 --cpu-bind=v,mask_cpu:{1 << first:#x} true", "-n1")
    assert re.sub(r"\[\d+\]", "[P]", output) == f"cpu-bind=MASK - n1, task  0  0 [P]: mask 0x{1 << first:X} set\n"
    assert job("srun --cpu-bind=foo true; echo rc=$?", "-n1").splitlines() == [
        'srun: error: unrecognized --cpu-bind argument "foo"',
        "srun: fatal: Failed to parse --cpu-bind= values.",
        "rc=1",
    ]


def test_a_step_outlives_the_controller(cluster: Shim) -> None:
    """Killed while a step runs, and again: the step goes on, and accounting is complete in the end."""
    for rank in range(2):
        os.mkfifo(cluster.work / f"go.{rank}")
    srun = cluster.popen("srun", "-n2", "sh", "-c", "echo ready; cat go.$SLURM_PROCID; exit $SLURM_PROCID")
    assert read_line(srun, 2) == "ready\nready"
    job_id = job_of(cluster)
    cluster.kill_controller()
    assert job_of(cluster) == job_id  # by the next one
    beside = cluster.run("srun", f"--jobid={job_id}", "-n1", "--immediate", "true")
    assert beside.err == f"srun: error: Unable to create step for job {job_id}: Requested nodes are busy\n"

    def adopted() -> bool:
        return bool(cluster.run("squeue", "-h", "-s", "-o", "%i").out)

    wait_until(adopted, "the step under the second controller")
    for rank in range(2):
        (cluster.work / f"go.{rank}").write_text("")
    _, err, code = lines_of(srun)
    assert (err, code) == (["srun: error: n1: task 1: Exited with exit code 1"], 1)
    assert accounted(cluster, job_id) == {f"{job_id}": "FAILED|1:0", f"{job_id}.0": "FAILED|1:0"}


def test_a_step_that_ends_without_a_controller_is_accounted_for(cluster: Shim) -> None:
    os.mkfifo(cluster.work / "go")
    srun = cluster.popen("srun", "sh", "-c", "echo ready; cat go; exit 4")
    assert read_line(srun) == "ready"
    cluster.kill_controller()
    (cluster.work / "go").write_text("")
    assert lines_of(srun)[2] == 4
    assert accounted(cluster, 1) == {"1": "FAILED|4:0", "1.0": "FAILED|4:0"}
    assert not list((cluster.state / "ended-steps").iterdir())


CLEANS_UP = "trap 'echo term; read <{gate}; echo cleaned; exit 3' TERM; echo ready; sleep 100 & wait"


@pytest.mark.parametrize("end", ["scancel", "script"])
def test_a_step_outlives_its_script(lab: Shim, end: str) -> None:
    """The script ends at once, by a scancel or by itself; the tasks of its steps have KillWait to clean up."""
    gate, door, output = lab.work / f"gate-{end}", lab.work / f"door-{end}", lab.work / f"{end}.out"
    for pipe in (gate, door):
        os.mkfifo(pipe)
    step = shlex.quote(CLEANS_UP.format(gate=gate))
    last = "wait" if end == "scancel" else f"read <{door}"
    job_id = lab.submit("-o", output.name, script=f"#!/bin/bash\nsrun bash -c {step} &\n{last}\n")
    wait_until(lambda: output.exists() and "ready" in output.read_text(), "the step")
    if end == "scancel":
        lab.run("scancel", str(job_id))
    else:
        door.write_text("\n")
    wait_until(lambda: "term" in output.read_text().splitlines(), "the end of the step")
    wait_until(lambda: lab.states("-j", str(job_id)) == {str(job_id): "COMPLETING"}, "the job that ends")
    gate.write_text("\n")
    assert lab.wait(job_id) == ("CANCELLED" if end == "scancel" else "COMPLETED")
    lines = [re.sub(r"\d{4}-\d\d-\d\dT[\d:]+", "TIME", line) for line in output.read_text().splitlines()]
    assert set(lines) >= {
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        f"slurmstepd: error: *** STEP {job_id}.0 ON n1 CANCELLED AT TIME ***",
        "cleaned",
        "srun: error: n1: task 0: Exited with exit code 3",
    }
    assert ("srun: forcing job termination" in lines) == (end == "scancel")
    assert accounted(lab, job_id)[f"{job_id}.0"] == "FAILED|3:0"


@pytest.mark.parametrize("command", ["srun", "salloc"])
def test_a_notice_reaches_the_client(lab: Shim, command: str) -> None:
    client = lab.popen(command, "sh", "-c", "echo ready; read line; exec sleep 0", stdin=subprocess.PIPE)
    assert read_line(client) == "ready"
    assert lab.run("scontrol", "notify", str(job_of(lab)), "hello", "a  b").code == 0
    assert client.stdin is not None
    assert client.stderr is not None
    line = client.stderr.readline()
    if command == "salloc":
        line = client.stderr.readline()
    assert line.decode() == f"{command}: hello a  b\n"
    client.communicate(b"\n")


@pytest.mark.parametrize("command", ["srun", "salloc"])
def test_a_quiet_client_keeps_notices_back(lab: Shim, command: str) -> None:
    client = lab.popen(command, "-Q", "sh", "-c", "echo ready; read line", stdin=subprocess.PIPE)
    assert read_line(client) == "ready"
    assert lab.run("scontrol", "notify", str(job_of(lab)), "hello").code == 0
    assert client.communicate(b"\n") == (b"", b"")


@pytest.mark.parametrize("command", ["srun", "salloc"])
def test_a_wait_outlives_the_controller(cluster: Shim, command: str) -> None:
    """The next controller, which the client itself starts, gives it what the killed one had promised."""
    holder = cluster.submit("-N4", "--exclusive", script="#!/bin/sh\nexec sleep 1000\n")
    cluster.wait(holder, "RUNNING")
    client = cluster.popen(command, "sh", "-c", "echo got $SLURM_JOB_ID; exit 3")
    assert client.stderr is not None
    for _ in range(2 if command == "salloc" else 1):
        line = client.stderr.readline()
    assert line.endswith(b" queued and waiting for resources\n")
    cluster.kill_controller()
    cluster.run("scancel", str(holder))
    out, err, code = lines_of(client)
    assert out == [f"got {holder + 1}"]
    assert err[0] == f"{command}: job {holder + 1} has been allocated resources"
    assert code == 3


def test_a_step_that_waits_outlives_the_controller(cluster: Shim) -> None:
    os.mkfifo(cluster.work / "door")
    first = "srun -n1 sh -c 'echo first; read line <door' & while ! grep -q first out; do :; done"
    script = f"#!/bin/sh\n{first}\nsrun -n1 echo second\nwait\n"
    job_id = cluster.submit("-n1", "-o", "out", script=script)
    output = cluster.work / "out"
    wait_until(lambda: output.exists() and "retrying" in output.read_text(), "the second step")
    cluster.kill_controller()
    assert cluster.states("-j", str(job_id))
    (cluster.work / "door").write_text("\n")
    assert cluster.wait(job_id) == "COMPLETED"
    assert re.sub(r"job \d+", "job J", output.read_text(), flags=re.IGNORECASE).splitlines() == [
        "first",
        "srun: job J step creation temporarily disabled, retrying (Requested nodes are busy)",
        "srun: Step created for job J",
        "second",
    ]


def test_scontrol_answers_line_by_line(lab: Shim) -> None:
    scontrol = lab.popen("scontrol", stdin=subprocess.PIPE)
    assert scontrol.stdin is not None
    for number in (1, 2):
        scontrol.stdin.write(b"show hostnames n%d\n" % number)
        scontrol.stdin.flush()
        assert read_line(scontrol, 2) == f"scontrol: show hostnames n{number}\nn{number}"
    assert scontrol.communicate()[0] == b"scontrol: \n"


def test_sigterm_is_told_by_the_first_node(lab: Shim) -> None:
    srun = lab.popen("srun", "-N2", "sh", "-c", "echo ready; exec sleep 100")
    assert read_line(srun, 2) == "ready\nready"
    lab.run("scancel", "-s", "TERM", f"{job_of(lab)}.0")
    _, err, code = lines_of(srun)
    assert err[0] == "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***"
    assert sorted(err[1:3]) == ["srun: error: n1: task 0: Terminated", "srun: error: n2: task 1: Terminated"]
    assert (err[3:], code) == (["srun: Force Terminated StepId=J.0"], 143)


def test_accounting_names_who_cancelled_a_step(lab: Shim) -> None:
    srun = lab.popen("srun", "sh", "-c", READY)
    assert read_line(srun) == "ready"
    job_id = job_of(lab)
    lab.run("scancel", f"{job_id}.0")
    lines_of(srun)
    lab.wait(job_id)
    assert accounted(lab, job_id)[f"{job_id}.0"] == f"CANCELLED by {os.getuid()}|0:9"


def test_the_worst_exit_status_counts_signals_as_less(lab: Shim, job: Job) -> None:
    job("srun sh -c 'kill $$'; srun sh -c 'exit 200'; srun sh -c 'kill -9 $$'; exit 0")
    job_id = max(map(int, lab.states()))
    answer = lab.run("sacct", "-X", "-n", "-P", "-j", str(job_id), "-o", "derivedexitcode,exitcode")
    assert answer.out == "200:0|0:0\n"


def test_what_srun_does_can_be_followed(job: Job) -> None:
    output = job("srun -v sh -c 'exit $SLURM_PROCID'", "-n2")
    lines = re.sub(r"(jobid |StepId=)\d+", r"\1J", output).splitlines()
    done = "srun: launch/slurm: _task_finish: Received task exit notification for 1 task of StepId=J.0"
    assert lines[lines.index("srun: end of defined options") + 1 :][:4] == [
        "srun: jobid J: nodes(1):`n1', cpu counts: 2(x1)",
        "srun: launch/slurm: launch_p_step_launch: CpuBindType=(null type)",
        "srun: launching StepId=J.0 on host n1, 2 tasks: [0-1]",
        "srun: launch/slurm: _task_start: Node n1, 2 tasks started",
    ]
    assert sorted(lines[-4:]) == [
        "srun: error: n1: task 1: Exited with exit code 1",
        f"{done} (status=0x0000).",
        f"{done} (status=0x0100).",
        "srun: launch/slurm: _task_finish: n1: task 0: Completed",
    ]


def test_gpus_go_by_all_makers_names(lab: Shim, job: Job) -> None:
    show = "sh -c 'echo $CUDA_VISIBLE_DEVICES $ROCR_VISIBLE_DEVICES $GPU_DEVICE_ORDINAL $ZE_AFFINITY_MASK'"
    output = job(
        f"srun -n1 --gres=gpu:1 {show}; srun -n1 {show}; srun -n1 --gpu-bind=none {show}",
        "-p", "gpu", "--gres=gpu:a100:2",
    )  # fmt: skip
    assert output == "0 0 0 0\n0,1 0,1 0,1 0,1\n\n"
    outside = lab.run("srun", "-p", "gpu", "--gpus=2", "--mem=100", "env").out
    assert not re.search("^SLURM_(GPUS=|JOB_GPUS|MEM_PER)", outside, re.MULTILINE)
    assert "SLURM_GPUS_ON_NODE=2\n" in outside


COUNTS = """\
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"task got it\\n"))
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_signal_to_all_reaches_each_task_once(lab: Shim) -> None:
    """scancel --full: the script and its srun get it, which passes it on."""
    output, door = lab.work / "full.out", lab.work / "full-door"
    program = lab.work / "counts.py"
    program.write_text(COUNTS)
    door.unlink(missing_ok=True)
    os.mkfifo(door)
    script = f"trap 'echo script got it' USR1\nsrun {sys.executable} {program} <{door} &\nwait\nwait\n"
    job_id = lab.submit("-o", output.name, script=f"#!/bin/bash\n{script}")
    with door.open("w"):
        wait_until(lambda: output.exists() and "ready" in output.read_text(), "the task")
        assert lab.run("scancel", "--full", "-s", "USR1", str(job_id)).code == 0
        wait_until(lambda: len(output.read_text().splitlines()) >= 3, "the signal")
    assert lab.wait(job_id) == "COMPLETED"
    assert sorted(output.read_text().splitlines()) == ["ready", "script got it", "task got it"]
