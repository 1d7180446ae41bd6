"""The variables of a batch script and of steps, against complete environments recorded on a real cluster."""

import pytest

from shim.config.settings import Config, NodeConfig
from shim.grammar.hostlist import fold_hostlist
from shim.job.environment import (
    allocation_environment,
    compressed,
    het_environment,
    job_environment,
    step_environment,
    task_environment,
)
from shim.job.layout import StepLayout, StepNode
from shim.job.record import ArrayInfo, Job, Share
from shim.job.request import Request

CONFIG = Config(cluster_name="oracle", def_mem_per_cpu=100)

# What a plain job sees. Of what was recorded, SLURM_TASK_PID is left to the process itself, SLURM_CONF and
# SLURM_WORKING_CLUSTER name a slurm.conf and a slurmctld that are not there.
PLAIN = dict(
    line.split("=", 1)
    for line in """\
ENVIRONMENT=BATCH
HOSTNAME=n1
SLURMD_NODENAME=n1
SLURM_CLUSTER_NAME=oracle
SLURM_CPUS_ON_NODE=1
SLURM_GTIDS=0
SLURM_JOBID=284
SLURM_JOB_ACCOUNT=proj
SLURM_JOB_CPUS_PER_NODE=1
SLURM_JOB_GID=2003
SLURM_JOB_ID=284
SLURM_JOB_NAME=env.sh
SLURM_JOB_NODELIST=n1
SLURM_JOB_NUM_NODES=1
SLURM_JOB_PARTITION=debug
SLURM_JOB_QOS=normal
SLURM_JOB_UID=2003
SLURM_JOB_USER=carol
SLURM_LOCALID=0
SLURM_MEM_PER_CPU=100
SLURM_NNODES=1
SLURM_NODEID=0
SLURM_NODELIST=n1
SLURM_NODE_ALIASES=(null)
SLURM_PRIO_PROCESS=0
SLURM_PROCID=0
SLURM_SUBMIT_DIR=/home/carol/w/env01
SLURM_SUBMIT_HOST=vm
SLURM_TASKS_PER_NODE=1
SLURM_TOPOLOGY_ADDR=n1
SLURM_TOPOLOGY_ADDR_PATTERN=node
TMPDIR=/tmp""".splitlines()
)


ONE_CPU = (Share("n1", 1, 100),)


def allocated(shares=ONE_CPU, *, partition="debug", **fields) -> Job:
    request = {"job_name": "env.sh", "account": "proj", "submit_dir": "/home/carol/w/env01", "submit_host": "vm"}
    job_fields = {key: fields.pop(key) for key in list(fields) if key in ("array", "task_id", "restarts", "job_id")}
    job = Job(
        job_id=job_fields.pop("job_id", 284),
        request=Request(**{**request, **fields}),
        user_id=2003,
        user_name="carol",
        group_id=2003,
        group_name="carol",
        submit_time=0,
        partition=partition,
        shares=shares,
        node_list=fold_hostlist([share.node for share in shares]),
    )
    for key, value in job_fields.items():
        setattr(job, key, value)
    return job


def changes(job: Job, inherited=()) -> dict[str, str | None]:
    """What differs from a plain job's environment; None: it is not there."""
    found = job_environment(job, CONFIG, inherited)
    names = {*found, *PLAIN} - {"SLURM_JOB_ID", "SLURM_JOBID"}
    return {name: found.get(name) for name in sorted(names) if found.get(name) != PLAIN.get(name)}


def nodes(*sizes: tuple[str, int, int]) -> tuple[Share, ...]:
    return tuple(Share(node, cpus, 100, tasks=tasks) for node, cpus, tasks in sizes)


def test_a_plain_job():
    assert job_environment(allocated(), CONFIG) == PLAIN


N3 = {
    "HOSTNAME": "n3",
    "SLURMD_NODENAME": "n3",
    "SLURM_JOB_NODELIST": "n3",
    "SLURM_JOB_PARTITION": "gpu",
    "SLURM_NODELIST": "n3",
    "SLURM_TOPOLOGY_ADDR": "n3",
}
TWO_TASKS = {"SLURM_NPROCS": "2", "SLURM_NTASKS": "2", "SLURM_TASKS_PER_NODE": "2"}


def n3(cpus: int, gpus: tuple[int, ...], tasks: int = 1) -> tuple[Share, ...]:
    return (Share("n3", cpus, 100, gpus, "a100", tasks),)


@pytest.mark.parametrize(
    ("job", "different"),
    [
        (
            allocated(nodes(("n1", 8, 4)), job_name="name", ntasks=4, cpus_per_task=2, mem_per_node=1024, comment="cc"),
            {
                "SLURM_CPUS_ON_NODE": "8",
                "SLURM_CPUS_PER_TASK": "2",
                "SLURM_JOB_CPUS_PER_NODE": "8",
                "SLURM_JOB_NAME": "name",
                "SLURM_MEM_PER_NODE": "1024",
                "SLURM_NPROCS": "4",
                "SLURM_NTASKS": "4",
                "SLURM_TASKS_PER_NODE": "4",
                "SLURM_MEM_PER_CPU": None,
            },
        ),
        (
            allocated(
                nodes(("n1", 3, 3), ("n2", 3, 3)), nodes_min=2, ntasks_per_node=3, mem_per_cpu=200, work_dir="/tmp"
            ),
            {
                "SLURM_CPUS_ON_NODE": "3",
                "SLURM_JOB_CPUS_PER_NODE": "3(x2)",
                "SLURM_JOB_NODELIST": "n[1-2]",
                "SLURM_JOB_NUM_NODES": "2",
                "SLURM_MEM_PER_CPU": "200",
                "SLURM_NNODES": "2",
                "SLURM_NODELIST": "n[1-2]",
                "SLURM_NPROCS": "6",
                "SLURM_NTASKS": "6",
                "SLURM_NTASKS_PER_NODE": "3",
                "SLURM_TASKS_PER_NODE": "3(x2)",
            },
        ),
        (
            allocated(nodes(("n1", 8, 2), ("n2", 8, 1)), nodes_min=2, ntasks=3, exclusive="exclusive"),
            {
                "SLURM_CPUS_ON_NODE": "8",
                "SLURM_JOB_CPUS_PER_NODE": "8(x2)",
                "SLURM_JOB_NODELIST": "n[1-2]",
                "SLURM_JOB_NUM_NODES": "2",
                "SLURM_NNODES": "2",
                "SLURM_NODELIST": "n[1-2]",
                "SLURM_NPROCS": "3",
                "SLURM_NTASKS": "3",
                "SLURM_TASKS_PER_NODE": "2,1",
            },
        ),
        (
            allocated(nodes(("n1", 4, 4), ("n2", 1, 1), ("n3", 1, 1)), nodes_min=3, ntasks=6),
            {
                "SLURM_CPUS_ON_NODE": "4",
                "SLURM_JOB_CPUS_PER_NODE": "4,1(x2)",
                "SLURM_JOB_NODELIST": "n[1-3]",
                "SLURM_JOB_NUM_NODES": "3",
                "SLURM_NNODES": "3",
                "SLURM_NODELIST": "n[1-3]",
                "SLURM_NPROCS": "6",
                "SLURM_NTASKS": "6",
                "SLURM_TASKS_PER_NODE": "4,1(x2)",
            },
        ),
        (
            allocated(array=ArrayInfo(289, 5, 11, 3, 3), task_id=8, job_id=291),
            {
                "SLURM_ARRAY_JOB_ID": "289",
                "SLURM_ARRAY_TASK_COUNT": "3",
                "SLURM_ARRAY_TASK_ID": "8",
                "SLURM_ARRAY_TASK_MAX": "11",
                "SLURM_ARRAY_TASK_MIN": "5",
                "SLURM_ARRAY_TASK_STEP": "3",
            },
        ),
        (
            allocated(array=ArrayInfo(292, 0, 0, 1, 1), task_id=0),
            {
                "SLURM_ARRAY_JOB_ID": "292",
                "SLURM_ARRAY_TASK_COUNT": "1",
                "SLURM_ARRAY_TASK_ID": "0",
                "SLURM_ARRAY_TASK_MAX": "0",
                "SLURM_ARRAY_TASK_MIN": "0",
                "SLURM_ARRAY_TASK_STEP": "1",
            },
        ),
        (
            allocated(n3(2, (0, 1), 2), partition="gpu", gres="gpu:a100:2", ntasks=2),
            {
                **N3,
                **TWO_TASKS,
                "CUDA_VISIBLE_DEVICES": "0,1",
                "SLURM_CPUS_ON_NODE": "2",
                "SLURM_GPUS_ON_NODE": "2",
                "SLURM_JOB_CPUS_PER_NODE": "2",
                "SLURM_JOB_GPUS": "0,1",
            },
        ),
        (
            allocated(n3(1, (2,)), partition="gpu", gres="gpu:1", mem_per_node=0),
            {
                **N3,
                "CUDA_VISIBLE_DEVICES": "2",
                "SLURM_GPUS_ON_NODE": "1",
                "SLURM_JOB_GPUS": "2",
                "SLURM_MEM_PER_CPU": None,
            },
        ),
        (
            allocated(n3(4, (0, 1)), partition="gpu", gpus="2", cpus_per_gpu=2, mem_per_gpu=100),
            {
                **N3,
                "CUDA_VISIBLE_DEVICES": "0,1",
                "SLURM_CPUS_ON_NODE": "4",
                "SLURM_CPUS_PER_GPU": "2",
                "SLURM_GPUS": "2",
                "SLURM_GPUS_ON_NODE": "2",
                "SLURM_JOB_CPUS_PER_NODE": "4",
                "SLURM_JOB_GPUS": "0,1",
                "SLURM_MEM_PER_GPU": "100",
                "SLURM_TASKS_PER_NODE": "4",
                "SLURM_MEM_PER_CPU": None,
            },
        ),
        (
            allocated(n3(2, (0, 1), 2), partition="gpu", gpus_per_task="1", ntasks=2),
            {
                **N3,
                **TWO_TASKS,
                "CUDA_VISIBLE_DEVICES": "0,1",
                "SLURM_CPUS_ON_NODE": "2",
                "SLURM_GPUS_ON_NODE": "2",
                "SLURM_GPUS_PER_TASK": "1",
                "SLURM_JOB_CPUS_PER_NODE": "2",
                "SLURM_JOB_GPUS": "0,1",
            },
        ),
        (
            allocated(n3(1, (0,)), partition="gpu", gpus_per_node="a100:1", nodes_min=1),
            {
                **N3,
                "CUDA_VISIBLE_DEVICES": "0",
                "SLURM_GPUS_ON_NODE": "1",
                "SLURM_GPUS_PER_NODE": "a100:1",
                "SLURM_JOB_GPUS": "0",
            },
        ),
        (
            allocated(nodes(("n1", 2, 2)), ntasks=2, ntasks_per_node=2, ntasks_per_socket=2, threads_per_core=1),
            {
                **TWO_TASKS,
                "SLURM_CPUS_ON_NODE": "2",
                "SLURM_JOB_CPUS_PER_NODE": "2",
                "SLURM_NTASKS_PER_NODE": "2",
                "SLURM_NTASKS_PER_SOCKET": "2",
                "SLURM_THREADS_PER_CORE": "1",
            },
        ),
        (
            allocated(
                nodes(("n1", 1, 4)),
                ntasks=4,
                overcommit=True,
                export="NONE",
                extra={"distribution": "cyclic", "cpu_freq": "High"},
            ),
            {
                "SLURM_CPU_FREQ_REQ": "High",
                "SLURM_DISTRIBUTION": "cyclic",
                "SLURM_EXPORT_ENV": "NONE",
                "SLURM_GET_USER_ENV": "1",
                "SLURM_NPROCS": "4",
                "SLURM_NTASKS": "4",
                "SLURM_OVERCOMMIT": "1",
                "SLURM_TASKS_PER_NODE": "4",
            },
        ),
        (allocated(dependency="singleton"), {"SLURM_JOB_DEPENDENCY": "singleton"}),
        (allocated(open_mode="a", extra={"profile": "None"}), {"SLURM_OPEN_MODE": "a", "SLURM_PROFILE": "None"}),
        (allocated(export="ALL,X=1"), {"SLURM_EXPORT_ENV": "ALL,X=1"}),
        (allocated(export="ALL"), {}),
        (allocated(restarts=2), {"SLURM_RESTART_COUNT": "2"}),
        (
            allocated(account="", qos="high", reservation="r1"),
            {"SLURM_JOB_ACCOUNT": None, "SLURM_JOB_QOS": "high", "SLURM_JOB_RESERVATION": "r1"},
        ),
    ],
)
def test_what_options_change(job, different):
    assert changes(job) == different


def test_components_of_a_heterogeneous_job():
    """As recorded: a component of two tasks, and one of two nodes with memory for each."""
    first = allocated(nodes(("n1", 2, 2)), job_id=6631, job_name="het", ntasks=2)
    second = allocated(
        nodes(("n3", 1, 1), ("n4", 1, 1)), job_id=6632, job_name="het", partition="gpu", nodes_min=2, mem_per_node=50
    )
    recorded = {
        "SLURM_JOB_ACCOUNT": ("proj", "proj"),
        "SLURM_JOB_CPUS_PER_NODE": ("2", "1(x2)"),
        "SLURM_JOB_ID": ("6631", "6632"),
        "SLURM_JOB_NAME": ("het", "het"),
        "SLURM_JOB_NODELIST": ("n1", "n[3-4]"),
        "SLURM_JOB_NUM_NODES": ("1", "2"),
        "SLURM_JOB_PARTITION": ("debug", "gpu"),
        "SLURM_JOB_QOS": ("normal", "normal"),
        "SLURM_MEM_PER_CPU": ("100", None),
        "SLURM_MEM_PER_NODE": (None, "50"),
        "SLURM_NPROCS": ("2", None),
        "SLURM_NTASKS": ("2", None),
        "SLURM_TASKS_PER_NODE": ("2", "1(x2)"),
    }
    assert het_environment([first, second], CONFIG) == {
        "SLURM_HET_SIZE": "2",
        "SLURM_PACK_SIZE": "2",
        **{
            f"{name}_{kind}_GROUP_{number}": value
            for name, values in recorded.items()
            for number, value in enumerate(values)
            for kind in ("HET", "PACK")
            if value is not None
        },
    }


def test_what_a_nested_submission_inherits():
    """A number of CPUs for each task that an outer job left behind does not hold for the inner one."""
    assert changes(allocated(), {b"SLURM_CPUS_PER_TASK", b"SLURM_NTASKS"}) == {"SLURM_CPUS_PER_TASK": "1"}
    assert changes(allocated(), {b"TMPDIR"}) == {"TMPDIR": None}


def test_a_scratch_folder_if_there_is_one():
    config = Config(cluster_name="oracle", def_mem_per_cpu=100, scratch="/scratch")
    assert job_environment(allocated(), config)["SLURM_TMPDIR"] == "/scratch/284"


def test_the_environment_of_an_allocation_names_no_process():
    found = allocation_environment(allocated(), CONFIG)
    assert found.items() <= PLAIN.items()
    assert not found.keys() & {"SLURM_PROCID", "SLURM_CPUS_ON_NODE", "SLURM_LOCALID", "SLURMD_NODENAME"}


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([1], "1"),
        ([3, 3], "3(x2)"),
        ([4, 1, 1], "4,1(x2)"),
        ([2, 1], "2,1"),
        ([1, 2, 1], "1,2,1"),
        ([], ""),
    ],
)
def test_compressed(counts, text):
    assert compressed(counts) == text


STEPPED = allocated(
    nodes(("n1", 6, 3), ("n2", 2, 1)), job_id=303, nodes_min=2, ntasks=4, cpus_per_task=2, mem_per_node=500
)
LAYOUT = StepLayout("0", (StepNode("n1", (0, 1), 6), StepNode("n2", (2, 3), 2)), launch_port=39251, labelled=True)


def test_a_step_on_two_nodes():
    """As recorded for ``srun -l`` in a job of two nodes, four tasks and two CPUs for each."""
    assert step_environment(LAYOUT, STEPPED) == {
        "SLURM_DISTRIBUTION": "block",
        "SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0": "6,2",
        "SLURM_LABELIO": "1",
        "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1",
        "SLURM_NNODES": "2",
        "SLURM_NPROCS": "4",
        "SLURM_NTASKS": "4",
        "SLURM_SRUN_COMM_HOST": "127.0.0.1",
        "SLURM_SRUN_COMM_PORT": "39251",
        "SLURM_STEPID": "0",
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_LAUNCHER_PORT": "39251",
        "SLURM_STEP_NODELIST": "n[1-2]",
        "SLURM_STEP_NUM_NODES": "2",
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
        "SLURM_TASKS_PER_NODE": "2(x2)",
        "SLURM_UMASK": "0022",
        "SRUN_DEBUG": "3",
    }


@pytest.mark.parametrize(
    ("node", "local", "procid", "gtids", "cpus"),
    [
        (0, 0, "0", "0,1", "6"),
        (0, 1, "1", "0,1", "6"),
        (1, 0, "2", "2,3", "2"),
        (1, 1, "3", "2,3", "2"),
    ],
)
def test_tasks_of_a_step(node, local, procid, gtids, cpus):
    name = f"n{node + 1}"
    assert task_environment(LAYOUT, node, local) == {
        "SLURMD_NODENAME": name,
        "SLURM_CPUS_ON_NODE": cpus,
        "SLURM_GTIDS": gtids,
        "SLURM_LOCALID": str(local),
        "SLURM_NODEID": str(node),
        "SLURM_PROCID": procid,
        "SLURM_TOPOLOGY_ADDR": name,
        "SLURM_TOPOLOGY_ADDR_PATTERN": "node",
    }


def test_a_step_of_one_task():
    layout = StepLayout("1", (StepNode("n1", (0,), 1),), cpus_per_task=1, launch_port=37311)
    found = step_environment(layout, STEPPED)
    assert found["SLURM_DISTRIBUTION"] == "cyclic"
    assert (found["SLURM_STEP_ID"], found["SLURM_CPUS_PER_TASK"], found["SLURM_NTASKS"]) == ("1", "1", "1")
    assert "SLURM_LABELIO" not in found


def test_gpus_of_a_step():
    whole = StepLayout("0", (StepNode("n3", (0, 1), 2, (0, 1)),))
    assert task_environment(whole, 0, 1)["CUDA_VISIBLE_DEVICES"] == "0,1"
    bound = StepLayout("0", (StepNode("n3", (0, 1), 2, (0, 1), ((0,), (1,))),))
    found = task_environment(bound, 0, 1)
    assert (found["CUDA_VISIBLE_DEVICES"], found["SLURM_STEP_GPUS"], found["SLURM_GPUS_ON_NODE"]) == ("1", "1", "2")
    assert "CUDA_VISIBLE_DEVICES" not in task_environment(LAYOUT, 0, 0)


def test_gpus_that_a_configuration_tells_of_may_be_of_any_maker():
    gpus = allocated(n3(1, (1,)), partition="gpu", gres="gpu:1")
    config = Config(nodes=(NodeConfig("n3", 8, 8000, gres="gpu:a100:4"),))
    makers = {"CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"}
    assert {name: value for name, value in job_environment(gpus, config).items() if name in makers} == dict.fromkeys(
        makers, "1"
    )
    assert makers & job_environment(gpus, Config()).keys() == {"CUDA_VISIBLE_DEVICES"}
