"""The fields that sacct prints have the values that real Slurm 22.05.8 gave them, in the same situations."""

import pytest

from shim.commands.sacct.fields import cpu_time, memory_text, size_text
from shim.job.states import State
from tests.commands.accounted import lines
from tests.commands.lab import NOW, Lab


def test_values_of_a_job_and_its_batch_script(accounted: Lab) -> None:
    names = [
        "AllocTRES", "ReqTRES", "ReqMem", "NNodes", "NTasks", "NodeList", "Elapsed", "CPUTime", "CPUTimeRAW", "Start",
        "End", "Submit", "Eligible", "Timelimit", "TimelimitRaw", "Comment", "TotalCPU", "UserCPU", "Reserved", "QOS",
        "DerivedExitCode", "Layout", "Cluster", "Reason",
    ]  # fmt: skip
    rows = lines(accounted, "-n", "-P", "-j", "631,631.batch", "-o", ",".join(names))[:2]
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


def test_values_of_a_waiting_job(accounted: Lab) -> None:
    fields = "state,start,end,elapsed,exitcode,nodelist,alloctres,allocnodes,alloccpus,timelimit,reason"
    assert lines(accounted, "-n", "-P", "-X", "-j", "633", "-o", fields) == [
        "PENDING|Unknown|Unknown|00:00:00|0:0|None assigned||0|1|Partition_Limit|JobHeldUser"
    ]


def test_values_of_a_running_job(accounted: Lab) -> None:
    fields = "end,nodelist,elapsed,elapsedraw,timelimit,submit,timelimitraw"
    assert lines(accounted, "-X", "-n", "-P", "-j", "635", "-o", fields) == [
        "Unknown|n1|00:00:12|12|00:03:00|2026-11-24T19:14:09|3"
    ]
    assert lines(accounted, "-n", "-P", "-X", "-j", "635", "-o", "start,end", SLURM_TIME_FORMAT="%s") == [
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


def test_truncated_times(accounted: Lab) -> None:
    fields = ["-n", "-P", "-X", "-j", "635", "-o", "start,end,elapsed", "-S", "now-5seconds"]
    assert lines(accounted, *fields) == ["2026-11-24T19:14:09|Unknown|00:00:12"]
    assert lines(accounted, "-T", *fields) == ["2026-11-24T19:14:16|Unknown|00:00:05"]


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


def test_layout_of_steps(accounted: Lab) -> None:
    rows = lines(accounted, "-n", "-P", "-j", "631", "-o", "layout")
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
