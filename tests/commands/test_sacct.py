"""sacct prints accounting exactly as real Slurm 22.05.8 did, in the same situations."""
# ruff: noqa: W291 - trailing blanks are part of the output

import json
from types import SimpleNamespace

import pytest

from shim.commands.sacct.fields import BRIEF, DEFAULT, FIELDS, LONG, columns
from tests.commands.accounted import lines, sacct
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


# -- which rows --------------------------------------------------------------------------------------------------------


def test_jobs_with_their_steps(accounted: Lab) -> None:
    assert sacct(accounted, "-j", ALL) == Answer(TABLE, "", 0)


def test_jobs_only(accounted: Lab) -> None:
    rows = [line for line in TABLE.splitlines() if "." not in line[:12]]
    assert lines(accounted, "-X", "-j", ALL) == rows
    assert lines(accounted, "-n", "-X", "-j", ALL) == rows[2:]


def test_brief(accounted: Lab) -> None:
    assert lines(accounted, "-b", "-j", "631") == [
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
def test_jobs_tasks_and_steps(accounted: Lab, wanted: str, found: list[str]) -> None:
    assert lines(accounted, "-n", "-P", "-o", "jobid", "-j", wanted) == found


def test_lists_add_up_when_they_are_given_again(accounted: Lab) -> None:
    answer = lines(accounted, "-n", "-X", "-P", "-o", "jobid", "-j", "631", "-j", "635", "-j", "632_1", "-o", "state")
    assert answer == ["631|FAILED", "635|RUNNING", "632_1|COMPLETED"]


def test_raw_ids(accounted: Lab) -> None:
    rows = lines(accounted, "-n", "-P", "-X", "-j", "632", "-o", "jobid,jobidraw")
    shown, raw = zip(*(row.split("|") for row in rows), strict=True)
    assert shown == ("632_1", "632_2", "632_3")
    assert "632" in raw and len(set(raw)) == 3


def test_without_ids_today_is_shown_but_nothing_that_never_became_eligible(accounted: Lab) -> None:
    assert lines(accounted, "-n", "-X", "-P", "-o", "jobid", "-a") == ["631", "632_1", "632_2", "632_3", "635"]
    accounted.time += 86400
    assert lines(accounted, "-n", "-X", "-P", "-o", "jobid", "-a") == ["635"]
    assert "631" in lines(accounted, "-n", "-X", "-P", "-o", "jobid", "-a", "-S", "now-2days")


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
def test_filters(accounted: Lab, options: list[str], found: list[str]) -> None:
    assert lines(accounted, "-n", "-X", "-P", "-a", "-o", "jobid", *options) == found


def test_users_and_groups(accounted: Lab) -> None:
    job = accounted.queue.jobs[631]
    accounted.become(2001)
    assert lines(accounted, "-n", "-X", "-o", "jobid") == []
    job.user_id, job.group_id = 2001, 2001
    assert lines(accounted, "-n", "-X", "-P", "-o", "jobid") == ["631"]
    assert lines(accounted, "-n", "-X", "-P", "-o", "jobid", "-u", "2001,2002", "-j", ALL) == ["631"]
    assert lines(accounted, "-n", "-X", "-P", "-o", "jobid", "-g", "2001", "-j", ALL) == ["631"]
    assert len(lines(accounted, "-n", "-X", "-a")) == 5


def test_jobs_that_left_memory_come_from_the_table(accounted: Lab) -> None:
    before = sacct(accounted, "-j", "631,632", "-o", "all", "-P").stdout
    for job in [job for job in accounted.queue.jobs.values() if job.state.finished]:
        accounted.do(lambda job=job: accounted.queue.forget(job))  # type: ignore[misc]
    assert 631 not in accounted.queue.jobs
    assert sacct(accounted, "-j", "631,632", "-o", "all", "-P").stdout == before
    assert before.count("\n") == 1 + 5 + 6
    assert lines(accounted, "-n", "-X", "-P", "-a", "-o", "jobid") == ["631", "632_1", "632_2", "632_3", "635"]


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


def test_parsable(accounted: Lab) -> None:
    head = "JobID|JobName|Partition|Account|AllocCPUS|State|ExitCode"
    assert lines(accounted, "-P", "-j", "631")[:3] == [
        head, "631|steps|debug|proj|2|FAILED|3:0", "631.batch|batch||proj|2|FAILED|3:0",
    ]  # fmt: skip
    assert lines(accounted, "-p", "-X", "-j", "631") == [f"{head}|", "631|steps|debug|proj|2|FAILED|3:0|"]
    assert lines(accounted, "-P", "-n", "-X", "-j", "631", "--delimiter", ";", "-o", "jobid,jobname") == ["631;steps"]
    barred = lines(accounted, "-p", "-n", "-X", "-j", "631", "--delimiter=^|^", "-o", "jobid,state")
    assert barred == ["631^|^FAILED^|^"]
    assert lines(accounted, "-p", "-P", "-X", "-n", "-j", "636", "-o", "state") == ["CANCELLED by 2003"]


def test_widths(accounted: Lab) -> None:
    assert lines(accounted, "-j", "631", "-o", "jobid%5,state%3") == [
        "JobID Sta ", "----- --- ", "  631 FA+ ", "631.+ FA+ ", "631.0 CO+ ", "631.1 CO+ ", "631.2 FA+ ",
    ]  # fmt: skip
    assert lines(accounted, "-X", "-j", "634", "-o", "jobid%20,state") == [
        "               JobID      State ", "-------------------- ---------- ", "    634_[1-2,5-50%2]    PENDING ",
    ]  # fmt: skip
    assert lines(accounted, "-X", "-j", "631", "-o", "jobid,state%-20,exitcode,submit%10") == [
        "JobID        State                ExitCode     Submit ",
        "------------ -------------------- -------- ---------- ",
        "631          FAILED                    3:0 2026-11-24 ",
    ]
    assert lines(accounted, "-n", "-X", "-j", "631", "-o", "jobid%0,state,elapsedraw%0") == ["     FAILED 2 "]
    assert lines(accounted, "-X", "-j", "631", "-o", "jobid,,state") == [
        "JobID        ",
        "------------ ",
        "631          ",
    ]
    assert lines(accounted, "-n", "-X", "-j", "631", "-o", "") == [""]


def test_names_with_wide_characters_keep_their_columns(lab: Lab) -> None:
    lab.submit(job_name="täst-ü-lang-lang")
    assert lines(lab, "-n", "-X", "-o", "jobname,jobid%3") == ["täst-ü-+   1 "]


def test_formats_by_variable_and_switch(accounted: Lab) -> None:
    assert lines(accounted, "-X", "-j", "635", SACCT_FORMAT="jobid,user%4")[0] == "JobID        User "
    assert lines(accounted, "-X", "-j", "635", "-P", "-o", "state", SACCT_FORMAT="user") == ["State", "RUNNING"]
    assert lines(accounted, "-X", "-l", "-P", "-j", "631")[0].lower() == LONG.replace(",", "|")
    assert lines(accounted, "-X", "-P", "-j", "631", "-o", "all")[0].split("|") == [field.name for field in FIELDS]


def test_all_fields_are_listed(lab: Lab) -> None:
    text = sacct(lab, "--helpformat").stdout
    assert text.split() == [field.name for field in FIELDS]
    assert len(FIELDS) == 109
    assert text.splitlines()[0] == "Account             AdminComment        AllocCPUS           AllocNodes         "
    assert sacct(lab, "-e").stdout == text


def test_formats_name_fields_that_exist() -> None:
    for text in (DEFAULT, BRIEF, LONG):
        assert len(columns(text)) == len(text.split(","))


# -- texts, JSON, errors -----------------------------------------------------------------------------------------------


def test_scripts_and_environments(accounted: Lab) -> None:
    rule = "-" * 80
    assert sacct(accounted, "-B", "-j", "631").stdout == f"Batch Script for 631\n{rule}\n#!/bin/sh\n\n"
    assert sacct(accounted, "--env-vars", "-j", "631").stdout == (
        f"Environment used for 631 (must be batch to display)\n{rule}\nPATH=/bin\n\n"
    )
    assert sacct(accounted, "-B", "-j", "999") == Answer("", "", 0)


def test_json(accounted: Lab) -> None:
    document = json.loads(sacct(accounted, "-j", "631", "--json").stdout)
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


def test_json_of_arrays(accounted: Lab) -> None:
    document = json.loads(sacct(accounted, "-j", "632,634", "--json").stdout)
    arrays = [(job["array"]["job_id"], job["array"]["task_id"], job["array"]["task"]) for job in document["jobs"]]
    assert arrays == [(632, 1, None), (632, 2, None), (632, 3, None), (634, None, "1-2,5-50")]
    assert json.loads(sacct(accounted, "--json", "-j", "99").stdout)["jobs"] == []


def test_json_of_newer_releases(accounted: Lab) -> None:
    document = json.loads(sacct(accounted, "-j", "631,632", "--json=v0.0.40").stdout)
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
def test_errors(accounted: Lab, options: list[str], stderr: str) -> None:
    assert sacct(accounted, *options) == Answer("", stderr, 1)


def test_help(lab: Lab) -> None:
    assert sacct(lab, "--usage").stdout == "Usage: sacct [options]\n\tUse --help for help\n"
    assert "-j, --jobs:" in sacct(lab, "--help").stdout
    assert sacct(lab, "-V").stdout == "slurm 22.05.8\n"


def test_verbose_tells_the_window(accounted: Lab) -> None:
    assert sacct(accounted, "-v", "-n", "-X", "-j", "631").stderr == (
        "sacct: Jobs Eligible in the time window from Epoch 0 to Tue Nov 24 19:14:21 2026\n"
    )
