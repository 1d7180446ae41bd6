"""Jobs in the queue: again, held, throttled, one after the other; the same on this machine and through dstack."""

import re
from itertools import pairwise
from pathlib import Path

from tests.behaviour.script import BASH, WAIT, ending, nodes, on_dstack, until, up
from tests.shim import Shim, wait_until


def reason(shim: Shim, job: int | str) -> str:
    return shim.run("squeue", "-h", "-j", str(job), "-o", "%T %r").out.strip()


def test_requeued_and_held(shim: Shim) -> None:
    script = f"{BASH}echo run ${{SLURM_RESTART_COUNT-none}}\n[ $SLURM_RESTART_COUNT ] || {{ {WAIT} }}\nexit 3\n"
    job = shim.submit("--open-mode=append", script=script)
    up(shim, job, "run none")
    assert shim.run("scontrol", "requeuehold", str(job)).code == 0
    wait_until(lambda: reason(shim, job) == "PENDING job requeued in held state", lambda: reason(shim, job))
    shim.run("scontrol", "release", str(job))
    assert shim.wait(job) == "FAILED"
    assert re.fullmatch(r"run none\n(.* DUE TO JOB REQUEUE \*\*\*\n)?run 1\n", shim.output(job))
    assert "Restarts=1" in shim.run("scontrol", "show", "job", str(job)).out
    duplicates = shim.run("sacct", "-D", "-n", "-P", "-X", "-j", str(job), "-o", "State,ExitCode").out
    assert duplicates.split() == ["REQUEUED|0:0", "FAILED|3:0"]
    shim.run("scontrol", "requeue", str(job))  # what has ended runs again, too
    wait_until(lambda: shim.output(job).endswith("run 2\n"), lambda: shim.output(job))
    assert shim.wait(job) == "FAILED"


def test_what_shall_not_run_again_does_not(shim: Shim) -> None:
    job = shim.submit("--no-requeue", script=f"{BASH}echo up\n{until(shim, 'go')}echo $SLURM_RESTART_COUNT\n")
    up(shim, job)
    refused = shim.run("scontrol", "requeue", str(job))
    assert (refused.err, refused.code) == (f"Requested operation is presently disabled for job {job}\n", 1)
    (shim.work / "go").touch()
    assert shim.wait(job) == "COMPLETED"
    assert shim.output(job) == "up\n\n"


def test_suspended_or_stopped(shim: Shim) -> None:
    job = shim.submit(script=f"{BASH}echo $$ >pid\nwhile :; do echo tick; sleep 0.1; done\n")
    up(shim, job, "tick\ntick")
    suspended = shim.run("scontrol", "suspend", str(job))
    if on_dstack(shim):
        why = "a run of dstack keeps its hosts and its time limit; scancel --signal=STOP and CONT stop it there"
        assert (suspended.err, suspended.code) == (f"{why} for job {job}\n", 1)
        shim.run("scancel", "--full", "-s", "STOP", str(job))
    assert reason(shim, job) == ("STOPPED None" if on_dstack(shim) else "SUSPENDED None")
    wait_until(lambda: stopped(shim), lambda: shim.output(job)[-100:])
    before = len(shim.output(job))
    if on_dstack(shim):
        shim.run("scancel", "--full", "-s", "CONT", str(job))
    else:
        assert shim.run("scontrol", "resume", str(job)).code == 0
    assert reason(shim, job) == "RUNNING None"
    wait_until(lambda: len(shim.output(job)) > before, lambda: reason(shim, job))
    shim.run("scancel", str(job))
    assert shim.wait(job) == "CANCELLED"


def stopped(shim: Shim) -> bool:
    """Whether the process is stopped whose number the script has written down."""
    pid = (shim.work / "pid").read_text().strip()
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_signal_before_the_limit(shim: Shim) -> None:
    (shim.work / "step.sh").write_text(f"{BASH}trap 'echo step got USR1; exit 4' USR1\n{WAIT}")
    batch = shim.submit("-t2", "--signal=B:USR1@120", script=f"{BASH}trap 'echo batch got USR1; exit 6' USR1\n{WAIT}")
    steps = shim.submit("-t2", "--signal=USR1@120", script=f"{BASH}trap 'echo wrong' USR1\nsrun bash step.sh\n")
    assert (shim.wait(batch), shim.wait(steps)) == ("FAILED", "FAILED")
    assert (shim.output(batch), ending(shim, batch)) == ("batch got USR1\n", "FAILED|6:0")
    assert "step got USR1\n" in shim.output(steps)
    assert "wrong" not in shim.output(steps)
    assert ending(shim, steps) == "FAILED|4:0"


def test_dependencies_of_every_kind(shim: Shim) -> None:
    first = shim.submit("-J", "one", script=f"{BASH}echo up\n{until(shim, 'go')}exit 2\n")
    alone = shim.submit("-J", "one", "-d", "singleton", script=BASH)
    bad = shim.submit("-d", f"afterok:{first}", script=BASH)
    either = shim.submit("-d", f"afterok:{first}?afternotok:{first}", script=BASH)
    both = shim.submit("-d", f"afternotok:{first},after:{alone}", script=BASH)
    killed = shim.submit("-d", f"afterok:{first}", "--kill-on-invalid-dep=yes", script=BASH)
    up(shim, first)
    for job in (alone, bad, either, both, killed):
        assert reason(shim, job) == "PENDING Dependency"
    (shim.work / "go").touch()
    assert [shim.wait(job) for job in (first, alone, either, both)] == ["FAILED"] + ["COMPLETED"] * 3
    assert shim.wait(killed) == "CANCELLED"
    assert reason(shim, bad) == "PENDING DependencyNeverSatisfied"
    cancelled = shim.submit("--hold", script=BASH)
    rest = shim.submit("-d", f"afternotok:{cancelled}", script=BASH)
    shim.run("scancel", str(cancelled), str(bad))
    assert shim.wait(rest) == "COMPLETED"


def test_throttle_and_holds_of_an_array(shim: Shim) -> None:
    array = shim.submit("--array=1-5%1", script=f"{BASH}echo up\n{until(shim, 'go')}")
    up(shim, f"{array}_1")
    assert list(shim.states("-r", "-j", str(array)).values()).count("RUNNING") == 1
    assert reason(shim, array).split("\n")[0] == "PENDING JobArrayTaskLimit"
    assert shim.run("scontrol", "uhold", f"{array}_[4-5]").code == 0
    shim.run("scontrol", "update", f"jobid={array}", "ArrayTaskThrottle=3")
    up(shim, f"{array}_2")
    up(shim, f"{array}_3")
    (shim.work / "go").touch()
    done = {f"{array}_{n}": "COMPLETED" for n in (1, 2, 3)}
    wait_until(lambda: done.items() <= shim.states("-j", str(array)).items(), lambda: str(shim.states()))
    assert {reason(shim, f"{array}_{n}") for n in (4, 5)} == {"PENDING JobHeldUser"}
    shim.run("scontrol", "release", f"{array}_4")
    wait_until(lambda: shim.states("-j", str(array)).get(f"{array}_4") == "COMPLETED", lambda: str(shim.states()))
    shim.run("scancel", str(array))
    wait_until(lambda: shim.states("-j", str(array)).get(f"{array}_5") == "CANCELLED", lambda: str(shim.states()))


def test_exit_codes_of_those_who_wait(shim: Shim) -> None:
    array = shim.popen("sbatch", "--wait", "--array=0-3", "--wrap", "exit $SLURM_ARRAY_TASK_ID")
    killed = shim.popen("sbatch", "--wait", "--wrap", "kill -9 $$")
    for call in (array, killed):
        call.communicate()
    assert (array.returncode, killed.returncode) == (3, 1)


def test_jobs_that_submit_jobs(shim: Shim) -> None:
    (shim.work / "again.sh").write_text(
        f"""{BASH}#SBATCH -o again-%j.out
echo round $1
[ $1 = 3 ] || sbatch --dependency=afterok:$SLURM_JOB_ID again.sh $(($1 + 1))
scontrol show job $SLURM_JOB_ID | grep -o JobState=.*
squeue -h -j $SLURM_JOB_ID -o '%T %j'
"""
    )
    first = int(shim.run("sbatch", "--parsable", "again.sh", "1").out)
    wait_until(lambda: shim.states().get(str(first + 2)) == "COMPLETED", lambda: f"{shim.states()}{shim.log}")
    own = "JobState=RUNNING Reason=None Dependency=(null)\nRUNNING again.sh\n"
    for number in range(3):
        submitted = f"Submitted batch job {first + number + 1}\n" if number < 2 else ""
        assert (shim.work / f"again-{first + number}.out").read_text() == f"round {number + 1}\n{submitted}{own}"
    begun = shim.run("sacct", "-n", "-P", "-X", "-o", "Start,End").out.splitlines()
    times = [line.split("|") for line in begun]
    assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_priorities(shim: Shim) -> None:
    node = nodes(shim)[0]
    place = ("-w", node, "--exclusive")
    blocker = shim.submit(*place, script=f"{BASH}echo up\n{until(shim, 'go')}")
    up(shim, blocker)
    note = f"echo $SLURM_JOB_ID >>{shim.work}/order\n"
    late = shim.submit(*place, "--nice=100", script=BASH + note)
    usual = shim.submit(*place, script=BASH + note)
    moved = shim.submit(*place, "--nice=50", script=BASH + note)
    assert shim.run("scontrol", "update", f"jobid={late}", "nice=10").code == 0
    (shim.work / "go").touch()
    assert [shim.wait(job) for job in (late, usual, moved)] == ["COMPLETED"] * 3
    assert [int(line) for line in (shim.work / "order").read_text().split()] == [usual, late, moved]


def test_cancelled_by_what_they_are(shim: Shim) -> None:
    running = shim.submit("-J", "a", script=f"{BASH}echo up\n{WAIT}")
    held = [shim.submit("--hold", "-J", name, script=BASH) for name in ("a", "b", "b")]
    up(shim, running)
    assert shim.run("scancel", "-t", "PENDING", "-n", "a").code == 0
    assert (shim.wait(held[0]), shim.states()[str(running)]) == ("CANCELLED", "RUNNING")
    refused = shim.run("scancel", "-s", "USR1", str(held[1]))
    assert refused.err.startswith(f"scancel: error: Kill job error on job id {held[1]}: Job can not be altered now")
    shim.run("scancel", "--me", "-n", "b")
    assert [shim.wait(job) for job in held[1:]] == ["CANCELLED"] * 2
    shim.run("scancel", f"--nodelist={shim.run('squeue', '-h', '-o', '%N').out.strip()}")
    assert shim.wait(running) == "CANCELLED"


def test_limits_of_a_running_job(shim: Shim) -> None:
    job = shim.submit("-t10", script=f"{BASH}echo up\n{WAIT}")
    up(shim, job)
    assert shim.run("scontrol", "update", f"jobid={job}", "timelimit=5").code == 0
    assert shim.run("squeue", "-h", "-o", "%l").out == "5:00\n"
    raised = shim.run("scontrol", "update", f"jobid={job}", "timelimit=20")
    assert (raised.code, "cannot be raised" in raised.err) == ((1, True) if on_dstack(shim) else (0, False))
    assert shim.run("scontrol", "notify", str(job), "a  word").code == 0
    up(shim, job, "slurmstepd: error: a  word\n")
    shim.run("scancel", str(job))
    assert shim.wait(job) == "CANCELLED"
