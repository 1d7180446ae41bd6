"""Holding, releasing, requeueing, suspending and changing jobs, with Slurm's answers."""

import subprocess
import time
from pathlib import Path

import pytest

from shim.commands.scontrol import run
from shim.job.record import Step
from shim.job.request import UNLIMITED
from shim.job.states import Reason, State
from tests.commands.lab import Answer, Lab

NOT_KNOWN = "Invalid job id specified"


def scontrol(lab: Lab, text: str) -> Answer:
    return lab.ask(run, "scontrol", *text.split(" "))


def quietly(lab: Lab, text: str) -> None:
    """A command that succeeds and prints nothing."""
    assert scontrol(lab, text) == Answer("", "", 0)


@pytest.fixture
def alice(lab: Lab) -> None:
    """Whoever runs the tests, the caller is an ordinary user."""
    lab.become(2001)


@pytest.fixture
def root(lab: Lab) -> None:
    lab.become(0)


# -- hold and release --------------------------------------------------------------------------------------------------


def test_hold_and_release(lab: Lab, alice: None) -> None:
    job = lab.submit(begin=int(lab.time) + 3600)
    quietly(lab, f"hold {job.job_id}")
    assert (job.priority, job.reason) == (0, Reason.HELD_USER)
    quietly(lab, f"release JobId={job.job_id}")
    assert (job.priority, job.reason) == (1000, Reason.BEGIN_TIME)


def test_roots_hold_is_not_the_users_to_release(lab: Lab) -> None:
    job = lab.submit(hold=True)
    lab.become(0)
    quietly(lab, f"hold {job.job_id}")
    assert job.reason == Reason.HELD_ADMIN
    lab.become(2001)
    denied = scontrol(lab, f"release {job.job_id}")
    assert denied.stderr == (
        f"Access/permission denied for job {job.job_id}\nslurm_suspend error: Access/permission denied\n"
    )
    lab.become(0)
    quietly(lab, f"uhold {job.job_id}")
    assert job.reason == Reason.HELD_USER


def test_lists_and_names(lab: Lab, alice: None) -> None:
    jobs = [lab.submit(begin=int(lab.time) + 60, job_name="same") for _ in range(3)]
    ids = [str(job.job_id) for job in jobs]
    quietly(lab, f"hold {ids[0]},{ids[1]} {ids[2]}")
    assert all(job.held for job in jobs)
    quietly(lab, "release jobname=same")
    assert not any(job.held for job in jobs)
    quietly(lab, "hold name=nosuch")


def test_each_word_with_an_error_says_so(lab: Lab, alice: None) -> None:
    done = lab.submit()
    lab.end(done.job_id)
    answer = scontrol(lab, f"hold {done.job_id} 999 jobid=998,997 abc")
    assert answer.code == 1
    assert answer.stderr.splitlines() == [
        f"Job has already finished for job {done.job_id}",
        "slurm_suspend error: Job has already finished",
        f"{NOT_KNOWN} for job 999",
        f"slurm_suspend error: {NOT_KNOWN}",
        f"{NOT_KNOWN} for job 998",
        f"{NOT_KNOWN} for job 997",
        f"slurm_suspend error: {NOT_KNOWN}",
        f"{NOT_KNOWN} for job abc",
        f"slurm_suspend error: {NOT_KNOWN}",
    ]


def test_single_tasks_of_a_held_array(lab: Lab, alice: None) -> None:
    array = lab.submit(array="1-5", hold=True)
    quietly(lab, f"release {array.job_id}_[2-3]")
    assert [lab.state(array.job_id, task) for task in (1, 2, 3, 4)] == ["PENDING", "RUNNING", "RUNNING", "PENDING"]
    missing = scontrol(lab, f"release {array.job_id}_99")
    assert (missing.stderr, missing.code) == (f"{array.job_id}_99: {NOT_KNOWN}\n", 1)


def test_all_that_is_left_of_an_array_is_changed_as_one(lab: Lab, alice: None) -> None:
    array = lab.submit(array="1-3", hold=True)
    quietly(lab, f"update jobid={array.job_id}_2 timelimit=3")
    quietly(lab, f"update jobid={array.job_id}_[1,3] timelimit=7")
    assert [str(job.tasks or job.task_id) for job in lab.queue.find(array.job_id)] == ["1-3:2", "2"]


def test_mixed_answers_of_an_array_are_told_in_groups(lab: Lab, alice: None) -> None:
    array = lab.submit(array="1-6%1")
    lab.end(lab.queue.find(array.job_id, 1)[0].job_id)
    answer = scontrol(lab, f"hold {array.job_id}")
    assert (answer.code, answer.stderr.splitlines()) == (
        1,
        [f"{array.job_id}_1: Job has already finished", f"{array.job_id}_2-6: No error"],
    )
    assert lab.queue.find(array.job_id, 4)[0].held


# -- requeue, suspend, resume ------------------------------------------------------------------------------------------


def test_requeue_of_a_finished_job(lab: Lab) -> None:
    job = lab.submit()
    lab.end(job.job_id, 1 << 8)
    quietly(lab, f"requeue {job.job_id}")
    assert (job.state, job.restarts) == (State.RUNNING, 1)


def test_requeue_is_refused(lab: Lab) -> None:
    waiting, stubborn = lab.submit(hold=True), lab.submit(requeue=False)
    answer = scontrol(lab, f"requeue {waiting.job_id},{stubborn.job_id} abc")
    assert answer.stderr.splitlines() == [
        f"Job is pending execution for job {waiting.job_id}",
        f"Requested operation is presently disabled for job {stubborn.job_id}",
        f"{NOT_KNOWN} for job abc",
    ]
    assert (answer.code, stubborn.state) == (1, State.RUNNING)


def test_requeue_of_what_is_incomplete(lab: Lab) -> None:
    array = lab.submit(array="0-3")
    done = lab.queue.find(array.job_id, 0)[0]
    lab.end(done.job_id)
    quietly(lab, f"requeue incomplete {array.job_id}")
    for job_id in sorted(lab.executor.ending):
        lab.end(job_id, 15)
    states = {task: lab.queue.find(array.job_id, task)[0] for task in range(4)}
    assert done.state is State.COMPLETED
    assert [job.restarts for job in states.values()] == [0, 1, 1, 1]


def test_requeuehold(lab: Lab) -> None:
    job = lab.submit()
    lab.end(job.job_id)
    quietly(lab, f"requeuehold {job.job_id}")
    assert (job.state, job.priority) == (State.PENDING, 0)
    quietly(lab, f"release {job.job_id}")
    assert job.state is State.RUNNING


def test_suspend_and_resume_are_for_root(lab: Lab) -> None:
    job = lab.submit()
    lab.become(2001)
    assert scontrol(lab, f"suspend {job.job_id}").stderr == f"Access/permission denied for job {job.job_id}\n"
    lab.become(0)
    quietly(lab, f"suspend {job.job_id}")
    assert job.state is State.SUSPENDED
    quietly(lab, f"suspend {job.job_id}")  # again: nothing changes
    quietly(lab, f"resume {job.job_id}")
    assert job.state is State.RUNNING


def test_what_cannot_be_suspended(lab: Lab, root: None) -> None:
    waiting, running, over = lab.submit(hold=True), lab.submit(), lab.submit()
    lab.end(over.job_id)
    for verb in ("suspend", "resume"):
        assert scontrol(lab, f"{verb} {waiting.job_id}").stderr == (
            f"Job is pending execution for job {waiting.job_id}\n"
        )
        assert scontrol(lab, f"{verb} {over.job_id}").stderr == (
            f"Job/step already completing or completed for job {over.job_id}\n"
        )
        assert scontrol(lab, f"{verb} {running.job_id}+0").stderr == (
            f"Operation not permitted on individual component of heterogeneous job for job {running.job_id}+0\n"
        )
    assert scontrol(lab, f"resume {running.job_id}").stderr == f"Job is not suspended for job {running.job_id}\n"


def test_top(lab: Lab, root: None) -> None:
    lab.submit(exclusive="exclusive", nodes_min=4)
    first, second, third = (lab.submit(exclusive="exclusive") for _ in range(3))
    quietly(lab, f"top {third.job_id},{second.job_id}")
    assert third.priority > second.priority > first.priority


# -- update ------------------------------------------------------------------------------------------------------------


def test_fields_of_a_waiting_job(lab: Lab, alice: None) -> None:
    job = lab.submit(hold=True, time_limit=10, nodes_min=1)
    for change in (
        "timelimit=20", "timelimit=+5", "name=newname", "comment=hello", "nice=5", "partition=gpu", "account=proj",
        "numnodes=1-2", "requeue=0", "starttime=2030-01-01", "MinMemoryCPU=60", "numtasks=3", "cpuspertask=2",
        "stdout=/tmp/x", "features=a100", "gres=gpu:1", "ReqNodeList=n3", "ExcNodeList=n1", "qos=high",
        "workdir=/tmp", "MailType=END,FAIL", "mailuser=x@y.z", "wckey=w", "switches=1", "delayboot=5",
    ):  # fmt: skip
        quietly(lab, f"update jobid={job.job_id} {change}")
    request = job.request
    assert (job.time_limit, request.job_name, request.comment, request.nice) == (25, "newname", "hello", 5)
    assert (job.partition, request.account, request.nodes_min, request.nodes_max) == ("gpu", "proj", 1, 2)
    assert (request.requeue, request.begin, request.mem_per_cpu) == (False, 1893456000, 60)
    assert (request.ntasks, request.cpus_per_task, request.std_out, request.constraint) == (3, 2, "/tmp/x", "a100")
    assert (request.gres, request.nodelist, request.exclude, request.qos) == ("gpu:1", "n3", "n1", "high")
    assert (request.work_dir, request.mail_type, request.mail_user) == ("/tmp", ("END", "FAIL"), "x@y.z")
    assert (request.wckey, request.extra) == ("w", {"switches": 1, "switches_wait": 0, "delay_boot": 5})


def test_names_are_shortened_and_values_stand_apart(lab: Lab, alice: None) -> None:
    job = lab.submit(hold=True)
    quietly(lab, f"update job {job.job_id} na=a com=b timel=7")
    assert (job.request.job_name, job.request.comment, job.time_limit) == ("a", "b", 7)
    quietly(lab, f"update jobid={job.job_id} nice")
    assert job.request.nice == 100
    assert lab.ask(run, "scontrol", "update", f"JobId={job.job_id}", "comment=b c").code == 0
    assert job.request.comment == "b c"


def test_throttle_of_an_array(lab: Lab) -> None:
    array = lab.submit(array="0-9%2")
    quietly(lab, f"update jobid={array.job_id} arraytaskthrottle 4")
    assert len(lab.executor.running) == 4
    quietly(lab, f"update jobid={lab.submit(hold=True).job_id} arraytaskthrottle=3")


def test_one_task_of_an_array(lab: Lab, alice: None) -> None:
    array = lab.submit(array="0-7", hold=True)
    quietly(lab, f"update jobid={array.job_id}_2 timelimit=2")
    (own,) = lab.queue.find(array.job_id, 2)
    (rest,) = lab.queue.find(array.job_id, 1)
    assert own.time_limit == 2
    assert own.job_id != array.job_id and rest.time_limit != 2
    quietly(lab, f"update jobid={own.job_id} timelimit=3")
    assert own.time_limit == 3


def test_jobs_by_name(lab: Lab, alice: None) -> None:
    jobs = [lab.submit(hold=True, job_name="zz") for _ in range(2)]
    for job in jobs:
        job.user_id = 2001
    quietly(lab, "update jobname=zz timelimit=4")
    assert [job.time_limit for job in jobs] == [4, 4]
    none = scontrol(lab, "update jobname=yy timelimit=4")
    assert (none.stderr, none.code) == ("scontrol: error: No jobs with name 'yy'\n", 1)
    other = scontrol(lab, "update jobname=zz userid=0 timelimit=4")
    assert other.stderr == "scontrol: error: No jobs with user ID 0 and name 'zz'\n"
    nobody = scontrol(lab, "update jobname=zz userid=no-such-user timelimit=4")
    assert nobody.stderr == "Invalid UserID: no-such-user\nRequest aborted\n"


@pytest.mark.parametrize(
    ("change", "stderr"),
    [
        ("timelimit=abc", "scontrol: error: Invalid TimeLimit value\n"),
        ("timemin=abc", "scontrol: error: Invalid TimeMin value\n"),
        ("priority=abc", "scontrol: error: Invalid Priority value: abc\n"),
        ("priority=5", "Job is in held state, pending scheduler release for job {id}\n"),
        ("nice=-5", "Access/permission denied for job {id}\n"),
        ("partition=nosuch", "Invalid partition name specified for job {id}\n"),
        ("partition=", "Invalid partition name specified for job {id}\n"),
        ("numnodes=3-1", "Node count specification invalid for job {id}\n"),
        ("numtasks=0", "Task count specification invalid for job {id}\n"),
        ("requeue=yes", "scontrol: error: Invalid Requeue value: yes\n"),
        ("minmemorynode=2G", "scontrol: error: Invalid MinMemoryNode value: 2G\n"),
        ("mailtype=foo", "Invalid MailType: foo\n"),
        ("starttime=abc", "Invalid time specification (pos=0): abc\nNo changes specified\n"),
        ("oversubscribe=maybe", "scontrol: error: Invalid OverSubscribe value: maybe\n"),
        ("oversubscribe=no", "Access/permission denied for job {id}\n"),
        ("nodelist=n9", "Invalid node name specified for job {id}\n"),
        ("licenses=x", "Invalid license specification for job {id}\n"),
        ("reservation=x", "Requested reservation is invalid for job {id}\n"),
        ("dependency=foo", "Job dependency problem for job {id}\n"),
        ("gres=foo:1", "Invalid generic resource (gres) specification for job {id}\n"),
        ("prefer=nosuch", "Invalid preferred feature specification for job {id}\n"),
        ("contiguous=maybe", "scontrol: error: Invalid Contiguous value: maybe\n"),
        ("contiguous=1", "Access/permission denied for job {id}\n"),
        ("gres=", "Invalid Trackable RESource (TRES) specification for job {id}\n"),
        ("endtime=now+1hour", "Job is not running for job {id}\n"),
        ("admincomment=x", "Access/permission denied for job {id}\n"),
        ("burstbuffer=x", "Requested operation not supported on this system for job {id}\n"),
        ("foo=1", "Update of this parameter is not supported: foo=1\nRequest aborted\n"),
        ("stdo=/a", "Update of this parameter is not supported: stdo=/a\nRequest aborted\n"),
        ("starttime", "Invalid input: starttime\nRequest aborted\n"),
        ("userid=0", "No changes specified\n"),
    ],
)
def test_refused_changes_of_a_waiting_job(lab: Lab, alice: None, change: str, stderr: str) -> None:
    job = lab.submit(hold=True)
    before = (job.request, job.priority, job.time_limit)
    answer = scontrol(lab, f"update jobid={job.job_id} {change}")
    assert (answer.stdout, answer.stderr, answer.code) == ("", stderr.format(id=job.job_id), 1)
    assert (job.request, job.priority, job.time_limit) == before


def test_slips_without_consequences(lab: Lab, alice: None) -> None:
    job = lab.submit(hold=True)
    answer = scontrol(lab, f"update jobid={job.job_id} numnodes=x")
    assert answer == Answer("", 'scontrol: error: Invalid numeric value "x" for requested node count.\n', 0)
    answer = scontrol(lab, f"update jobid={job.job_id},x name=zz")
    assert (answer.stderr, answer.code) == (f"Invalid job id specified for job {job.job_id},x\n", 1)
    assert job.request.job_name == "job"


def test_changes_of_a_running_job(lab: Lab, alice: None) -> None:
    job = lab.submit(time_limit=10)
    for change in ("timelimit=-5", "name=nn2", "comment=hello", "requeue=0", "mailuser=x", "nice=5"):
        quietly(lab, f"update jobid={job.job_id} {change}")
    assert (job.time_limit, job.request.job_name, job.request.nice) == (5, "nn2", 5)
    for change in ("timelimit=20", "timelimit=+5"):
        answer = scontrol(lab, f"update jobid={job.job_id} {change}")
        assert answer.stderr == f"Access/permission denied for job {job.job_id}\n"
    for change in ("partition=gpu", "starttime=now", "stdout=/tmp/x", "dependency=afterok:1", "features=a100"):
        answer = scontrol(lab, f"update jobid={job.job_id} {change}")
        assert answer.stderr == f"Job is no longer pending execution for job {job.job_id}\n"
    lasting = scontrol(lab, f"update jobid={job.job_id} priority=5")
    assert lasting.stderr == (f"Changes to job priority are not persistent, change nice instead for job {job.job_id}\n")


def test_root_may_do_more(lab: Lab, root: None) -> None:
    job, waiting = lab.submit(time_limit=10), lab.submit(hold=True)
    quietly(lab, f"update jobid={job.job_id} timelimit=100")
    quietly(lab, f"update jobid={job.job_id} endtime=now+1hour")
    held = scontrol(lab, f"update job={waiting.job_id} priority=77")
    assert held.stderr == f"Job is in held state, pending scheduler release for job {waiting.job_id}\n"
    lab.submit(exclusive="exclusive", nodes_min=4)
    waiting = lab.submit()
    quietly(lab, f"update job={waiting.job_id} priority=77 nice=-3 admincomment=x")
    assert (job.time_limit, waiting.priority, waiting.admin_comment) == (60, 77, "x")


def test_update_of_several_jobs_goes_on_after_an_error(lab: Lab, alice: None) -> None:
    job = lab.submit(hold=True)
    answer = scontrol(lab, f"update jobid=999999,{job.job_id} name=zz")
    assert (answer.stderr, answer.code) == (f"{NOT_KNOWN} for job 999999\n", 1)
    assert job.request.job_name == "zz"


def test_update_of_nothing(lab: Lab) -> None:
    answer = scontrol(lab, "update name=x comment=y")
    assert answer.stderr.startswith('No valid entity in update command\nInput line must include "NodeName"')
    assert scontrol(lab, "update").stderr == "too few arguments for update keyword\n"


# -- files and processes -----------------------------------------------------------------------------------------------


def test_batch_script_is_written(lab: Lab) -> None:
    job = lab.submit()
    name = f"slurm-{job.job_id}.sh"
    answer = scontrol(lab, f"write batch_script {job.job_id}")
    assert answer.stdout == f"batch script for job {job.job_id} written to {name}\n"
    assert (lab.folder / name).read_bytes() == b"#!/bin/sh\n"
    other = scontrol(lab, f"write batch_script {job.job_id} out.sh")
    assert other.stdout == f"batch script for job {job.job_id} written to out.sh\n"
    assert scontrol(lab, f"write batch_script {job.job_id} -").stdout == "#!/bin/sh\n"
    missing = scontrol(lab, "write batch_script 999")
    assert (missing.stderr, missing.code) == (f"job script retrieval failed: {NOT_KNOWN}\n", 0)
    assert scontrol(lab, "write foo 1").stderr == "invalid write argument:foo\n"


def test_notify_writes_to_the_error_file(lab: Lab, tmp_path: Path) -> None:
    job = lab.submit(work_dir=str(tmp_path), std_err="err")
    quietly(lab, f"notify {job.job_id} hello there")
    assert (tmp_path / "err").read_text() == "slurmstepd: error: hello there\n"
    assert scontrol(lab, "notify 999 x").stderr == f"job notify failure: {NOT_KNOWN}\n"
    held = lab.submit(hold=True)
    refused = scontrol(lab, f"notify {held.job_id} x")
    assert refused.stderr == "job notify failure: Requested operation is presently disabled\n"


def test_wait_job(lab: Lab) -> None:
    job, held = lab.submit(), lab.submit(hold=True)
    assert scontrol(lab, f"wait_job {job.job_id}").stderr == f"scontrol: Nodes are ready for job {job.job_id}\n"
    assert scontrol(lab, f"wait_job {held.job_id}").stderr == f"scontrol: Job {held.job_id} no longer running\n"
    gone = scontrol(lab, "wait_job 999")
    assert (gone.stderr, gone.code) == ("scontrol: Problem running job 999\n", 1)


def test_pidinfo_finds_the_job_of_a_process(lab: Lab) -> None:
    assert scontrol(lab, "pidinfo 1").stderr == "Failed to locate job for requested pid\n"
    assert scontrol(lab, "pidinfo abc").code == 1
    job = lab.submit(time_limit=1)
    lab.time += 10
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={"SLURM_JOB_ID": str(job.job_id)}) as process:
        answer = scontrol(lab, f"pidinfo {process.pid}")
        process.communicate()
    end = time.ctime(int(lab.time) + 50)
    assert answer.stdout == f"Slurm JobId={job.job_id} ends at {end}\nJob remaining time is 50 seconds\n"


# -- steps -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def step(lab: Lab) -> Step:
    job = lab.submit(time_limit=30)
    step = Step(job.job_id, 0, "0", "sleep", start_time=lab.time, time_limit=5, client="here:12")
    lab.begin_step(job, step)
    return step


@pytest.mark.parametrize(
    ("change", "minutes"),
    [("4", 4), ("+1", 6), ("-2", 3), ("-9", 1), ("1:00:00", 60), ("UNLIMITED", UNLIMITED), ("+UNLIMITED", 5)],
)
def test_time_limit_of_a_step(lab: Lab, step: Step, change: str, minutes: int) -> None:
    quietly(lab, f"update stepid={step.job_id}.0 timelimit={change}")
    assert step.time_limit == minutes


def test_time_limits_of_all_steps_of_a_job(lab: Lab, step: Step) -> None:
    quietly(lab, f"update stepid={step.job_id} timelimit=7")
    assert step.time_limit == 7
    assert f"StepId={step.job_id}.0 " in scontrol(lab, f"show step {step.job_id}").stdout
    assert "TimeLimit=00:07:00" in scontrol(lab, f"show step {step.job_id}.0").stdout
    assert "SrunHost:Pid=here:12\n" in scontrol(lab, f"show step {step.job_id}.0").stdout


def test_a_step_past_its_new_limit_ends(lab: Lab, step: Step) -> None:
    lab.time += 100
    quietly(lab, f"update stepid={step.job_id}.0 timelimit=1")
    lab.settle()
    assert step.state is State.TIMEOUT


@pytest.mark.parametrize(
    ("change", "stderr"),
    [
        ("stepid=1.9 timelimit=3", "slurm_update error: Invalid job id specified\n"),
        ("stepid=99 timelimit=3", "slurm_update error: Invalid job id specified\n"),
        ("stepid=1.0 timelimit=abc", "scontrol: error: Invalid TimeLimit value\n"),
        ("stepid=1.0 name=x", "Update of this parameter is not supported: name=x\nRequest aborted\n"),
        ("stepid=1.0", "No changes specified\n"),
    ],
)
def test_refused_changes_of_a_step(lab: Lab, step: Step, change: str, stderr: str) -> None:
    assert scontrol(lab, f"update {change}") == Answer("", stderr, 1)
    assert step.time_limit == 5
