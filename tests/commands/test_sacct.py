"""sacct prints accounting exactly as real Slurm 22.05.8 did, in the same situations."""
# ruff: noqa: W291 - trailing blanks are part of the output

import json
from types import SimpleNamespace

import pytest

from shim.commands.sacct import run
from shim.commands.sacct.fields import BRIEF, DEFAULT, FIELDS, LONG, columns, cpu_time, memory_text, size_text
from shim.grammar.indexset import IndexSet
from shim.job.record import Job, Step
from shim.job.states import State
from tests.commands.lab import NOW, Answer, Lab

TABLE = """\
JobID           JobName  Partition    Account  AllocCPUS      State ExitCode 
------------ ---------- ---------- ---------- ---------- ---------- -------- 
631               steps      debug       proj          2     FAILED      3:0 
631.batch         batch                  proj          2     FAILED      3:0 
631.0          hostname                  proj          2  COMPLETED      0:0 
631.1             named                  proj          2  COMPLETED      0:0 
631.2              bash                  proj          2     FAILED      2:0 
633                held      debug       proj          1    PENDING      0:0 
635             running      debug       proj          1    RUNNING      0:0 
635.batch         batch                  proj          1    RUNNING      0:0 
636                canc      debug       proj          1 CANCELLED+      0:0 
632_1               arr      debug       proj          1  COMPLETED      0:0 
632_1.batch       batch                  proj          1  COMPLETED      0:0 
632_2               arr      debug       proj          1  COMPLETED      0:0 
632_2.batch       batch                  proj          1  COMPLETED      0:0 
632_3               arr      debug       proj          1  COMPLETED      0:0 
632_3.batch       batch                  proj          1  COMPLETED      0:0 
634_[1-2,5-+       parr      debug       proj          1    PENDING      0:0 
"""
ALL = "631,632,633,634,635,636"


@pytest.fixture
def recorded(lab: Lab) -> Lab:
    """The jobs of the recorded session, under their ids, four seconds after the first one started."""
    lab.become(2003)
    lab.queue.next_job_id = 631
    steps = lab.submit(job_name="steps", account="proj", ntasks=2, time_limit=5, comment="mycomment", qos="normal")
    array = lab.submit(job_name="arr", account="proj", array="1-3", hold=True)
    lab.submit(job_name="held", account="proj", hold=True)
    parr = lab.submit(job_name="parr", account="proj", hold=True, array="1-50%2")
    lab.submit(job_name="running", account="proj", time_limit=3)
    canc = lab.submit(job_name="canc", account="proj", hold=True)
    lab.do(lambda: lab.queue.cancel(canc, user_id=2003))
    lab.do(lambda: lab.queue.cancel(parr, IndexSet.parse("3-4"), user_id=2003))
    lab.do(lambda: lab.queue.release(array, user_id=2003))
    _steps(lab, steps)
    for job_id in list(lab.executor.running):
        if job_id not in (631, 635):
            lab.end(job_id)
    lab.time += 2
    lab.end(631, 3 << 8, user_seconds=0.019851, system_seconds=0.021827)
    lab.time += 10
    return lab


def _steps(lab: Lab, job: Job) -> None:
    """What ``srun hostname``, ``srun -n1 -J named sleep 1`` and ``srun bash -c 'exit 2'`` left behind."""
    for number, (name, ntasks, begin, end, status) in enumerate(
        [("hostname", 2, 0, 1, 0), ("named", 1, 1, 2, 0), ("bash", 2, 2, 2, 2 << 8)]
    ):
        step = Step(
            job.job_id, 0, str(number), name, start_time=NOW + begin, ntasks=ntasks, cpus=2, memory=200, node_list="n1"
        )
        lab.begin_step(job, step)
        step.exit_status = status
        lab.do(lambda step=step, e=NOW + end: lab.queue.step_table.end(step, e))  # type: ignore[misc]


def sacct(lab: Lab, *argv: str, **env: str) -> Answer:
    return lab.ask(run, "sacct", *argv, **env)


def lines(lab: Lab, *argv: str, **env: str) -> list[str]:
    """The lines of a successful call."""
    answer = sacct(lab, *argv, **env)
    assert (answer.stderr, answer.code) == ("", 0)
    return answer.stdout.splitlines()


# -- which rows --------------------------------------------------------------------------------------------------------


def test_jobs_with_their_steps(recorded: Lab) -> None:
    assert sacct(recorded, "-j", ALL) == Answer(TABLE, "", 0)


def test_jobs_only(recorded: Lab) -> None:
    rows = [line for line in TABLE.splitlines() if "." not in line[:12]]
    assert lines(recorded, "-X", "-j", ALL) == rows
    assert lines(recorded, "-n", "-X", "-j", ALL) == rows[2:]


def test_brief(recorded: Lab) -> None:
    assert lines(recorded, "-b", "-j", "631") == [
        "JobID             State ExitCode ",
        "------------ ---------- -------- ",
        "631              FAILED      3:0 ",
        "631.batch        FAILED      3:0 ",
        "631.0         COMPLETED      0:0 ",
        "631.1         COMPLETED      0:0 ",
        "631.2            FAILED      2:0 ",
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("632", ["632_1", "632_1.batch", "632_2", "632_2.batch", "632_3", "632_3.batch"]),
        ("632_2", ["632_2", "632_2.batch"]),
        ("631.batch", ["631.batch"]),
        ("631.0,631.2", ["631.0", "631.2"]),
        ("631.9", []),
        ("634", ["634_[1-2,5-50%2]"]),
        ("634_7", []),
        ("631_1", []),
        ("999999", []),
        ("631,999999", ["631", "631.batch", "631.0", "631.1", "631.2"]),
    ],
)
def test_jobs_tasks_and_steps(recorded: Lab, wanted: str, found: list[str]) -> None:
    assert lines(recorded, "-n", "-P", "-o", "jobid", "-j", wanted) == found


def test_lists_add_up_when_they_are_given_again(recorded: Lab) -> None:
    answer = lines(recorded, "-n", "-X", "-P", "-o", "jobid", "-j", "631", "-j", "635", "-j", "632_1", "-o", "state")
    assert answer == ["631|FAILED", "635|RUNNING", "632_1|COMPLETED"]


def test_raw_ids(recorded: Lab) -> None:
    rows = lines(recorded, "-n", "-P", "-X", "-j", "632", "-o", "jobid,jobidraw")
    shown, raw = zip(*(row.split("|") for row in rows), strict=True)
    assert shown == ("632_1", "632_2", "632_3")
    assert "632" in raw and len(set(raw)) == 3


def test_without_ids_today_is_shown_but_nothing_that_never_became_eligible(recorded: Lab) -> None:
    assert lines(recorded, "-n", "-X", "-P", "-o", "jobid", "-a") == ["631", "632_1", "632_2", "632_3", "635"]
    recorded.time += 86400
    assert lines(recorded, "-n", "-X", "-P", "-o", "jobid", "-a") == ["635"]
    assert "631" in lines(recorded, "-n", "-X", "-P", "-o", "jobid", "-a", "-S", "now-2days")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["-s", "FAILED", "-S", "now-1hour", "-E", "now"], ["631"]),
        (["-s", "f", "-j", ALL], ["631"]),
        (["-s", "PD", "-j", ALL], ["631", "635", "632_1", "632_2", "632_3"]),
        (["-s", "R"], ["635"]),
        (["-s", "R,PD"], ["635"]),
        (["-s", "CD", "-S", "now-1hour", "-E", "now"], ["632_1", "632_2", "632_3"]),
        (["-s", "CA", "-S", "now-1hour", "-E", "now"], ["636"]),
        (["-s", "CA,CD", "-S", "now-1hour"], []),  # in that state at that moment
        (["-s", "CD,F", "-j", "632"], ["632_1", "632_2", "632_3"]),
        (["-S", "now"], ["635"]),
        (["-S", "2020-01-01", "-E", "2020-01-02"], []),
        (["-j", "631", "-S", "now-1minute"], ["631"]),
        (["-j", "631", "-S", "now-1second"], []),
        (["-j", "631", "-E", "now-1day"], []),
        (["--name", "arr,steps", "-S", "today"], ["631", "632_1", "632_2", "632_3"]),
        (["-A", "proj", "-j", "631"], ["631"]),
        (["-A", "nosuch", "-j", "631"], []),
        (["-r", "gpu", "-j", ALL], []),
        (["-q", "normal", "-j", "631"], ["631"]),
        (["-W", "foo", "-j", "631"], []),
        (["-N", "n1", "-j", "631,633"], ["631"]),
        (["-N", "n4", "-j", ALL], []),
        (["-i", "1", "-j", "631,633"], ["631"]),
        (["-i", "2-4", "-j", ALL], []),
        (["-I", "2-4", "-j", ALL], ["631"]),
        (["-k", "3", "-j", ALL], ["635"]),
        (["-k", "3", "-K", "5", "-j", ALL], ["631", "635"]),
        (["-M", "foo", "-j", "631"], []),
        (["-M", "oracle", "-j", "631"], ["631"]),
        (["-M", "all", "-L", "-j", "631"], ["631"]),
    ],
)
def test_filters(recorded: Lab, options: list[str], found: list[str]) -> None:
    assert lines(recorded, "-n", "-X", "-P", "-a", "-o", "jobid", *options) == found


def test_users_and_groups(recorded: Lab) -> None:
    job = recorded.queue.jobs[631]
    recorded.become(2001)
    assert lines(recorded, "-n", "-X", "-o", "jobid") == []
    job.user_id, job.group_id = 2001, 2001
    assert lines(recorded, "-n", "-X", "-P", "-o", "jobid") == ["631"]
    assert lines(recorded, "-n", "-X", "-P", "-o", "jobid", "-u", "2001,2002", "-j", ALL) == ["631"]
    assert lines(recorded, "-n", "-X", "-P", "-o", "jobid", "-g", "2001", "-j", ALL) == ["631"]
    assert len(lines(recorded, "-n", "-X", "-a")) == 5


def test_jobs_that_left_memory_come_from_the_table(recorded: Lab) -> None:
    before = sacct(recorded, "-j", "631,632", "-o", "all", "-P").stdout
    for job in [job for job in recorded.queue.jobs.values() if job.state.finished]:
        recorded.do(lambda job=job: recorded.queue.forget(job))  # type: ignore[misc]
    assert 631 not in recorded.queue.jobs
    assert sacct(recorded, "-j", "631,632", "-o", "all", "-P").stdout == before
    assert before.count("\n") == 1 + 5 + 6
    assert lines(recorded, "-n", "-X", "-P", "-a", "-o", "jobid") == ["631", "632_1", "632_2", "632_3", "635"]


def test_every_run_of_a_requeued_job(lab: Lab) -> None:
    job = lab.submit(job_name="again")
    lab.do(lambda: lab.queue.requeue(job, user_id=0))
    lab.end(job.job_id, 15)
    lab.end(job.job_id, 0)
    one = ["--noheader", "-P", "-o", "jobid,state,exitcode", "-j", str(job.job_id)]
    assert lines(lab, *one) == ["1|COMPLETED|0:0", "1.batch|COMPLETED|0:0"]
    rows = lines(lab, "-D", *one)
    assert [row.split("|")[1] for row in rows] == ["REQUEUED", "CANCELLED", "COMPLETED", "COMPLETED"]


# -- how rows are printed ----------------------------------------------------------------------------------------------


def test_parsable(recorded: Lab) -> None:
    head = "JobID|JobName|Partition|Account|AllocCPUS|State|ExitCode"
    assert lines(recorded, "-P", "-j", "631")[:3] == [
        head, "631|steps|debug|proj|2|FAILED|3:0", "631.batch|batch||proj|2|FAILED|3:0",
    ]  # fmt: skip
    assert lines(recorded, "-p", "-X", "-j", "631") == [f"{head}|", "631|steps|debug|proj|2|FAILED|3:0|"]
    assert lines(recorded, "-P", "-n", "-X", "-j", "631", "--delimiter", ";", "-o", "jobid,jobname") == ["631;steps"]
    assert lines(recorded, "-p", "-n", "-X", "-j", "631", "--delimiter=^|^", "-o", "jobid,state") == ["631^|^FAILED^|^"]
    assert lines(recorded, "-p", "-P", "-X", "-n", "-j", "636", "-o", "state") == ["CANCELLED by 2003"]


def test_widths(recorded: Lab) -> None:
    assert lines(recorded, "-j", "631", "-o", "jobid%5,state%3") == [
        "JobID Sta ", "----- --- ", "  631 FA+ ", "631.+ FA+ ", "631.0 CO+ ", "631.1 CO+ ", "631.2 FA+ ",
    ]  # fmt: skip
    assert lines(recorded, "-X", "-j", "634", "-o", "jobid%20,state") == [
        "               JobID      State ", "-------------------- ---------- ", "    634_[1-2,5-50%2]    PENDING ",
    ]  # fmt: skip
    assert lines(recorded, "-X", "-j", "631", "-o", "jobid,state%-20,exitcode,submit%10") == [
        "JobID        State                ExitCode     Submit ",
        "------------ -------------------- -------- ---------- ",
        "631          FAILED                    3:0 2026-11-24 ",
    ]
    assert lines(recorded, "-n", "-X", "-j", "631", "-o", "jobid%0,state,elapsedraw%0") == ["     FAILED 2 "]
    assert lines(recorded, "-X", "-j", "631", "-o", "jobid,,state") == [
        "JobID        ",
        "------------ ",
        "631          ",
    ]
    assert lines(recorded, "-n", "-X", "-j", "631", "-o", "") == [""]


def test_names_with_wide_characters_keep_their_columns(lab: Lab) -> None:
    lab.submit(job_name="täst-ü-lang-lang")
    assert lines(lab, "-n", "-X", "-o", "jobname,jobid%3") == ["täst-ü-+   1 "]


def test_formats_by_variable_and_switch(recorded: Lab) -> None:
    assert lines(recorded, "-X", "-j", "635", SACCT_FORMAT="jobid,user%4")[0] == "JobID        User "
    assert lines(recorded, "-X", "-j", "635", "-P", "-o", "state", SACCT_FORMAT="user") == ["State", "RUNNING"]
    assert lines(recorded, "-X", "-l", "-P", "-j", "631")[0].lower() == LONG.replace(",", "|")
    assert lines(recorded, "-X", "-P", "-j", "631", "-o", "all")[0].split("|") == [field.name for field in FIELDS]


def test_all_fields_are_listed(lab: Lab) -> None:
    text = sacct(lab, "--helpformat").stdout
    assert text.split() == [field.name for field in FIELDS]
    assert len(FIELDS) == 109
    assert text.splitlines()[0] == "Account             AdminComment        AllocCPUS           AllocNodes         "
    assert sacct(lab, "-e").stdout == text


def test_formats_name_fields_that_exist() -> None:
    for text in (DEFAULT, BRIEF, LONG):
        assert len(columns(text)) == len(text.split(","))


# -- values ------------------------------------------------------------------------------------------------------------


def test_values_of_a_job_and_its_batch_script(recorded: Lab) -> None:
    names = [
        "AllocTRES", "ReqTRES", "ReqMem", "NNodes", "NTasks", "NodeList", "Elapsed", "CPUTime", "CPUTimeRAW", "Start",
        "End", "Submit", "Eligible", "Timelimit", "TimelimitRaw", "Comment", "TotalCPU", "UserCPU", "Reserved", "QOS",
        "DerivedExitCode", "Layout", "Cluster", "Reason",
    ]  # fmt: skip
    rows = lines(recorded, "-n", "-P", "-j", "631,631.batch", "-o", ",".join(names))[:2]
    job, batch = (dict(zip(names, row.split("|"), strict=True)) for row in rows)
    assert job == {
        "AllocTRES": "billing=2,cpu=2,mem=200M,node=1", "ReqTRES": "billing=2,cpu=2,mem=200M,node=1", "ReqMem": "200M",
        "NNodes": "1", "NTasks": "", "NodeList": "n1", "Elapsed": "00:00:02", "CPUTime": "00:00:04",
        "CPUTimeRAW": "4", "Start": "2026-11-24T19:14:09", "End": "2026-11-24T19:14:11",
        "Submit": "2026-11-24T19:14:09", "Eligible": "2026-11-24T19:14:09", "Timelimit": "00:05:00",
        "TimelimitRaw": "5", "Comment": "mycomment", "TotalCPU": "00:00.041", "UserCPU": "00:00.019",
        "Reserved": "00:00:00", "QOS": "normal", "DerivedExitCode": "2:0", "Layout": "", "Cluster": "oracle",
        "Reason": "None",
    }  # fmt: skip
    assert batch == {
        **dict.fromkeys(names, ""), "AllocTRES": "cpu=2,mem=200M,node=1", "NNodes": "1", "NTasks": "1",
        "NodeList": "n1", "Elapsed": "00:00:02", "CPUTime": "00:00:04", "CPUTimeRAW": "4",
        "Start": "2026-11-24T19:14:09", "End": "2026-11-24T19:14:11", "Submit": "2026-11-24T19:14:09",
        "Eligible": "2026-11-24T19:14:09", "TotalCPU": "00:00.041", "UserCPU": "00:00.019", "Layout": "Unknown",
        "Cluster": "oracle",
    }  # fmt: skip


def test_values_of_a_waiting_job(recorded: Lab) -> None:
    fields = "state,start,end,elapsed,exitcode,nodelist,alloctres,allocnodes,alloccpus,timelimit,reason"
    assert lines(recorded, "-n", "-P", "-X", "-j", "633", "-o", fields) == [
        "PENDING|Unknown|Unknown|00:00:00|0:0|None assigned||0|1|Partition_Limit|JobHeldUser"
    ]


def test_values_of_a_running_job(recorded: Lab) -> None:
    fields = "end,nodelist,elapsed,elapsedraw,timelimit,submit,timelimitraw"
    assert lines(recorded, "-X", "-n", "-P", "-j", "635", "-o", fields) == [
        "Unknown|n1|00:00:12|12|00:03:00|2026-11-24T19:14:09|3"
    ]
    assert lines(recorded, "-n", "-P", "-X", "-j", "635", "-o", "start,end", SLURM_TIME_FORMAT="%s") == [
        f"{int(NOW)}|Unknown"
    ]


def test_gpus(lab: Lab) -> None:
    lab.submit(partition="gpu", gres="gpu:1", cpus_per_task=2, mem_per_node=300)
    assert lines(lab, "-n", "-P", "-o", "jobid,alloctres,reqtres") == [
        "1|billing=2,cpu=2,gres/gpu:a100=1,gres/gpu=1,mem=300M,node=1|billing=2,cpu=2,gres/gpu=1,mem=300M,node=1",
        "1.batch|cpu=2,gres/gpu:a100=1,gres/gpu=1,mem=300M,node=1|",
    ]


def test_batch_script_of_a_job_on_several_nodes_has_the_first_nodes_share(lab: Lab) -> None:
    lab.submit(nodes_min=2, ntasks=3, exclusive="exclusive")
    assert lines(lab, "-n", "-P", "-o", "jobid,alloccpus,reqcpus,allocnodes,nodelist,alloctres") == [
        "1|16|3|2|n[1-2]|billing=16,cpu=16,mem=1600M,node=2",
        "1.batch|8|8|1|n1|cpu=8,mem=800M,node=1",
    ]


def test_truncated_times(recorded: Lab) -> None:
    fields = ["-n", "-P", "-X", "-j", "635", "-o", "start,end,elapsed", "-S", "now-5seconds"]
    assert lines(recorded, *fields) == ["2026-11-24T19:14:09|Unknown|00:00:12"]
    assert lines(recorded, "-T", *fields) == ["2026-11-24T19:14:16|Unknown|00:00:05"]


def test_memory_and_cpu_of_the_batch_script(lab: Lab) -> None:
    job = lab.submit()
    lab.time += 4000
    lab.end(job.job_id, 0, user_seconds=3700.5, system_seconds=0.25, max_rss=2048)
    fields = "jobid,maxrss,averss,maxrssnode,maxrsstask,avecpu,totalcpu,systemcpu,tresusageintot"
    assert lines(lab, "-n", "-P", "-o", fields) == [
        "1||||||01:01:40|00:00.250|",
        "1.batch|2048K|2048K|n1|0|01:01:40|01:01:40|00:00.250|cpu=01:01:40,energy=0,mem=2048K",
    ]
    assert lines(lab, "-n", "-P", "-j", "1.batch", "-o", "maxrss", "--units=M") == ["2.00M"]
    assert lines(lab, "-n", "-P", "-j", "1.batch", "-o", "maxrss", "--units=g") == ["0.00G"]


EXITS = [
    (0, State.COMPLETED, "COMPLETED|0:0", "COMPLETED|0:0"),
    (3 << 8, State.FAILED, "FAILED|3:0", "FAILED|3:0"),
    (255 << 8, State.FAILED, "FAILED|127:0", "FAILED|127:0"),
    (137 << 8, State.FAILED, "FAILED|9:0", "FAILED|9:0"),
    (128 << 8, State.FAILED, "FAILED|0:0", "FAILED|0:0"),
    (15, State.FAILED, "FAILED|0:15", "CANCELLED|0:15"),
    (9, State.FAILED, "FAILED|0:9", "CANCELLED|0:9"),
]


def test_script_that_could_not_be_launched(lab: Lab) -> None:
    job = lab.submit()
    lab.end(job.job_id, 0, launch_failure="no such folder")
    assert lines(lab, "-n", "-P", "-o", "state,exitcode") == ["FAILED|0:53", "CANCELLED|0:53"]


def test_layout_of_steps(recorded: Lab) -> None:
    rows = lines(recorded, "-n", "-P", "-j", "631", "-o", "layout")
    assert rows == ["", "Unknown", "Block", "Cyclic", "Block"]


@pytest.mark.parametrize(("status", "state", "job", "batch"), EXITS)
def test_ends(lab: Lab, status: int, state: State, job: str, batch: str) -> None:
    record = lab.submit()
    lab.end(record.job_id, status)
    assert record.state is state
    assert lines(lab, "-n", "-P", "-o", "state,exitcode") == [job, batch]


def test_cancelled_while_it_ran(lab: Lab) -> None:
    job = lab.submit()
    lab.do(lambda: lab.queue.cancel(job, user_id=0))
    lab.end(job.job_id, 15)
    assert lines(lab, "-n", "-P", "-o", "state,exitcode") == ["CANCELLED by 0|0:0", "CANCELLED|0:15"]


def test_units() -> None:
    assert [cpu_time(seconds) for seconds in (0, 0.0415, 61.25, 3599.5, 3600.5, 90000)] == [
        "00:00:00", "00:00.041", "01:01.250", "59:59.500", "01:00:00", "1-01:00:00",
    ]  # fmt: skip
    assert [memory_text(200, unit) for unit in ("", "K", "M", "G", "T")] == [
        "200M", "204800K", "200M", "0.20G", "0.00T",
    ]  # fmt: skip
    assert memory_text(2048, "") == "2G"
    assert (size_text(0, ""), size_text(1500, ""), size_text(1536, "M")) == ("0", "1500K", "1.50M")


# -- texts, JSON, errors -----------------------------------------------------------------------------------------------


def test_scripts_and_environments(recorded: Lab) -> None:
    rule = "-" * 80
    assert sacct(recorded, "-B", "-j", "631").stdout == f"Batch Script for 631\n{rule}\n#!/bin/sh\n\n"
    assert sacct(recorded, "--env-vars", "-j", "631").stdout == (
        f"Environment used for 631 (must be batch to display)\n{rule}\nPATH=/bin\n\n"
    )
    assert sacct(recorded, "-B", "-j", "999") == Answer("", "", 0)


def test_json(recorded: Lab) -> None:
    document = json.loads(sacct(recorded, "-j", "631", "--json").stdout)
    assert document["meta"]["plugin"] == {"type": "openapi/dbv0.0.38", "name": "Slurm OpenAPI DB v0.0.38"}
    (job,) = document["jobs"]
    assert list(job) == [
        "account", "comment", "allocation_nodes", "array", "association", "cluster", "constraints", "container",
        "derived_exit_code", "time", "exit_code", "flags", "group", "het", "job_id", "name", "mcs", "nodes",
        "partition", "priority", "qos", "required", "kill_request_user", "reservation", "state", "steps", "tres",
        "user", "wckey", "working_directory",
    ]  # fmt: skip
    shown = SimpleNamespace(**job)
    assert shown.state == {"current": "FAILED", "reason": "None"}
    assert shown.comment == {"administrator": None, "job": "mycomment", "system": None}
    assert (shown.time["elapsed"], shown.time["limit"], shown.time["start"]) == (2, 5, int(NOW))
    assert (shown.exit_code, shown.required) == (
        {"status": "ERROR", "return_code": 3}, {"CPUs": 2, "memory": 200},
    )  # fmt: skip
    assert [step["step"]["id"] for step in job["steps"]] == ["batch", 0, 1, 2]
    assert [step["state"] for step in job["steps"]] == ["FAILED", "COMPLETED", "COMPLETED", "FAILED"]
    assert job["tres"]["allocated"] == [
        {"type": "cpu", "name": None, "id": 1, "count": 2},
        {"type": "mem", "name": None, "id": 2, "count": 200},
        {"type": "node", "name": None, "id": 4, "count": 1},
        {"type": "billing", "name": None, "id": 5, "count": 2},
    ]


def test_json_of_arrays(recorded: Lab) -> None:
    document = json.loads(sacct(recorded, "-j", "632,634", "--json").stdout)
    arrays = [(job["array"]["job_id"], job["array"]["task_id"], job["array"]["task"]) for job in document["jobs"]]
    assert arrays == [(632, 1, None), (632, 2, None), (632, 3, None), (634, None, "1-2,5-50")]
    assert json.loads(sacct(recorded, "--json", "-j", "99").stdout)["jobs"] == []


def test_json_of_newer_releases(recorded: Lab) -> None:
    document = json.loads(sacct(recorded, "-j", "631,632", "--json=v0.0.40").stdout)
    jobs = {(job["array"]["job_id"], job["array"]["task_id"]["number"]): job for job in document["jobs"]}
    assert list(jobs) == [(0, 0), (632, 1), (632, 2), (632, 3)]
    failed = jobs[0, 0]
    assert failed["state"] == {"current": ["FAILED"], "reason": "None"}
    assert failed["exit_code"]["status"] == ["ERROR"]
    assert failed["exit_code"]["return_code"] == {"set": True, "infinite": False, "number": 3}
    assert failed["time"]["limit"] == {"set": True, "infinite": False, "number": 5}
    assert failed["array"]["task_id"]["set"] is False
    assert [step["step"]["id"] for step in failed["steps"]] == ["631.batch", "631.0", "631.1", "631.2"]
    assert [step["state"] for step in failed["steps"]] == [["FAILED"], ["COMPLETED"], ["COMPLETED"], ["FAILED"]]
    assert document["meta"]["plugin"]["data_parser"] == "data_parser/v0.0.40"


@pytest.mark.parametrize(
    ("options", "stderr"),
    [
        (["-j", "abc"], "sacct: fatal: Bad job/step specified: abc\n"),
        (["-j", "632_[1-2]"], "sacct: fatal: Bad job array element specified: 632\n"),
        (["-s", "foo"], "sacct: fatal: unrecognized job state value 'foo'\n"),
        (["-u", "no-such-user"], "sacct: error: Invalid user id: no-such-user\n"),
        (["-g", "no-such-group"], "sacct: error: Invalid group id: no-such-group\n"),
        (["-o", "JobID,Foo"], 'sacct: error: Invalid field requested: "Foo"\n'),
        (["-o", "Planned"], 'sacct: error: Invalid field requested: "Planned"\n'),
        (["-S", "garbage"], "Invalid time specification (pos=0): garbage\n"),
        (["-S", "now", "-E", "now-1hour"],
         "sacct: error: Start time (2026-11-24T19:14:21) requested is after end time (2026-11-24T18:14:21).\n"),
        (["--units=Q", "-j", "631"],
         "sacct: error: Invalid unit type 'Q'. Possible options are 'KMGTP'\nsacct: fatal: Invalid unit type\n"),
        (["-B"],
         "sacct: fatal: When requesting job scripts you must also request specific jobs with the '-j' option.\n"),
        (["-c"], "Slurm job completion is disabled\n"),
        (["-f", "/x"], "/x is not a valid file\n"),
        (["foo", "bar"], "sacct: error: Unknown arguments:\nsacct: error:  foo\nsacct: error:  bar\n"),
        (["--foo"], "sacct: unrecognized option '--foo'\n"),
        (["-nu", "root", "-o", "Account%256", "|", "tail", "-1"], "sacct: invalid option -- '1'\n"),
    ],
)  # fmt: skip
def test_errors(recorded: Lab, options: list[str], stderr: str) -> None:
    assert sacct(recorded, *options) == Answer("", stderr, 1)


def test_help(lab: Lab) -> None:
    assert sacct(lab, "--usage").stdout == "Usage: sacct [options]\n\tUse --help for help\n"
    assert "-j, --jobs:" in sacct(lab, "--help").stdout
    assert sacct(lab, "-V").stdout == "slurm 22.05.8\n"


def test_verbose_tells_the_window(recorded: Lab) -> None:
    assert sacct(recorded, "-v", "-n", "-X", "-j", "631").stderr == (
        "sacct: Jobs Eligible in the time window from Epoch 0 to Tue Nov 24 19:14:21 2026\n"
    )
