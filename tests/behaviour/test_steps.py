"""srun, salloc and the commands inside jobs: the same on this machine and through dstack."""

import re

from tests.behaviour.script import BASH, WAIT, ending, on_dstack, until, up
from tests.shim import Shim, wait_until


def done(shim: Shim, *options: str, script: str) -> str:
    """What a job has written that is over."""
    job = shim.submit(*options, script=BASH + script)
    shim.wait(job)
    return shim.output(job)


def test_outputs_of_tasks(shim: Shim) -> None:
    (shim.work / "programs").write_text("0 echo first %t of %o\n1-2 echo others %t\n* bash -c 'echo rest $0' %o\n")
    script = """
srun -l -n2 echo both | sort
srun -n3 -o task-%t-%J-%x.out -e task-%t.err bash -c 'echo $SLURM_PROCID; echo wrong >&2'
srun -n2 -o one.out bash -c 'echo $SLURM_LOCALID'
srun -n1 -o one.out --open-mode=append echo more
srun -n3 -o none echo nowhere
srun -n4 -l --multi-prog programs | sort
echo input | srun -n2 -l cat | sort
echo input | srun -n2 -i 1 -l cat
srun -n1 -J named --export=ONE=1,PATH bash -c 'echo $ONE $SLURM_JOB_NAME ${HOME-gone}'
srun --chdir=/tmp -n1 pwd
srun --no-such 2>&1 | head -1
srun -n1 /no/such/program; echo code $?
"""
    text = done(shim, "-n4", "-J", "outs", script=script)
    assert text.splitlines()[:12] == [
        "0: both", "1: both", "0: first 0 of 0", "1: others 1", "2: others 2", "3: rest 3", "0: input", "1: input",
        "1: input", "1 named gone", "/tmp", "srun: unrecognized option '--no-such'",
    ]  # fmt: skip
    assert text.endswith("code 2\n")
    assert [(shim.work / f"task-{n}-1.1-outs.out").read_text() for n in range(3)] == ["0\n", "1\n", "2\n"]
    assert (shim.work / "task-2.err").read_text() == "wrong\n"
    assert sorted((shim.work / "one.out").read_text().split()) == ["0", "1", "more"]


def test_how_steps_end(shim: Shim) -> None:
    script = f"""
srun -n3 bash -c 'exit $((SLURM_PROCID * 2))'; echo worst $?
srun -n2 -K bash -c '[ $SLURM_PROCID = 1 ] && exit 3; {WAIT.strip()}'; echo killed $?
srun -n2 -W1 bash -c '[ $SLURM_PROCID = 1 ] && exit; {WAIT.strip()}'; echo waited $?
srun -n1 bash -c 'kill -SEGV $$'; echo signal $?
srun -n1 -t 0:01 true; echo fine $?
exit 5
"""
    job = shim.submit("-n3", script=BASH + script)
    assert shim.wait(job) == "FAILED"
    lines = shim.output(job).splitlines()
    assert [line for line in lines if line.split()[0] in ("worst", "killed", "waited", "signal", "fine")] == [
        "worst 4", "killed 143", "waited 137", "signal 139", "fine 0",
    ]  # fmt: skip
    told = [line for line in lines if line.startswith("srun: error:")]
    node = shim.run("sacct", "-n", "-P", "-X", "-j", str(job), "-o", "NodeList").out.strip()
    assert f"srun: error: {node}: task 2: Exited with exit code 4" in told
    assert f"srun: error: {node}: task 0: Segmentation fault" in told
    assert "srun: First task exited 1s ago" in lines
    shown = shim.run("sacct", "-n", "-P", "-j", str(job), "-o", "JobID,State,ExitCode,DerivedExitCode").out
    assert shown.splitlines() == [
        f"{job}|FAILED|5:0|4:0",
        f"{job}.batch|FAILED|5:0|",
        f"{job}.0|FAILED|4:0|",
        f"{job}.1|CANCELLED|0:15|",
        f"{job}.2|CANCELLED|0:9|",
        f"{job}.3|CANCELLED|0:11|",
        f"{job}.4|COMPLETED|0:0|",
    ]


def test_signals_for_steps(shim: Shim) -> None:
    trap = "trap 'echo $SLURM_PROCID got it' USR1; trap 'echo ends; exit 4' USR2; echo up $SLURM_PROCID; "
    (shim.work / "task.sh").write_text(f"{BASH}{trap}\n{WAIT}")
    job = shim.submit("-n2", script=f"{BASH}trap 'echo wrong' USR1 USR2\nsrun -n2 bash task.sh\necho code $?\n")
    up(shim, job, "up 0")
    up(shim, job, "up 1")
    shim.run("scancel", "-s", "USR1", str(job))
    up(shim, job, "0 got it")
    up(shim, job, "1 got it")
    shim.run("scancel", "--signal=USR2", f"{job}.0")
    assert shim.wait(job) == "COMPLETED"
    assert "code 4\n" in shim.output(job)
    assert "wrong" not in shim.output(job)


def test_steps_wait_for_each_other(shim: Shim) -> None:
    (shim.work / "one.sh").write_text(f"echo begin one >>log\n{until(shim, 'go')}echo end one >>log\n")
    script = f"""
srun --exact -n2 bash one.sh &
until [ -e {shim.work}/log ]; do sleep 0.1; done
srun --exact -n1 bash -c 'echo two >>{shim.work}/log' &
srun --overlap -n1 echo beside
wait
"""
    job = shim.submit("-n2", script=BASH + script)
    up(shim, job, "beside")
    up(shim, job, f"srun: Job {job} step creation temporarily disabled, retrying (Requested nodes are busy)")
    (shim.work / "go").touch()
    assert shim.wait(job) == "COMPLETED"
    assert (shim.work / "log").read_text().splitlines() == ["begin one"] * 2 + ["end one"] * 2 + ["two"]


def test_gpus_of_steps(shim: Shim) -> None:
    script = """
for one in 1 2; do srun --exact -n1 --gres=gpu:1 bash -c 'echo $CUDA_VISIBLE_DEVICES; sleep 0.5' & done | sort
wait
srun -n1 bash -c 'echo $CUDA_VISIBLE_DEVICES'
"""
    assert done(shim, "-n2", "--gres=gpu:2", script=script).splitlines() == ["0", "1", "0,1"]


def test_the_queue_from_inside(shim: Shim) -> None:
    script = f"""
export PATH={shim.bin}:$PATH # as a script has it that sets up its user's environment again
srun -N2 --ntasks-per-node=1 bash -c 'echo $SLURMD_NODENAME' | sort
scontrol show hostnames
squeue -h -o '%i %T %D %C'
sinfo -h -o %P
sacct -n -P -j $SLURM_JOB_ID -o JobID,State | head -1
scontrol show job $SLURM_JOB_ID | grep -c NumNodes=2
sbatch --parsable --hold --export=NONE -J later --wrap 'exit 0'
scancel $((SLURM_JOB_ID + 1))
squeue -h -t all -j $((SLURM_JOB_ID + 1)) -o '%j %T'
echo content >file && sbcast -f file $PWD/copied && srun -N1 -n1 cat copied
srun -N1 -n1 squeue -h -s -o %i
"""
    job = shim.submit("-N2", script=BASH + script)
    assert shim.wait(job) == "COMPLETED", shim.log
    hosts = shim.run("sacct", "-n", "-P", "-X", "-j", str(job), "-o", "NodeList").out.strip()
    names = shim.run("scontrol", "show", "hostnames", hosts).out.split()
    cpus = 16 if on_dstack(shim) else 2
    assert shim.output(job).splitlines() == [
        *names, *names, f"{job} RUNNING 2 {cpus}", "gpu*", f"{job}|RUNNING", "1", str(job + 1), "later CANCELLED",
        "content", f"{job}.2", f"{job}.batch",
    ]  # fmt: skip


def test_an_allocation_with_a_command(shim: Shim) -> None:
    command = "echo $SLURM_NNODES $SLURM_JOB_NAME; srun bash -c 'echo $SLURM_PROCID'; squeue -h -o %T; exit 6"
    ran = shim.run("salloc", "-N2", "-J", "held", "bash", "-c", command)
    assert ran.code == 6
    head, *ranks, state = ran.out.splitlines()
    assert (head, sorted(ranks), state) == ("2 held", ["0", "1"], "RUNNING")
    lines = ran.err.splitlines()
    assert lines[0] == "salloc: Granted job allocation 1"
    assert lines[-1] == "salloc: Relinquishing job allocation 1"
    assert ending(shim, 1) == "FAILED|6:0"


def test_tasks_from_outside(shim: Shim) -> None:
    ran = shim.run("srun", "-N2", "-l", "bash", "-c", "echo $SLURM_JOB_NAME; exit $((SLURM_PROCID * 7))")
    assert ran.code == 7
    assert sorted(ran.out.splitlines()) == ["0: bash", "1: bash"]
    assert re.search(r"srun: error: \S+: task 1: Exited with exit code 7\n", ran.err)
    assert ending(shim, 1) == "FAILED|7:0"
    call = shim.popen("srun", "-J", "away", "bash", "-c", f"echo up; {WAIT.strip()}")
    wait_until(lambda: shim.states("-n", "away", "-t", "R") != {}, lambda: shim.log)
    assert call.stdout and call.stdout.readline() == b"up\n"
    shim.run("scontrol", "notify", "2", "hello")
    shim.run("scancel", "2")
    assert b"srun: hello\n" in call.communicate()[1]
    assert shim.wait(2) == "CANCELLED"


def test_components(shim: Shim) -> None:
    script = """
srun -l --het-group=0,1 bash -c 'echo $SLURM_PROCID $SLURM_NTASKS' | sort
srun --het-group=1 bash -c 'exit 3'; echo code $?
echo $SLURM_HET_SIZE $SLURM_JOB_NUM_NODES_HET_GROUP_1
"""
    job = shim.submit("-N1", ":", "-N2", script=BASH + script)
    assert shim.wait(job) == "COMPLETED"
    lines = [line for line in shim.output(job).splitlines() if not line.startswith("srun:")]
    assert lines[:3] == [f"{rank}: {rank} 3" for rank in range(3)]
    assert lines[3:] == ["code 3", "2 2"]
