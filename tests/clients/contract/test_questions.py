"""squeue, sacct, scontrol and sinfo: what ten or more clients ask, read as they read it."""

import pytest

from .conftest import Caller
from .parsers import array_tasks, id_parsable, pairs, reframe_rows, separated, table, value, words


def running(caller: Caller, *options: object) -> str:
    """The ID of a job that runs until it is cancelled."""
    body = "touch started.$SLURM_JOB_ID; echo > started; exec sleep 600"
    (caller.here / "started").unlink(missing_ok=True)
    fifo = caller.here / "started"
    caller.out("mkfifo", fifo)
    job = id_parsable(caller.out("sbatch", "--parsable", "-o", "/dev/null", *options, caller.script(body)))
    with fifo.open() as started:
        started.read()
    fifo.unlink()
    return job


def test_squeue_fields(caller: Caller) -> None:
    job = caller.held("-J", "named")
    said = caller.out("squeue", "--noheader", "--jobs", job, "--format", "%i|%T|%t|%j|%u|%A|%M|%P|%D|%r")
    assert separated(said, "|") == [
        [job, "PENDING", "PD", "named", caller.cluster.user, job, "0:00", "debug", "1", "JobHeldUser"]
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ("-h", "-o", "%i %t", "-j"),
        ("-h", "-o%i %t", "-j"),
        ("--noheader", "--format=%i %t", "--job"),
        ("-ho", "%i %t", "-j"),
        ("-ho", "%%i %%t", "-j"),
    ],
)
def test_squeue_spellings(caller: Caller, argv: tuple[str, ...]) -> None:
    job = caller.held()
    assert words(caller.out("squeue", *argv, job)) == [[job, "PD"]]


def test_squeue_header(caller: Caller) -> None:
    job = caller.held()
    said = caller.out("squeue", "-j", job, "-o", "%i,%j,%t,%M,%P,%u,%A,%T,%N,%R")
    (row,) = table(said, ",")
    assert said.splitlines()[0] == "JOBID,NAME,ST,TIME,PARTITION,USER,JOBID,STATE,NODELIST,NODELIST(REASON)"
    assert row["NODELIST(REASON)"] == "(JobHeldUser)"


def test_squeue_default_table(caller: Caller) -> None:
    job = caller.held("-J", "a_name_longer_than_eight")
    header, row = caller.out("squeue", "-j", job).splitlines()
    assert header == "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)"
    assert row.split() == [job, "debug", "a_name_l", caller.cluster.user, "PD", "0:00", "1", "(JobHeldUser)"]


def test_squeue_of_one_user(caller: Caller) -> None:
    job = caller.held()
    assert [job] in words(caller.out("squeue", "-h", "-u", caller.cluster.user, "-o", "%A"))
    assert [job] in words(caller.out("squeue", "-h", "--me", "-o", "%A"))
    assert [job] not in words(caller.out("squeue", "-h", "-u", "nobody", "-o", "%A"))


@pytest.mark.parametrize(
    "states", ["PD", "PENDING", "pending,running", "all", "PD,CF,RF,RH,RQ,SE", "pd,R,S,CG,RS,SI,SO,ST"]
)
def test_squeue_states(caller: Caller, states: str) -> None:
    job = caller.held()
    assert words(caller.out("squeue", "-h", "-t", states, "-j", job, "-o", "%i")) == [[job]]


def test_squeue_states_leave_others_out(caller: Caller) -> None:
    assert caller.out("squeue", "-h", "-t", "R,S,CG", "-j", caller.held(), "-o", "%i") == ""


@pytest.mark.parametrize(
    ("body", "status", "long", "compact"), [("true", 0, "COMPLETED", "CD"), ("exit 3", 3, "FAILED", "F")]
)
def test_squeue_of_a_finished_job(caller: Caller, body: str, status: int, long: str, compact: str) -> None:
    job = caller.done(body, "-o", "/dev/null", status=status)
    assert caller.out("squeue", "-h", "-j", job) == ""
    assert words(caller.out("squeue", "-h", "-t", "all", "-j", job, "-o", "%i %T %t")) == [[job, long, compact]]


def test_squeue_of_an_unknown_job(caller: Caller) -> None:
    answer = caller.ask("squeue", "-h", "-j", "987654", status=1)
    assert (answer.out, answer.err) == ("", "slurm_load_jobs error: Invalid job id specified\n")
    assert caller.ask("squeue", "-h", "-j", "987654,987654").out == ""


def test_squeue_of_an_array(caller: Caller) -> None:
    job = caller.held("--array=0-3,7%2")
    ((row,),) = words(caller.out("squeue", "-h", "-j", job, "-o", "%i"))
    assert row == f"{job}_[0-3,7%2]"
    assert [[task] for task in array_tasks(row)] == words(caller.out("squeue", "-h", "-r", "-j", job, "-o", "%i"))


def test_squeue_of_a_running_job(caller: Caller) -> None:
    job = running(caller)
    state, compact, node, place = words(caller.out("squeue", "-h", "-j", job, "-o", "%T %t %N %R"))[0]
    assert (state, compact) == ("RUNNING", "R")
    assert node == place and node in caller.out("sinfo", "-h", "-N", "-o", "%N").split()


def test_sacct_table(caller: Caller) -> None:
    job = caller.done("srun true", "-o", "/dev/null", "-J", "named")
    said = accounted(caller, job, "sacct", "--parsable2", "-j", job, "-o", "JobID,State,NodeList,JobName,ExitCode")
    rows = {row["JobID"]: row for row in table(said)}
    assert [row["State"] for name, row in rows.items() if "." not in name] == ["COMPLETED"]
    assert rows[job]["JobName"] == "named"
    assert rows[f"{job}.batch"]["ExitCode"] == rows[f"{job}.0"]["ExitCode"] == "0:0"


def accounted(caller: Caller, job: str, *argv: object, settings: tuple[str, ...] = ()) -> str:
    """The answer of sacct once accounting knows the job's name and end: real Slurm's learns them a moment later."""
    for _ in range(50):
        state, _, name = caller.out("sacct", "-X", "-n", "-P", "-j", job, "-o", "state,jobname").strip().partition("|")
        if state not in ("", "PENDING", "RUNNING") and name != "allocation":
            break
        caller.ask("sleep", "0.2")
    return caller.out(*argv, settings=settings)


@pytest.mark.parametrize(
    "argv",
    [
        ("-n", "-X", "-P", "-o", "JobID,State", "-j"),
        ("-nXP", "-oJobID,State", "-j"),
        ("--noheader", "--allocations", "--parsable2", "--format=jobid,state", "--jobs"),
        ("--noheader", "-X", "--parsable2", "--format", "jobid,state", "--job"),
        ("-n", "-X", "-P", "-S", "now-2days", "-o", "jobid,state", "-j"),
        ("-n", "-X", "-P", "--starttime=2026-01-01", "--format=JobId,STATE", "-j"),
    ],
)
def test_sacct_spellings(caller: Caller, argv: tuple[str, ...]) -> None:
    job = caller.done("exit 5", "-o", "/dev/null", status=5)
    assert separated(accounted(caller, job, "sacct", *argv, job), "|") == [[job, "FAILED"]]


def test_sacct_of_a_held_job(caller: Caller) -> None:
    job = caller.held()
    question = ("sacct", "-S", "2026-01-01", "-P", "-n", "-X", "-o", "jobid,state,end,nodelist")
    for _ in range(50):  # real Slurm's accounting learns of it a moment later
        if said := caller.out(*question, "-j", job):
            break
        caller.ask("sleep", "0.2")
    assert said == f"{job}|PENDING|Unknown|None assigned\n"
    assert job not in {row[0] for row in separated(caller.out(*question), "|")}


def test_sacct_for_reframe(caller: Caller) -> None:
    job = caller.done("exit 5", "-o", "/dev/null", status=5)
    question = ("sacct", "-S", "2026-01-01", "-P", "-j", job, "-o", "jobid,state,exitcode,end,nodelist")
    said = accounted(caller, job, *question, settings=("SLURM_TIME_FORMAT=%s",))
    ((state, code, signal, end, nodes),) = reframe_rows(said, job)
    assert (state, code, signal) == ("FAILED", "5", "0")
    assert end.isdigit() and nodes.startswith("n")


def test_sacct_text_columns(caller: Caller) -> None:
    job = caller.done("true", "-o", "/dev/null")
    said = accounted(caller, job, "sacct", "-X", "-n", "-o", "jobid,state%20", "-j", job)
    assert said == f"{job:<12} {'COMPLETED':>20} \n"


def test_sacct_of_an_array(caller: Caller) -> None:
    job = caller.done("true", "-o", "/dev/null", "--array=0-2")
    said = accounted(caller, f"{job}_2", "sacct", "-X", "-n", "-P", "-o", "jobid,state", "-j", job)
    assert sorted(separated(said, "|")) == [[f"{job}_{task}", "COMPLETED"] for task in range(3)]


def test_sacct_of_an_unknown_job(caller: Caller) -> None:
    assert caller.out("sacct", "-n", "-X", "-P", "-j", "987654", "-o", "state") == ""


def test_sacct_refuses_a_pipe(caller: Caller) -> None:
    """Snakemake runs this without a shell and takes success for an account's name."""
    user = caller.cluster.user
    answer = caller.ask("sacct", "-nu", user, "-o", "Account%256", "|", "tail", "-1", status=1)
    assert "invalid option -- '1'" in answer.err


def test_sacct_after_cancellation(caller: Caller) -> None:
    job = caller.held()
    caller.out("scancel", job)
    uid = value(caller.job(job), "UserId").partition("(")[2].rstrip(")")
    assert accounted(caller, job, "sacct", "-X", "-n", "-P", "-j", job, "-o", "state") == f"CANCELLED by {uid}\n"


def test_scancel_of_many(caller: Caller) -> None:
    jobs = [caller.held() for _ in range(3)]
    answer = caller.ask("scancel", *jobs)
    assert (answer.out, answer.err) == ("", "")
    assert {value(caller.job(job), "JobState") for job in jobs} == {"CANCELLED"}


def test_scancel_of_a_task(caller: Caller) -> None:
    job = caller.held("--array=0-3")
    caller.out("scancel", f"{job}_2")
    assert words(caller.out("squeue", "-h", "-r", "-j", job, "-o", "%i")) == [[f"{job}_{task}"] for task in (0, 1, 3)]


def test_scancel_of_a_finished_job_is_silent(caller: Caller) -> None:
    job = caller.done("true", "-o", "/dev/null")
    answer = caller.ask("scancel", job)
    assert (answer.out, answer.err) == ("", "")


def test_scancel_says_what_it_does(caller: Caller) -> None:
    job = caller.held()
    assert f"scancel: Terminating job {job}" in caller.ask("scancel", "-v", job).err


@pytest.mark.parametrize(
    "argv",
    [
        ("show", "job", "-o", "{job}"),
        ("-o", "show", "job", "{job}"),
        ("show", "-o", "job", "{job}"),
        ("show", "jobid={job}", "-o"),
        ("-o", "show", "JobId", "{job}"),
    ],
)
def test_scontrol_show_job_in_one_line(caller: Caller, argv: tuple[str, ...]) -> None:
    job = caller.held("-J", "named")
    said = caller.out("scontrol", *(word.format(job=job) for word in argv))
    assert said.count("\n") == 1
    found = pairs(said)
    shown = [found[key] for key in ("JobId", "JobName", "JobState", "Reason", "Partition", "NumCPUs", "WorkDir")]
    assert shown == [job, "named", "PENDING", "JobHeldUser", "debug", "1", str(caller.here)]


def test_scontrol_show_job_in_a_block(caller: Caller) -> None:
    job = caller.held()
    said = caller.out("scontrol", "show", "job", job)
    assert said.startswith(f"JobId={job} JobName=job.sh\n   UserId=")
    for key in [
        "ExitCode",
        "SubmitTime",
        "StartTime",
        "EndTime",
        "RunTime",
        "NodeList",
        "StdOut",
        "StdErr",
        "JobState",
    ]:
        value(said, key)


def test_scontrol_show_unknown_job(caller: Caller) -> None:
    answer = caller.ask("scontrol", "show", "job", "987654", status=1)
    assert (answer.out, answer.err) == ("", "slurm_load_jobs error: Invalid job id specified\n")


def test_scontrol_hostnames(caller: Caller) -> None:
    assert caller.out("scontrol", "show", "hostnames", "n[1-3],x07").split() == ["n1", "n2", "n3", "x07"]
    assert caller.out("scontrol", "show", "hostnames", settings=("SLURM_NODELIST=n[1-2]",)).split() == ["n1", "n2"]
    assert caller.out("scontrol", "show", "hostname", "n[3-4]").split() == ["n3", "n4"]


def test_scontrol_configuration(caller: Caller) -> None:
    said = caller.out("scontrol", "show", "config")
    known = dict(map(str.strip, line.split("=", 1)) for line in said.splitlines() if " = " in line)
    assert (known["MaxArraySize"], known["MinJobAge"], known["ClusterName"]) == ("10001", "300 sec", "oracle")


def test_sinfo_partitions(caller: Caller) -> None:
    assert caller.out("sinfo", "-h", "-o", "%P").split() == ["debug*", "gpu"]
    assert caller.out("sinfo", "--noheader", "--format=%R").split() == ["debug", "gpu"]
    assert caller.out("sinfo", "-o", "%P").splitlines()[0] == "PARTITION"


def test_sinfo_nodes(caller: Caller) -> None:
    rows = words(caller.out("sinfo", "-h", "-N", "-p", "debug", "-o", "%N %c %m %G"))
    assert rows == [
        ["n1", "8", "8000", "(null)"],
        ["n2", "8", "8000", "(null)"],
        ["n3", "8", "8000", "gpu:a100:4"],
        ["n4", "8", "8000", "gpu:h100:4"],
    ]


@pytest.mark.parametrize(
    "options", [("-n", "2"), ("--ntasks=2",), ("-n2",), ("-N1", "--ntasks-per-node=2"), ("--nodes=1", "-n", "2")]
)
def test_srun_in_a_job(caller: Caller, options: tuple[str, ...]) -> None:
    command = f"srun {' '.join(options)} sh -c 'echo $SLURM_PROCID of $SLURM_NTASKS on $SLURM_NODEID'"
    caller.done(command, "-o", "out", "-n2")
    assert sorted((caller.here / "out").read_text().splitlines()) == ["0 of 2 on 0", "1 of 2 on 0"]


def test_srun_over_nodes(caller: Caller) -> None:
    command = "srun --nodes=2 --ntasks=2 sh -c 'echo $SLURM_NODEID $SLURM_PROCID $(scontrol show hostnames | wc -l)'"
    caller.done(command, "-o", "out", "-N2", "--ntasks-per-node=1")
    assert sorted((caller.here / "out").read_text().splitlines()) == ["0 0 2", "1 1 2"]


def test_srun_reports_a_failing_task(caller: Caller) -> None:
    caller.done("srun sh -c 'exit 9'", "-o", "out", status=9)
    assert "task 0: Exited with exit code 9" in (caller.here / "out").read_text()
