"""sbatch: each option that ten or more clients use, read back as clients read it."""

import pwd

import pytest

from .conftest import Caller
from .parsers import ID_AFTER_SUBMISSION, id_parsable, pairs, value


@pytest.mark.parametrize("parse", ID_AFTER_SUBMISSION)
def test_script_file_and_every_way_to_read_the_id(caller: Caller, parse) -> None:
    said = caller.out("sbatch", "--hold", caller.script("true"))
    assert value(caller.job(parse(said)), "Command") == str(caller.here / "job.sh")


def test_script_on_stdin(caller: Caller) -> None:
    job = id_parsable(
        caller.out("sbatch", "--parsable", "-o", "out", "--wait", stdin='#!/bin/bash\necho "$1" from stdin\n')
    )
    assert job.isdigit()
    assert (caller.here / "out").read_text() == " from stdin\n"


def test_script_may_be_deleted_after_submission(caller: Caller) -> None:
    script = caller.script("echo kept", "-o out")
    job = id_parsable(caller.out("sbatch", "--parsable", "--hold", script))
    script.unlink()
    caller.out("scontrol", "release", job)
    caller.out("sbatch", "--wait", f"--dependency=afterok:{job}", "--mem=10M", "--wrap=true", "-o", "/dev/null")
    assert (caller.here / "out").read_text() == "kept\n"


def test_parsable_prints_nothing_but_the_id(caller: Caller) -> None:
    said = caller.out("sbatch", "--parsable", "--hold", caller.script("true"))
    assert said == f"{id_parsable(said)}\n"


# Where scontrol shows what an option asked for. The value is what real clients compare with.
SHOWN = {
    "--job-name": (["--job-name=drawn", "-Jdrawn"], "JobName", "drawn"),
    "--output": (["--output=%x-%j.out", "-o%x-%j.out"], "StdOut", "{here}/job.sh-{job}.out"),
    "--error": (["--error=e.%j", "-ee.%j"], "StdErr", "{here}/e.{job}"),
    "--partition": (["--partition=gpu", "-pgpu"], "Partition", "gpu"),
    "--time": (["--time=1-02:30:00", "-t1-2:30"], "TimeLimit", "1-02:30:00"),
    "--mem": (["--mem=2G", "--mem=2048", "--mem=2048M"], "MinMemoryNode", "2G"),
    "--mem-per-cpu": (["--mem-per-cpu=300M", "--mem-per-cpu=300"], "MinMemoryCPU", "300M"),
    "--cpus-per-task": (["--cpus-per-task=3", "-c3"], "CPUs/Task", "3"),
    "--nodes": (["--nodes=2", "-N2"], "NumNodes", "2-2"),
    "--ntasks": (["--ntasks=4", "-n4"], "NumTasks", "4"),
    "--ntasks-per-node": (["--ntasks-per-node=2"], "NtasksPerN:B:S:C", "2:0:*:*"),
    "--qos": (["--qos=normal", "-qnormal"], "QOS", "normal"),
    "--account": (["--account=proj", "-Aproj"], "Account", "proj"),
    "--gres": (["--gres=gpu:2", "--gres=gpu:2 -pgpu"], "TresPerNode", "gres:gpu:2"),
    "--constraint": (["--constraint=a100", "-Ca100"], "Features", "a100"),
    "--chdir": (["--chdir={here}/below", "-D{here}/below"], "WorkDir", "{here}/below"),
    "--exclusive": (["--exclusive"], "OverSubscribe", "NO"),
    "--mail-type": (["--mail-type=END,FAIL"], "MailType", "END,FAIL"),
    "--mail-user": (["--mail-user=a@b.c --mail-type=END"], "MailUser", "a@b.c"),
    "--requeue": (["--requeue"], "Requeue", "1"),
}
CASES = [(words, key, shown) for forms, key, shown in SHOWN.values() for words in forms]


@pytest.mark.parametrize(("words", "key", "shown"), CASES, ids=[words for words, _, _ in CASES])
def test_option_on_the_command_line(caller: Caller, words: str, key: str, shown: str) -> None:
    job = caller.held(*words.format(here=caller.here).split())
    assert value(caller.job(job), key) == shown.format(job=job, here=caller.here)


@pytest.mark.parametrize(("words", "key", "shown"), CASES, ids=[words for words, _, _ in CASES])
def test_option_as_a_directive(caller: Caller, words: str, key: str, shown: str) -> None:
    text = f"#!/bin/sh\n\n# a comment\n#SBATCH\n#SBATCH --hold {words.format(here=caller.here)}\ntrue\n"
    script = caller.here / "job.sh"
    script.write_text(text)
    job = id_parsable(caller.out("sbatch", "--parsable", script))
    assert value(caller.job(job), key) == shown.format(job=job, here=caller.here)


@pytest.mark.parametrize(("form", "tasks"), [("0-3", 4), ("1,3,5", 3), ("0-6:2%2", 4), ("7", 1)])
def test_array(caller: Caller, form: str, tasks: int) -> None:
    job = caller.held(f"--array={form}")
    said = caller.out("squeue", "-h", "-r", "-j", job, "-o", "%i %F %K %t")
    rows = [line.split() for line in said.splitlines()]
    assert len(rows) == tasks
    assert all(row == [f"{job}_{row[2]}", job, row[2], "PD"] for row in rows), rows


@pytest.mark.parametrize("kind", ["afterok", "afterany", "afternotok", "after"])
def test_dependency(caller: Caller, kind: str) -> None:
    first, second = caller.held(), caller.held()
    job = caller.held(f"--dependency={kind}:{first}:{second}")
    unfulfilled = f"{kind}:{first}(unfulfilled),{kind}:{second}(unfulfilled)"
    assert value(caller.job(job), "Dependency") == unfulfilled


def test_dependency_bare_and_joined(caller: Caller) -> None:
    first = caller.held()
    assert value(caller.job(caller.held(f"-d{first}")), "Dependency") == f"afterany:{first}(unfulfilled)"
    together = caller.held(f"--dependency=afterok:{first},afterany:{first}")
    assert value(caller.job(together), "Dependency") == f"afterok:{first}(unfulfilled),afterany:{first}(unfulfilled)"


def test_dependency_on_success_is_looked_at(caller: Caller) -> None:
    bad = caller.done("exit 3", "-o", "/dev/null", status=3)
    waiting = id_parsable(
        caller.out("sbatch", "--parsable", f"--dependency=afterok:{bad}", caller.script("true", "-o /dev/null"))
    )
    assert pairs(caller.job(waiting))["Reason"] == "DependencyNeverSatisfied"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("ALL", "one two unset"),
        ("NONE", "unset unset unset"),
        ("FIRST", "one unset unset"),
        ("ALL,ADDED=three four", "one two three four"),
        ("ADDED=three", "unset unset three"),
    ],
)
def test_export(caller: Caller, option: str, expected: str) -> None:
    script = caller.script('echo "${FIRST-unset} ${SECOND-unset} ${ADDED-unset}"', "-o out")
    caller.out("sbatch", "--wait", f"--export={option}", script, settings=("FIRST=one", "SECOND=two"))
    assert (caller.here / "out").read_text() == f"{expected}\n"


def test_variables_of_the_job(caller: Caller) -> None:
    job = caller.done(
        "echo $SLURM_JOB_ID $SLURM_JOBID $SLURM_JOB_NUM_NODES $SLURM_NTASKS $SLURM_CPUS_PER_TASK $SLURM_JOB_NAME $USER",
        *("-o", "out", "-J", "named", "-n", "2", "-c", "2"),
    )
    user = caller.cluster.user
    assert (caller.here / "out").read_text() == f"{job} {job} 1 2 2 named {user}\n"
    assert value(caller.job(job), "UserId") == f"{user}({pwd.getpwnam(user).pw_uid})"


def test_variables_of_an_array_task(caller: Caller) -> None:
    job = caller.done(
        "echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID"
        " $SLURM_ARRAY_TASK_COUNT $SLURM_ARRAY_TASK_MIN $SLURM_ARRAY_TASK_MAX",
        *("-o", "%A_%a.out", "--array=2-6:4"),
    )
    assert (caller.here / f"{job}_2.out").read_text() == f"{job} 2 2 2 6\n"
    assert (caller.here / f"{job}_6.out").read_text() == f"{job} 6 2 2 6\n"


def test_wait_answers_with_the_jobs_exit_status(caller: Caller) -> None:
    caller.done("exit 7", "-o", "/dev/null", status=7)


def test_unknown_option(caller: Caller) -> None:
    answer = caller.ask("sbatch", "--no-such-option", caller.script("true"), status=255)
    assert answer.out == ""
    assert "sbatch: unrecognized option '--no-such-option'" in answer.err
