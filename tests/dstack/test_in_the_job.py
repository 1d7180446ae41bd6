"""Slurm's commands inside jobs on dstack: asked of the controller over the shared directory, run by the guest."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.test_end_to_end import accounting
from tests.shim import Shim, shim_in, wait_until


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


def finished(cloud: Shim, *options: str, script: str, state: str = "COMPLETED") -> str:
    job = cloud.submit(*options, script="#!/bin/bash\n" + script)
    assert cloud.wait(job) == state, cloud.output(job) + cloud.log
    return cloud.output(job)


def test_the_queue_is_asked_and_told(cloud: Shim) -> None:
    out = finished(
        cloud,
        script="""\
squeue -h -o '%i %T'
second=$(sbatch --parsable --hold -o second.out <<<$'#!/bin/sh\necho from within')
squeue -h -j $second -o '%T %r'
scontrol release $second
scontrol show job $second | grep -c JobName=sbatch
scancel -v 99 2>&1 | tail -1
scontrol show job 99; echo "code $?"
scontrol show hostnames 'a[1-2],b'
""",
    )
    assert out.splitlines() == [
        "1 RUNNING", "PENDING JobHeldUser", "1",
        "scancel: error: Kill job error on job id 99: Invalid job id specified",
        "slurm_load_jobs error: Invalid job id specified", "code 1", "a1", "a2", "b",
    ]  # fmt: skip
    assert cloud.wait(2) == "COMPLETED"
    assert (cloud.work / "second.out").read_text() == "from within\n"


def test_a_script_submits_itself_again(cloud: Shim) -> None:
    script = cloud.work / "again.sh"
    script.write_text("#!/bin/bash\n[ ${1:-0} -ge 2 ] || sbatch again.sh $((${1:-0} + 1))\necho run ${1:-0}\n")
    cloud.run("sbatch", "again.sh")
    assert [cloud.wait(job) for job in (1, 2, 3)] == ["COMPLETED"] * 3
    assert [cloud.output(job) for job in (1, 2, 3)] == [
        "Submitted batch job 2\nrun 0\n", "Submitted batch job 3\nrun 1\n", "run 2\n",
    ]  # fmt: skip


def test_tasks_of_a_step(cloud: Shim) -> None:
    out = finished(
        cloud,
        "-n3",
        "--gres=gpu:2",
        script="""\
srun -l bash -c 'echo $SLURM_PROCID of $SLURM_NTASKS; echo err $SLURM_LOCALID >&2' | sort
srun -n1 bash -c 'exit 3'; echo "code $?"
srun -n1 bash -c 'kill -9 $$'; echo "code $?"
echo input | srun -n2 cat
srun -n2 -o 'task-%t.txt' hostname >/dev/null; cat task-0.txt task-1.txt | wc -l
srun -n1 no-such-program; echo "code $?"
srun --gres=gpu:1 -n1 bash -c 'echo gpu $CUDA_VISIBLE_DEVICES'
""",
        state="COMPLETED",
    )
    assert "0: 0 of 3\n1: 1 of 3\n2: 2 of 3\n" in out
    assert {"0: err 0", "1: err 1", "2: err 2"} <= set(out.splitlines())
    assert re.search(r"srun: error: lab-\d: task 0: Exited with exit code 3\ncode 3\n", out)
    assert re.search(r"srun: error: lab-\d: task 0: Killed\n(?:srun: .*\n)?code 137\n", out)
    assert "input\ninput\n2\n" in out
    assert "slurmstepd: error: execve(): no-such-program: No such file or directory\n" in out
    assert re.search(r"code 2\ngpu 0\n$", out)
    steps = cloud.run("sacct", "-n", "-P", "-j", "1", "-o", "JobID,State,ExitCode").out.splitlines()
    assert [line for line in steps if "." in line][1:4] == ["1.0|COMPLETED|0:0", "1.1|FAILED|3:0", "1.2|CANCELLED|0:9"]


def test_tasks_on_two_nodes(cloud: Shim, dstack_lab: Lab) -> None:
    out = finished(
        cloud,
        "-N2",
        "--ntasks-per-node=2",
        script="""\
echo $(scontrol show hostnames)
srun -l bash -c 'echo $SLURMD_NODENAME $SLURM_NODEID $SLURM_LOCALID $DSTACK_NODE_RANK' | sort
srun -N2 -n2 bash -c 'exit $((SLURM_PROCID * 5))'; echo "code $?"
echo text > file; sbcast file $PWD/copy-of-file; echo "code $?"; cat copy-of-file
sbcast file $PWD/copy-of-file; echo "code $?"
""",
    )
    nodes, *lines = out.splitlines()
    first, second = nodes.split()
    assert lines[:4] == [f"0: {first} 0 0 0", f"1: {first} 0 1 0", f"2: {second} 1 0 1", f"3: {second} 1 1 1"]
    assert lines[4:6] == [f"srun: error: {second}: task 1: Exited with exit code 5", "code 5"]
    hosts = "".join(
        (host.directory / "hosts").read_text() for host in dstack_lab.hosts if (host.directory / "hosts").exists()
    )
    assert {first, second} <= set(hosts.split())


def test_a_step_ends_with_its_job(cloud: Shim) -> None:
    task = 'trap "echo bye; exit" TERM; echo up; while :; do sleep 0.1; done'
    job = cloud.submit("-N2", script=f"#!/bin/bash\nsrun bash -c '{task}'\n")
    cloud.wait(job, "RUNNING")
    wait_until(lambda: cloud.output(job).count("up") == 2, lambda: cloud.output(job) + cloud.log)
    cloud.run("scancel", str(job))
    assert cloud.wait(job) == "CANCELLED"
    assert cloud.output(job).count("bye") == 2
    assert accounting(cloud, job)[0].startswith("CANCELLED")
