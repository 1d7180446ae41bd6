"""What a job does, and what becomes of it: the same on this machine and through dstack."""

import os
import re

import pytest

from tests.behaviour.script import BASH, WAIT, ending, up
from tests.shim import Shim, wait_until


def test_endings(shim: Shim) -> None:
    scripts = {"true": "COMPLETED|0:0", "exit 3": "FAILED|3:0", "kill -9 $$": "FAILED|0:9", "exit 137": "FAILED|9:0"}
    jobs = {shim.submit(script=BASH + script): expected for script, expected in scripts.items()}
    for job, expected in jobs.items():
        shim.wait(job)
        assert ending(shim, job) == expected
    lost = shim.submit("-o", "/no/such/folder/out", script=BASH)
    assert shim.wait(lost) == "FAILED"
    assert ending(shim, lost) == "FAILED|0:53"


def test_files_and_arguments(shim: Shim) -> None:
    (shim.work / "in").write_text("from a file\n")
    (shim.work / "job.sh").write_text(BASH + 'cat; echo "$1|$2|$#"; echo wrong >&2; pwd; umask\n')
    done = shim.run(
        "sbatch", "--wait", "-i", "in", "-o", "%x-%j.out", "-e", "err-%A", "-J", "files", "job.sh", "a b", "c'd"
    )
    assert (done.out, done.err, done.code) == ("Submitted batch job 1\n", "", 0)
    assert (shim.work / "files-1.out").read_text() == f"from a file\na b|c'd|2\n{shim.work}\n0022\n"
    assert (shim.work / "err-1").read_text() == "wrong\n"
    done = shim.run("sbatch", "--wait", "--open-mode=append", "-o", "files-1.out", "--wrap", "echo more; exit 4")
    assert done.code == 4
    assert (shim.work / "files-1.out").read_text().endswith("0022\nmore\n")


def test_environment(shim: Shim) -> None:
    script = BASH + 'printf "%s\\n" "$OWN" "${LEFT-unset}" "$SLURM_JOB_NAME" "$SLURM_NTASKS" "$SLURM_CPUS_PER_TASK"\n'
    job = shim.submit("--export=OWN,NEW=1", "-J", "named", "-n2", "-c2", script=script, OWN="a\nb ä $x", LEFT="1")
    assert shim.wait(job) == "COMPLETED"
    assert shim.output(job) == "a\nb ä $x\nunset\nnamed\n2\n2\n"


def test_cancelled_while_it_runs(shim: Shim) -> None:
    job = shim.submit(script=f"{BASH}trap 'echo bye; exit' TERM\necho up\n{WAIT}")
    up(shim, job)
    assert shim.run("scancel", str(job)).code == 0
    assert shim.wait(job) == "CANCELLED"
    notice = rf"error: \*\*\* JOB {job} ON \S+ CANCELLED AT [-0-9T:]+ \*\*\*\n"
    assert re.search(notice + r"(?:.*\n)*bye\n$", shim.output(job))
    assert ending(shim, job).startswith("CANCELLED")


def test_one_that_ignores_term_is_killed(shim: Shim) -> None:
    job = shim.submit(script=f"{BASH}trap '' TERM\necho up\n{WAIT}")
    up(shim, job)
    shim.run("scancel", str(job))
    assert shim.wait(job) == "CANCELLED"
    assert ending(shim, job) == f"CANCELLED by {os.getuid()}|0:0"


def test_signals(shim: Shim) -> None:
    job = shim.submit(script=f"{BASH}trap 'echo got USR1' USR1\ntrap 'exit 5' USR2\necho up\n{WAIT}")
    up(shim, job)
    shim.run("scancel", "-b", "-s", "USR1", str(job))
    up(shim, job, "got USR1")
    shim.run("scancel", "--full", "--signal=USR2", str(job))
    shim.wait(job)
    assert ending(shim, job) == "FAILED|5:0"


def test_hold_release_and_begin(shim: Shim) -> None:
    job = shim.submit("--hold", script=BASH)
    assert shim.states() == {str(job): "PENDING"}
    assert shim.run("squeue", "-h", "-o", "%r").out == "JobHeldUser\n"
    shim.run("scontrol", "release", str(job))
    assert shim.wait(job) == "COMPLETED"
    later = shim.submit("--begin=now+1hour", script=BASH)
    assert shim.run("squeue", "-h", "-o", "%r").out == "BeginTime\n"
    shim.run("scancel", str(later))
    assert shim.wait(later) == "CANCELLED"


def test_requeue(shim: Shim) -> None:
    job = shim.submit(script=f"{BASH}echo run $SLURM_RESTART_COUNT\n[ $SLURM_RESTART_COUNT ] || {{ {WAIT} }}\n")
    up(shim, job, "run")
    assert shim.run("scontrol", "requeue", str(job)).code == 0
    assert shim.wait(job) == "COMPLETED"
    assert shim.output(job).endswith("run 1\n")


def test_dependencies(shim: Shim) -> None:
    good, bad = shim.submit(script=BASH), shim.submit(script=f"{BASH}exit 1")
    after = {
        f"afterok:{good}": "COMPLETED", f"afternotok:{bad}": "COMPLETED", f"afterany:{good}:{bad}": "COMPLETED",
        f"after:{good}": "COMPLETED",
    }  # fmt: skip
    jobs = {shim.submit("-d", text, script=BASH): state for text, state in after.items()}
    never = shim.submit("-d", f"afterok:{bad}", script=BASH)
    for job, state in jobs.items():
        assert shim.wait(job) == state
    assert shim.run("squeue", "-h", "-j", str(never), "-o", "%T %r").out == "PENDING DependencyNeverSatisfied\n"


def test_arrays(shim: Shim) -> None:
    script = f'{BASH}echo "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT"\nexit $((SLURM_ARRAY_TASK_ID % 2))\n'
    array = shim.submit("--array=0-5%3", script=script)
    after = f"--dependency=aftercorr:{array}"
    each = shim.submit("--array=0-5", after, "-o", "each-%a", "--wrap", "echo $SLURM_JOB_ID")
    wait_until(lambda: set(shim.states("-j", str(array)).values()) == {"COMPLETED", "FAILED"}, lambda: shim.log)
    assert [shim.output(f"{array}_{n}") for n in range(6)] == [f"{n} of 6\n" for n in range(6)]
    assert sorted(ending(shim, array).split()) == ["COMPLETED|0:0"] * 3 + ["FAILED|1:0"] * 3
    wait_until(lambda: all((shim.work / f"each-{n}").exists() for n in (0, 2, 4)), lambda: shim.log)
    assert not (shim.work / "each-1").exists()
    shim.run("scancel", str(each))


def test_array_tasks_are_cancelled_one_by_one(shim: Shim) -> None:
    array = shim.submit("--array=1-3", script=f"{BASH}echo up\n{WAIT}")
    wait_until(lambda: list(shim.states("-j", str(array)).values()) == ["RUNNING"] * 3, lambda: shim.log)
    shim.run("scancel", f"{array}_2")
    wait_until(lambda: shim.states("-j", str(array)).get(f"{array}_2") == "CANCELLED", lambda: shim.log)
    assert shim.states("-j", str(array)) == {f"{array}_{n}": "CANCELLED" if n == 2 else "RUNNING" for n in (1, 2, 3)}
    shim.run("scancel", str(array))
    assert shim.wait(array) == "CANCELLED"


def test_gpus(shim: Shim) -> None:
    job = shim.submit("--gres=gpu:a100:2", "--wrap", "echo $CUDA_VISIBLE_DEVICES $SLURM_GPUS_ON_NODE")
    assert shim.wait(job) == "COMPLETED"
    assert shim.output(job) == "0,1 2\n"


def test_steps(shim: Shim) -> None:
    job = shim.submit(
        "-N2",
        "--ntasks-per-node=2",
        script=f"""{BASH}
srun -l bash -c 'echo $SLURM_PROCID/$SLURM_NTASKS on $SLURM_NODEID' | sort
srun -n2 bash -c 'exit $SLURM_PROCID'; echo "code $?"
echo $(scontrol show hostnames) $(squeue -h -o %T)
""",
    )
    assert shim.wait(job) == "COMPLETED"
    lines = shim.output(job).splitlines()
    assert lines[:4] == ["0: 0/4 on 0", "1: 1/4 on 0", "2: 2/4 on 1", "3: 3/4 on 1"]
    assert lines[5] == "code 1"
    assert re.fullmatch(r"\S+ \S+ RUNNING", lines[6])


@pytest.mark.soak
def test_time_limit(shim: Shim) -> None:
    warned = shim.submit("-t1", "--signal=B:USR1@50", script=f"{BASH}trap 'echo warned; exit 6' USR1\n{WAIT}")
    late = shim.submit("-t1", script=f"{BASH}trap 'echo late' TERM\n{WAIT}")
    shim.wait(warned)
    assert shim.output(warned) == "warned\n"
    assert shim.wait(late) == "TIMEOUT"
    assert re.search(rf"\*\*\* JOB {late} ON \S+ CANCELLED AT [-0-9T:]+ DUE TO TIME LIMIT \*\*\*\n", shim.output(late))
    assert "late\n" in shim.output(late)
    assert ending(shim, late) == "TIMEOUT|0:0"


def test_submissions_from_many_processes(shim: Shim) -> None:
    calls = [shim.popen("sbatch", "--parsable", "--wrap", "exit 0") for _ in range(6)]
    assert sorted(int(call.communicate()[0]) for call in calls) == [1, 2, 3, 4, 5, 6]
    assert [shim.wait(job) for job in range(1, 7)] == ["COMPLETED"] * 6
