"""sstat, sattach, sbcast and strigger: running steps, and files for jobs."""

import os
import stat
from pathlib import Path

import pytest

from shim.commands.sattach import run as run_sattach
from shim.commands.sbcast import run as run_sbcast
from shim.commands.sstat import FIELDS
from shim.commands.sstat import run as run_sstat
from shim.commands.strigger import run as run_strigger
from shim.executor.base import Usage
from shim.job.record import Job, Step
from tests.commands.lab import NOW, Answer, Lab


@pytest.fixture
def job(lab: Lab) -> Job:
    """A job on four nodes with a step of a task on each."""
    job = lab.submit(nodes_min=4, exclusive="exclusive")
    step = Step(
        job.job_id, 0, "0", "sleep", start_time=NOW, ntasks=4, nodes=4, node_list="n[1-4]", pids=(11, 12, 13, 14)
    )
    lab.begin_step(job, step)
    return job


def measured(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The executor knows what processes use: of the job 3 seconds, of the step 8."""

    def usage(_job: Job, pids: tuple[int, ...] = ()) -> Usage:
        return Usage(8.0, 6840, 1776, pids) if pids else Usage(3.5, 12000, 10924, (9, 10))

    monkeypatch.setattr(lab.executor, "usage", usage)


# -- sstat -------------------------------------------------------------------------------------------------------------


def test_steps_and_what_they_use(lab: Lab, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(lab, monkeypatch)
    fields = "jobid,maxrss,averss,avecpu,ntasks,pids,nodelist,maxrssnode,maxrsstask,tresusageintot"
    both = lab.ask(run_sstat, "sstat", "-a", "-n", "-P", "-j", "1", "-o", fields)
    assert both.stdout.splitlines() == [
        "1.batch|10924K|12000K|00:00:03|1|9,10|n1|n1|0|cpu=00:00:03,energy=0,mem=12000K",
        "1.0|1776K|1710K|00:00:02|4|11,12,13,14|n[1-4]|||cpu=00:00:08,energy=0,mem=6840K",
    ]
    one = lab.ask(run_sstat, "sstat", "-n", "-P", "-o", "jobid", "-j", "1")
    assert one.stdout == "1.0\n"
    batch = lab.ask(run_sstat, "sstat", "-n", "-P", "-o", "jobid,maxrss", "1.batch")
    assert batch.stdout == "1.batch|10924K\n"


def test_pid_format(lab: Lab, job: Job) -> None:
    answer = lab.ask(run_sstat, "sstat", "-i", "-j", "1")
    assert answer.stdout == (
        "JobID                    Nodelist                 Pids \n"
        "------------ -------------------- -------------------- \n"
        "1.0                        n[1-4]          11,12,13,14 \n"
    )


def test_default_columns_have_the_widths_of_slurm(lab: Lab, job: Job) -> None:
    lines = lab.ask(run_sstat, "sstat", "-j", "1").stdout.splitlines()
    assert lines[0].startswith(
        "JobID         MaxVMSize  MaxVMSizeNode  MaxVMSizeTask  AveVMSize     MaxRSS MaxRSSNode "
    )
    assert "MaxDiskRead MaxDiskReadNode MaxDiskReadTask  AveDiskRead MaxDiskWrite MaxDiskWriteNode" in lines[0]
    assert lines[0].endswith("TRESUsageOutMin TRESUsageOutMinNode TRESUsageOutMinTask TRESUsageOutTot ")


@pytest.mark.parametrize(
    ("options", "stderr", "code"),
    [
        ([], "sstat: error: You didn't give me any jobs to stat.\n", 1),
        (["-j", "abc"], "sstat: fatal: Bad job/step specified: abc\n", 1),
        (["-n", "-j", "9"], "sstat: error: couldn't get steps for job 9\n", 0),
        (["-n", "-j", "1.7"], "sstat: error: StepId=1.7 not found running.\n", 0),
        (["-n", "-j", "2"], "sstat: error: No steps running for job 2\n", 0),
        (["-j", "1", "-o", "foo"], 'sstat: error: Invalid field requested: "foo"\n', 1),
        (["--foo"], "sstat: unrecognized option '--foo'\n", 1),
    ],
)
def test_sstat_errors(lab: Lab, job: Job, options: list[str], stderr: str, code: int) -> None:
    lab.submit(hold=True)
    assert lab.ask(run_sstat, "sstat", *options) == Answer("", stderr, code)


def test_sstat_lists_its_fields(lab: Lab) -> None:
    answer = lab.ask(run_sstat, "sstat", "-e")
    assert answer.stdout.split() == [field.name for field in FIELDS]
    assert answer.stdout.startswith("AveCPU              AveCPUFreq          AveDiskRead         AveDiskWrite       \n")


# -- sattach and strigger ----------------------------------------------------------------------------------------------


def test_layout_of_a_step(lab: Lab, job: Job) -> None:
    assert lab.ask(run_sattach, "sattach", "--layout", "1.0").stdout == (
        "Job step layout:\n\t4 tasks, 4 nodes (n[1-4])\n\n"
        "\tNode 0 (n1), 1 task(s): 0 \n\tNode 1 (n2), 1 task(s): 1 \n"
        "\tNode 2 (n3), 1 task(s): 2 \n\tNode 3 (n4), 1 task(s): 3 \n"
    )


USAGE = "Usage: sattach [options] <jobid.stepid>\n"


@pytest.mark.parametrize(
    ("options", "stdout", "stderr"),
    [
        (["1.0"], "", "attaching to the input and output of a step is not supported by this controller"),
        (["1.9"], "", "Could not get job step info: Invalid job id specified"),
        ([], USAGE, "too many parameters"),
        (["abc"], USAGE, "Failed to parse stepid from command line options"),
    ],
)
def test_sattach_errors(lab: Lab, job: Job, options: list[str], stdout: str, stderr: str) -> None:
    assert lab.ask(run_sattach, "sattach", *options) == Answer(stdout, f"sattach: error: {stderr}\n", 1)


def test_there_are_no_triggers(lab: Lab) -> None:
    assert lab.ask(run_strigger, "strigger", "--get") == Answer("", "", 0)
    refused = lab.ask(run_strigger, "strigger", "--set", "--fini", "--jobid=1", "--program=/bin/true")
    assert refused == Answer("", "strigger: error: setting a trigger is not supported by this controller\n", 1)
    assert lab.ask(run_strigger, "strigger", "--clear", "--id=9").stderr == "slurm_clear_trigger: No such process\n"
    assert lab.ask(run_strigger, "strigger").code == 1


# -- sbcast ------------------------------------------------------------------------------------------------------------


def test_a_file_for_the_nodes_of_a_job(lab: Lab, job: Job, tmp_path: Path) -> None:
    source = lab.folder / "tool"
    source.write_bytes(b"#!/bin/sh\n")
    source.chmod(0o750)
    os.utime(source, (1, 1))
    target = tmp_path / "copy"
    assert lab.ask(run_sbcast, "sbcast", "tool", str(target), SLURM_JOB_ID="1") == Answer("", "", 0)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"#!/bin/sh\n", 0o750)
    again = lab.ask(run_sbcast, "sbcast", "-j", "1", "tool", str(target))
    assert again == Answer("", "sbcast: error: REQUEST_FILE_BCAST(n1): File exists\n", 17)
    assert lab.ask(run_sbcast, "sbcast", "-f", "-p", "-j", "1", "tool", str(target)).code == 0
    assert target.stat().st_mtime == 1
    (tmp_path / "folder").mkdir()
    assert lab.ask(run_sbcast, "sbcast", "-j", "1", "tool", str(tmp_path / "folder")).code == 0
    assert (tmp_path / "folder" / "tool").exists()


@pytest.mark.parametrize(
    ("options", "stderr", "code"),
    [
        (["a"], 'Need two file names, have 1 names\nTry "sbcast --help" for more information\n', 1),
        (["here", "x"],
         "sbcast: error: Need a job id to run this command.  Run from within a Slurm job or use the --jobid option.\n",
         1),
        (["-j", "1", "nofile", "x"], "sbcast: error: Can't open `nofile`: No such file or directory\n", 255),
        (["-j", "99", "here", "x"], "sbcast: error: Slurm job 99 lookup error: Invalid job id specified\n", 255),
        (["-j", "1", "here", "/no/such/folder/x"],
         "sbcast: error: REQUEST_FILE_BCAST(n1): No such file or directory\n", 2),
        (["--send-libs", "-j", "1", "here", "x"],
         "sbcast: error: sending shared libraries is not supported by this controller\n", 1),
    ],
)  # fmt: skip
def test_sbcast_errors(lab: Lab, job: Job, options: list[str], stderr: str, code: int) -> None:
    (lab.folder / "here").touch()
    assert lab.ask(run_sbcast, "sbcast", *options) == Answer("", stderr, code)
