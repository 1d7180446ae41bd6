"""``scontrol show`` prints records exactly as real Slurm 22.05.8 did."""

# ruff: noqa: W291, W293 - trailing blanks are part of the output

import getpass
import os
import re

import pytest

from shim.commands.scontrol import run
from shim.job.record import Job, Step
from tests.commands.lab import NOW, Lab

RUNNING = """\
JobId=596 JobName=show
   UserId=carol(2003) GroupId=carol(2003) MCS_label=N/A
   Priority=1000 Nice=0 Account=proj QOS=normal
   JobState=RUNNING Reason=None Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   RunTime=00:00:00 TimeLimit=00:10:00 TimeMin=N/A
   SubmitTime=2026-11-24T19:14:09 EligibleTime=2026-11-24T19:14:09
   AccrueTime=2026-11-24T19:14:09
   StartTime=2026-11-24T19:14:09 EndTime=2026-11-24T19:24:09 Deadline=N/A
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=2026-11-24T19:14:09 Scheduler=Main
   Partition=debug AllocNode:Sid=localhost:3791
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=n[1-2]
   BatchHost=n1
   NumNodes=2 NumCPUs=2 NumTasks=2 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   TRES=cpu=2,mem=200M,node=2,billing=2
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   MinCPUsNode=1 MinMemoryCPU=100M MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)
   Command=/home/carol/w/st01/f.sh
   WorkDir=/home/carol/w/st01
   StdErr=/home/carol/w/st01/slurm-596.out
   StdIn=/dev/null
   StdOut=/home/carol/w/st01/slurm-596.out
   Power=
   

"""

DETAILS = """\
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   JOB_GRES=(null)
     Nodes=n[1-2] CPU_IDs=0 Mem=100 GRES=
   MinCPUsNode=1"""

HELD = """\
JobId=249 JobName=gpujob
   UserId=carol(2003) GroupId=carol(2003) MCS_label=N/A
   Priority=0 Nice=0 Account=proj QOS=normal
   JobState=PENDING Reason=JobHeldUser Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   RunTime=00:00:00 TimeLimit=01:00:00 TimeMin=N/A
   SubmitTime=2026-11-24T19:14:09 EligibleTime=Unknown
   AccrueTime=Unknown
   StartTime=Unknown EndTime=Unknown Deadline=N/A
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=2026-11-24T19:14:09 Scheduler=Main
   Partition=gpu AllocNode:Sid=localhost:3791
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=
   NumNodes=1 NumCPUs=8 NumTasks=4 CPUs/Task=2 ReqB:S:C:T=0:0:*:*
   TRES=cpu=8,mem=1G,node=1,billing=8,gres/gpu=2,gres/gpu:a100=2
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   MinCPUsNode=2 MinMemoryNode=1G MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)
   Command=/home/carol/w/sb13/f.sh
   WorkDir=/home/carol/w/sb13
   StdErr=/home/carol/w/sb13/slurm-249.out
   StdIn=/dev/null
   StdOut=/home/carol/w/sb13/slurm-249.out
   Power=
   TresPerNode=gres:gpu:a100:2
   

"""

MANY_OPTIONS = """\
   Requeue=0 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   RunTime=00:00:00 TimeLimit=00:05:00 TimeMin=N/A
   SubmitTime=2026-11-24T19:14:09 EligibleTime=Unknown
   AccrueTime=Unknown
   StartTime=Unknown EndTime=Unknown Deadline=2026-11-24T21:14:09
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=2026-11-24T19:14:09 Scheduler=Main
   Partition=debug,gpu AllocNode:Sid=localhost:3791
   ReqNodeList=(null) ExcNodeList=n1
   NodeList=
   NumNodes=1-2 NumCPUs=2 NumTasks=2 CPUs/Task=1 ReqB:S:C:T=0:0:*:1
   TRES=cpu=2,mem=200M,node=1,billing=2
   Socks/Node=* NtasksPerN:B:S:C=2:0:*:* CoreSpec=*
   MinCPUsNode=2 MinMemoryCPU=100M MinTmpDiskNode=10M
   Features=a100|h100 DelayBoot=00:00:00
   OverSubscribe=NO Contiguous=0 Licenses=(null) Network=(null)
   Command=/home/carol/w/sb13/f.sh a1 a 2
   WorkDir=/home/carol/w/sb13
   StdErr=/home/carol/w/sb13/slurm-247.out
   StdIn=/dev/null
   StdOut=/home/carol/w/sb13/slurm-247.out
   Switches=1@00:05:00
   Power=
   SpreadJob=Yes
   MailUser=x@y.z MailType=END,FAIL
   

"""

NODE = """\
NodeName=n3 Arch={arch} CoresPerSocket=8 
   CPUAlloc=3 CPUEfctv=8 CPUTot=8 CPULoad={load}
   AvailableFeatures=a100
   ActiveFeatures=a100
   Gres=gpu:a100:4
   GresDrain=N/A
   GresUsed=gpu:a100:2(IDX:0-1)
   NodeAddr=127.0.0.1 NodeHostName=vm Version=22.05.8
   OS={os} 
   RealMemory=8000 AllocMem=300 FreeMem={free} Sockets=1 Boards=1
   State=MIXED+DRAIN ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A
   Partitions=debug,gpu 
   BootTime={boot} SlurmdStartTime={begun}
   LastBusyTime=2026-11-24T19:14:09
   CfgTRES=cpu=8,mem=8000M,billing=8,gres/gpu=4,gres/gpu:a100=4
   AllocTRES=cpu=3,mem=300M,gres/gpu=2,gres/gpu:a100=2
   CapWatts=n/a
   CurrentWatts=0 AveWatts=0
   ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s
   Reason=testing [{user}@2026-11-24T19:14:09]

"""

PARTITION = """\
PartitionName=gpu
   AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL
   AllocNodes=ALL Default=NO QoS=N/A
   DefaultTime=01:00:00 DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO
   MaxNodes=UNLIMITED MaxTime=2-00:00:00 MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED
   Nodes=n[3-4]
   PriorityJobFactor=1 PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=NO
   OverTimeLimit=NONE PreemptMode=OFF
   State=UP TotalCPUs=16 TotalNodes=2 SelectTypeParameters=NONE
   JobDefaults=(null)
   DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED
   TRES=cpu=16,mem=16000M,node=2,billing=16,gres/gpu=8,gres/gpu:a100=4,gres/gpu:h100=4

"""

STEPS = """\
StepId=596.batch UserId=2003 StartTime=2026-11-24T19:14:09 TimeLimit=UNLIMITED
   State=RUNNING Partition=debug NodeList=n1
   Nodes=1 CPUs=0 Tasks=1 Name=batch Network=(null)
   TRES=(null)
   ResvPorts=(null)
   CPUFreqReq=Default
   SrunHost:Pid=(null):0

"""


def show(lab: Lab, *words: str, **env: str) -> str:
    """What a successful ``scontrol show`` prints."""
    answer = lab.ask(run, "scontrol", "show", *words, **env)
    assert (answer.stderr, answer.code) == ("", 0)
    return answer.stdout


def carols(lab: Lab, job_id: int, **request: object) -> Job:
    """A job of the recorded user under the recorded id."""
    lab.queue.next_job_id = job_id
    job = lab.submit(account="proj", qos="normal", submit_host="localhost", alloc_sid=3791, **request)
    job.user_name, job.user_id, job.group_name, job.group_id = "carol", 2003, "carol", 2003
    return job


@pytest.fixture
def running(lab: Lab) -> Job:
    return carols(
        lab, 596, job_name="show", ntasks=2, nodes_min=2, time_limit=10, command="/home/carol/w/st01/f.sh",
        work_dir="/home/carol/w/st01",
    )  # fmt: skip


def test_running_job(lab: Lab, running: Job) -> None:
    assert show(lab, "job", "596") == RUNNING
    assert show(lab, "jobid=596") == show(lab, "JobId", "596") == show(lab, "jo", "596") == RUNNING


def test_one_line(lab: Lab, running: Job) -> None:
    words = " ".join(line.strip(" ") for line in RUNNING.rstrip("\n ").split("\n"))
    assert show(lab, "job", "596", "-o") == show(lab, "-o", "job", "596") == words + " \n"


def test_details_of_an_allocation(lab: Lab, running: Job) -> None:
    text = show(lab, "-d", "job", "596")
    assert DETAILS in text
    assert "\n   DerivedExitCode=0:0\n" in text


def test_details_with_gpus_number_what_each_job_holds(lab: Lab) -> None:
    lab.submit(partition="gpu", gres="gpu:a100:2", ntasks=3, cpus_per_task=2)
    both = lab.submit(partition="gpu", gres="gpu:1", nodes_min=2, ntasks=3)
    text = show(lab, "-dd", "job", str(both.job_id))
    assert "   JOB_GRES=gpu:a100:1,gpu:h100:1\n     Nodes=n3 CPU_IDs=6-7 Mem=200 GRES=gpu:a100:1(IDX:2)\n" in text
    assert "     Nodes=n4 CPU_IDs=0 Mem=100 GRES=gpu:h100:1(IDX:0)\n" in text
    line = show(lab, "-d", "-o", "job", str(both.job_id))
    assert "CoreSpec=* JOB_GRES=gpu:a100:1,gpu:h100:1   Nodes=n3 CPU_IDs=6-7" in line


def test_waiting_job_with_gpus(lab: Lab) -> None:
    carols(
        lab, 249, job_name="gpujob", hold=True, partition="gpu", gres="gpu:a100:2", ntasks=4, cpus_per_task=2,
        mem_per_node=1024, command="/home/carol/w/sb13/f.sh", work_dir="/home/carol/w/sb13",
    )  # fmt: skip
    assert show(lab, "job", "249") == HELD


def test_job_with_many_options(lab: Lab) -> None:
    carols(
        lab, 247, job_name="f.sh", hold=True, requeue=False, mail_type=("END", "FAIL"), mail_user="x@y.z",
        exclusive="exclusive", constraint="a100|h100", ntasks_per_node=2, nodes_min=1, nodes_max=2, exclude="n1",
        partition="debug,gpu", tmp=10, spread_job=True, deadline=int(NOW) + 7200, time_limit=5, mincpus=2,
        threads_per_core=1, command="/home/carol/w/sb13/f.sh", arguments=("a1", "a", "2"),
        work_dir="/home/carol/w/sb13", extra={"switches": 1, "switches_wait": None},
    )  # fmt: skip
    assert MANY_OPTIONS in show(lab, "job", "247")


OPTIONS = {
    "container": "/tmp/c", "gpu_bind": "closest", "gpu_freq": "low", "switches": 2, "switches_wait": 30, "bb": "x",
    "cpu_freq": "Low-High:OnDemand", "power": "LEVEL", "delay_boot": 7,
}  # fmt: skip


def test_order_of_the_optional_lines(lab: Lab) -> None:
    job = carols(
        lab, 729, job_name="wrap", hold=True, comment="c", gpus="2", cpus_per_gpu=2, mem_per_gpu=100, partition="gpu",
        kill_on_invalid_dep=True, gpus_per_task="1", gpus_per_socket="1", gpus_per_node="h100:1", prefer="a100",
        mail_type=("END",), ntasks_per_gpu=1, work_dir="/w", extra=OPTIONS,
    )  # fmt: skip
    job.admin_comment = "adm"
    text = show(lab, "job", "729")
    assert text[text.index("   WorkDir") :].split("\n   ") == [
        "   WorkDir=/w", "AdminComment=adm ", "Comment=c ", "StdErr=/w/slurm-729.out", "StdIn=/dev/null",
        "StdOut=/w/slurm-729.out", "Switches=2@00:00:30", "BurstBuffer=x",
        "CPU_min_freq=Low CPU_max_freq=High Governor=OnDemand", "Power=LEVEL", "KillOInInvalidDependent=Yes",
        "CpusPerTres=gres:gpu:2", "MemPerTres=gres:gpu:100", "TresBind=gpu:closest", "TresFreq=gpu:low",
        "TresPerJob=gres:gpu:2", "TresPerNode=gres:gpu:h100:1",
        "TresPerSocket=gres:gpu:1", "TresPerTask=gres:gpu:1", "MailUser=carol MailType=END", "NtasksPerTRES=1",
        "Container=/tmp/c", "\n\n",
    ]  # fmt: skip
    assert "DelayBoot=00:07:00\n   Prefer=a100\n   OverSubscribe=OK" in text


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        ({"cpu_freq": "Low"}, "\n   CPU_max_freq=Low \n"),
        ({"cpu_freq": "Performance"}, "\n   Governor=Performance\n"),
        ({"hint": "nomultithread"}, "ReqB:S:C:T=0:0:*:1\n"),
        ({"hint": "memory_bound"}, "ReqB:S:C:T=0:0:1:1\n"),
        ({"hint": "multithread"}, "ReqB:S:C:T=0:0:*:*\n"),
        ({"switches": 1, "switches_wait": 3600}, "\n   Switches=1@00:05:00\n"),
    ],
)
def test_options_that_only_show(lab: Lab, extra: dict[str, object], shown: str) -> None:
    job = carols(lab, 9, hold=True, extra=extra)
    assert shown in show(lab, "job", str(job.job_id))


def test_array_and_its_tasks(lab: Lab) -> None:
    carols(lab, 574, job_name="a.sh", array="0-5%2", std_out="a-%A_%a.out", work_dir="/w")
    records = show(lab, "job", "574").split("\n\n")
    heads = [record.split("\n")[0] for record in records if record]
    assert heads == [
        "JobId=574 ArrayJobId=574 ArrayTaskId=2-5%2 ArrayTaskThrottle=2 JobName=a.sh",
        "JobId=576 ArrayJobId=574 ArrayTaskId=1 ArrayTaskThrottle=2 JobName=a.sh",
        "JobId=575 ArrayJobId=574 ArrayTaskId=0 ArrayTaskThrottle=2 JobName=a.sh",
    ]
    assert "StdOut=/w/a-574_4294967294.out" in records[0]
    one = show(lab, "job", "574_4")
    assert one.startswith("JobId=574 ArrayJobId=574 ArrayTaskId=4 ArrayTaskThrottle=2 JobName=a.sh\n")
    assert "StdOut=/w/a-574_4.out" in one
    assert show(lab, "job", "574_0").startswith("JobId=575 ArrayJobId=574 ArrayTaskId=0 ")


def test_a_list_of_tasks_is_cut_where_the_caller_says(lab: Lab) -> None:
    every_third = ",".join(str(index) for index in range(0, 200, 3))
    carols(lab, 9, job_name="a", array=every_third + ",1000", hold=True)
    assert "ArrayTaskId=0,3,6,9,12,15,18,21,24,27,30,33,36,39,42,45,48,51,54,57,60,6... " in show(lab, "job", "9")
    assert f"ArrayTaskId={every_third},1000 " in show(lab, "job", "9", SLURM_BITSTR_LEN="0")


def test_suspended_job(lab: Lab, running: Job) -> None:
    lab.time += 3
    lab.do(lambda: lab.queue.suspend(running, user_id=0))
    lab.time += 60
    text = show(lab, "job", "596")
    assert "JobState=SUSPENDED Reason=None" in text
    assert "RunTime=00:00:03 TimeLimit=00:10:00" in text
    assert "SuspendTime=2026-11-24T19:14:12 SecsPreSuspend=3 " in text


def test_job_cancelled_before_it_started(lab: Lab) -> None:
    job = carols(lab, 522, job_name="wrap", hold=True)
    lab.time += 60
    lab.do(lambda: lab.queue.cancel(job, user_id=0))
    text = show(lab, "job", "522")
    assert "JobState=CANCELLED" in text
    assert "StartTime=2026-11-24T19:15:09 EndTime=2026-11-24T19:15:09" in text
    assert "NumNodes=1 NumCPUs=1 NumTasks=N/A CPUs/Task=1" in text
    assert "BatchHost" not in text


def test_times_in_the_callers_format(lab: Lab, running: Job) -> None:
    assert "StartTime=1795547649 EndTime=1795548249 " in show(lab, "job", "596", SLURM_TIME_FORMAT="%s")
    assert "StartTime=20:14:09 " in show(lab, "job", "596", SLURM_TIME_FORMAT="%H:%M:%S", TZ="Europe/Berlin")
    bad = lab.ask(run, "scontrol", "show", "job", "596", SLURM_TIME_FORMAT="foo")
    assert (bad.stdout, bad.stderr) == (RUNNING, "scontrol: error: invalid SLURM_TIME_FORMAT = 'foo'\n")


@pytest.mark.parametrize(
    ("words", "stdout", "stderr"),
    [
        (["job", "999999"], "", "slurm_load_jobs error: Invalid job id specified\n"),
        (["job", "abc"], "", "scontrol_print_job error: Invalid job id specified\n"),
        (["job", "596_1"], "Job 596_1 not found\n", ""),
        (["job", "596_[0-1]"], "", "scontrol_print_job error: Invalid job id specified\n"),
        (["job", "1", "2"], "", "too many arguments for keyword:show\n"),
        (["foo"], "", "invalid entity:foo for keyword:show \n"),
        ([], "", "too few arguments for keyword:show\n"),
        (["node", "nosuch"], "Node nosuch not found\n", ""),
        (["partition", "nosuch"], "Partition nosuch not found\n", ""),
        (["reservation", "nosuch"], "Reservation nosuch not found\n", ""),
        (["step", "596.7"], "Job step 596.7 not found\n", ""),
        (["step", "9999"], "", "slurm_get_job_steps error: Invalid job id specified\n"),
    ],
)
def test_what_is_not_there(lab: Lab, running: Job, words: list[str], stdout: str, stderr: str) -> None:
    answer = lab.ask(run, "scontrol", "show", *words)
    assert (answer.stdout, answer.stderr, answer.code) == (stdout, stderr, 1)


def test_node(lab: Lab) -> None:
    lab.submit(partition="gpu", gres="gpu:a100:2", cpus_per_task=3)
    lab.do(lambda: lab.queue.set_node_state("n3", "DRAIN", "testing"))
    text = show(lab, "-d", "node", "n3")
    uname = os.uname()
    found = re.search(r"FreeMem=(\d+)", text)
    times = re.search(r"BootTime=(\S+) SlurmdStartTime=(\S+)", text)
    load = re.search(r"CPULoad=([\d.]+)", text)
    assert found and times and load
    assert text == NODE.format(
        arch=uname.machine, os=f"{uname.sysname} {uname.release} {uname.version}", free=found[1], load=load[1],
        boot=times[1], begun=times[2], user=getpass.getuser(),
    )  # fmt: skip
    line = show(lab, "-o", "node", "n[3-4]")
    assert line.count("\n") == 2
    assert " CoresPerSocket=8  CPUAlloc=3 " in line


def test_partition(lab: Lab) -> None:
    assert show(lab, "partition", "gpu") == PARTITION
    everything = show(lab, "part")
    assert everything.endswith(PARTITION)
    assert everything.startswith("PartitionName=debug\n") and "Default=YES" in everything
    assert show(lab, "partitions", "-o").count("\n") == 2


def test_steps(lab: Lab, running: Job) -> None:
    step = Step(596, 0, "0", "sleep", start_time=NOW, node_list="n[1-2]", nodes=2, cpus=2, memory=200, ntasks=2)
    lab.begin_step(running, step)
    text = show(lab, "step", "596")
    assert text.startswith(STEPS)
    assert "StepId=596.0 UserId=2003" in text
    assert "   Nodes=2 CPUs=2 Tasks=2 Name=sleep Network=(null)\n   TRES=cpu=2,mem=200M,node=2\n" in text
    assert show(lab, "step", "596.0").startswith("StepId=596.0 ")
    assert show(lab, "-o", "steps").count("\n") == 2


def test_configuration(lab: Lab) -> None:
    text = show(lab, "config")
    lines = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    values = {key.rstrip(): value for key, value in lines.items()}
    assert text.startswith("Configuration data as of 2026-11-24T19:14:09\n")
    assert values["ClusterName"] == "oracle"
    assert values["MinJobAge"] == "300 sec"
    assert values["MaxArraySize"] == "1001"
    assert values["SLURM_VERSION"] == "22.05.8"
    assert values["DefMemPerCPU"] == "100"
    assert values["GresTypes"] == "gpu"
    assert values["NEXT_JOB_ID"] == str(lab.queue.next_job_id)
    assert "MinJobAge               = 300 sec\n" in text
    assert text.rstrip("\n").endswith(" is UP")


def test_what_there_is_none_of(lab: Lab) -> None:
    assert show(lab, "licenses") == "No licenses configured in Slurm.\n"
    assert show(lab, "reservation") == "No reservations in the system\n"
    assert show(lab, "jobs") == "No jobs in the system\n"
    assert show(lab, "daemons") == "slurmctld slurmd\n"
    assert show(lab, "aliases") == "n1 n2 n3 n4\n"
    topology = lab.ask(run, "scontrol", "show", "topology")
    assert (topology.stderr, topology.code) == ("scontrol: error: No topology information available\n", 0)
