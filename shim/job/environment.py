"""The variables that Slurm sets for a batch script and for the tasks of a step (sbatch and srun man pages)."""

from collections.abc import Container, Iterable, Sequence
from itertools import groupby

from shim.config.settings import Config
from shim.grammar.hostlist import fold_hostlist
from shim.job.layout import StepLayout
from shim.job.record import Job, Share

DEFAULT_QOS = "normal"
DEFAULT_TMPDIR = "/tmp"
"""What slurmstepd sets for a job that brings no TMPDIR along."""

OTHER_MAKERS = ("GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
"""What the GPUs of other makers than NVIDIA are chosen with."""

OF_WHOLE_JOB = frozenset(
    {
        "SLURM_CLUSTER_NAME",
        "SLURM_JOBID",
        "SLURM_NNODES",
        "SLURM_NODELIST",
        "SLURM_NODE_ALIASES",
        "SLURM_SUBMIT_DIR",
        "SLURM_SUBMIT_HOST",
    }
)
"""What is not said for each component of a heterogeneous job."""

Environment = dict[str, str]


def compressed(counts: Iterable[int]) -> str:
    """Numbers for each node as Slurm abbreviates them: ``4,1(x2)``."""
    runs = ((count, len(list(run))) for count, run in groupby(counts))
    return ",".join(f"{count}(x{length})" if length > 1 else str(count) for count, length in runs)


def job_environment(job: Job, config: Config, inherited: Container[bytes] = ()) -> Environment:
    """What the batch script of an allocated job finds in its environment besides what it was submitted with.

    ``inherited`` holds the names it was submitted with; a few defaults give way to them. SLURM_TASK_PID is missing:
    only the process itself knows it.
    """
    first = job.shares[0]
    return {
        **allocation_environment(job, config, inherited),
        **_gpus(first, config),
        "ENVIRONMENT": "BATCH",
        "HOSTNAME": first.node,
        "SLURM_CPUS_ON_NODE": str(first.cpus),
        "SLURM_GTIDS": "0",
        "SLURM_JOB_GID": str(job.group_id),
        "SLURM_JOB_UID": str(job.user_id),
        "SLURM_JOB_USER": job.user_name,
        "SLURM_LOCALID": "0",
        "SLURM_NODEID": "0",
        "SLURM_PRIO_PROCESS": "0",
        "SLURM_PROCID": "0",
        "SLURM_TOPOLOGY_ADDR": first.node,
        "SLURM_TOPOLOGY_ADDR_PATTERN": "node",
        "SLURMD_NODENAME": first.node,
        **({} if b"TMPDIR" in inherited else {"TMPDIR": DEFAULT_TMPDIR}),
        **({"SLURM_TMPDIR": f"{config.scratch}/{job.job_id}"} if config.scratch else {}),
    }


def allocation_environment(job: Job, config: Config, inherited: Container[bytes] = ()) -> Environment:
    """What describes a job's allocation: the part that salloc and srun give to their commands as well."""
    request = job.request
    nodes = job.node_list
    facts: dict[str, object] = {
        "SLURM_CLUSTER_NAME": config.cluster_name,
        "SLURM_JOBID": job.job_id,
        "SLURM_JOB_ACCOUNT": request.account,
        "SLURM_JOB_CPUS_PER_NODE": compressed(share.cpus for share in job.shares),
        "SLURM_JOB_ID": job.job_id,
        "SLURM_JOB_NAME": request.job_name,
        "SLURM_JOB_NODELIST": nodes,
        "SLURM_JOB_NUM_NODES": len(job.shares),
        "SLURM_JOB_PARTITION": job.partition,
        "SLURM_JOB_QOS": request.qos or DEFAULT_QOS,
        "SLURM_JOB_RESERVATION": request.reservation,
        "SLURM_NNODES": len(job.shares),
        "SLURM_NODELIST": nodes,
        "SLURM_NODE_ALIASES": "(null)",
        "SLURM_SUBMIT_DIR": request.submit_dir,
        "SLURM_SUBMIT_HOST": request.submit_host,
        "SLURM_TASKS_PER_NODE": compressed(tasks_of(job, share) for share in job.shares),
        "SLURM_RESTART_COUNT": job.restarts,
        "SLURM_JOB_DEPENDENCY": request.dependency,
    }
    environment = {name: str(value) for name, value in facts.items() if value not in ("", 0, None)}
    return environment | _array(job) | _memory(job, config) | _asked_for(job, inherited)


def nodes_environment(shares: Sequence[Share]) -> Environment:
    """What tells of a job's nodes, for those of several components together."""
    nodes = fold_hostlist([share.node for share in shares])
    return {
        "SLURM_JOB_CPUS_PER_NODE": compressed(share.cpus for share in shares),
        "SLURM_JOB_NODELIST": nodes,
        "SLURM_JOB_NUM_NODES": str(len(shares)),
        "SLURM_NODELIST": nodes,
    }


def het_environment(components: Sequence[Job], config: Config) -> Environment:
    """What the batch script of a heterogeneous job finds about all components, each under its number."""
    environment = dict.fromkeys(("SLURM_HET_SIZE", "SLURM_PACK_SIZE"), str(len(components)))
    for number, job in enumerate(components):
        for name, value in allocation_environment(job, config).items():
            if name not in OF_WHOLE_JOB:
                environment[f"{name}_HET_GROUP_{number}"] = value
                environment[f"{name}_PACK_GROUP_{number}"] = value
    return environment


def tasks_of(job: Job, share: Share) -> int:
    """The tasks of a job on one node: where it named no number, as many as its CPUs there are good for."""
    request = job.request
    if request.ntasks is None and request.ntasks_per_node is None:
        return max(1, share.cpus // (request.cpus_per_task or 1))
    return share.tasks


def _array(job: Job) -> Environment:
    if job.array is None:
        return {}
    return {
        "SLURM_ARRAY_JOB_ID": str(job.array.job_id),
        "SLURM_ARRAY_TASK_COUNT": str(job.array.count),
        "SLURM_ARRAY_TASK_ID": str(job.task_id),
        "SLURM_ARRAY_TASK_MAX": str(job.array.maximum),
        "SLURM_ARRAY_TASK_MIN": str(job.array.minimum),
        "SLURM_ARRAY_TASK_STEP": str(job.array.step),
    }


def _memory(job: Job, config: Config) -> Environment:
    """The one variable, in plain MB, for the memory that was asked for; none where all memory was."""
    request = job.request
    for name, megabytes in (
        ("SLURM_MEM_PER_NODE", request.mem_per_node),
        ("SLURM_MEM_PER_CPU", request.mem_per_cpu),
        ("SLURM_MEM_PER_GPU", request.mem_per_gpu),
        ("SLURM_MEM_PER_CPU", config.def_mem_per_cpu),
    ):
        if megabytes is not None:
            return {name: str(megabytes)} if megabytes else {}
    return {}


def _asked_for(job: Job, inherited: Container[bytes]) -> Environment:
    """Variables that repeat an option, and are not there without it: scripts under ``set -u`` depend on that."""
    request, extra = job.request, job.request.extra
    options: dict[str, object] = {
        "SLURM_CPUS_PER_TASK": request.cpus_per_task or (1 if b"SLURM_CPUS_PER_TASK" in inherited else None),
        "SLURM_CPUS_PER_GPU": request.cpus_per_gpu,
        "SLURM_CPU_FREQ_REQ": extra.get("cpu_freq"),
        "SLURM_CORE_SPEC": request.core_spec,
        "SLURM_THREAD_SPEC": request.thread_spec,
        "SLURM_DISTRIBUTION": extra.get("distribution"),
        "SLURM_GPUS": request.gpus,
        "SLURM_GPUS_PER_NODE": request.gpus_per_node,
        "SLURM_GPUS_PER_SOCKET": request.gpus_per_socket,
        "SLURM_GPUS_PER_TASK": request.gpus_per_task,
        "SLURM_GPU_BIND": extra.get("gpu_bind"),
        "SLURM_GPU_FREQ": extra.get("gpu_freq"),
        "SLURM_NTASKS_PER_CORE": request.ntasks_per_core,
        "SLURM_NTASKS_PER_GPU": request.ntasks_per_gpu,
        "SLURM_NTASKS_PER_NODE": request.ntasks_per_node,
        "SLURM_NTASKS_PER_SOCKET": request.ntasks_per_socket,
        "SLURM_OPEN_MODE": request.open_mode,
        "SLURM_OVERCOMMIT": 1 if request.overcommit else None,
        "SLURM_PROFILE": extra.get("profile"),
        "SLURM_THREADS_PER_CORE": request.threads_per_core,
    }
    ntasks = _number_of_tasks(job)
    if ntasks:
        options |= {"SLURM_NTASKS": ntasks, "SLURM_NPROCS": ntasks}
    environment = {name: str(value) for name, value in options.items() if value not in (None, "")}
    if request.export is not None and request.export != "ALL":
        environment["SLURM_EXPORT_ENV"] = request.export
        if not request.export.startswith("ALL"):
            environment["SLURM_GET_USER_ENV"] = "1"
    return environment


def _number_of_tasks(job: Job) -> int:
    """The number of tasks the user named; 0: none."""
    request = job.request
    if request.ntasks is not None:
        return request.ntasks
    if request.ntasks_per_node is not None:
        return request.ntasks_per_node * len(job.shares)
    return sum(share.tasks for share in job.shares) if request.ntasks_per_gpu else 0


def _gpus(share: Share, config: Config) -> Environment:
    """The GPUs of a job on one node.

    GPUs that were found are NVIDIA's; those that a configuration tells of could be anybody's, so that, as in Slurm,
    the variables of all makers are set.
    """
    if not share.gpus:
        return {}
    indices = ",".join(map(str, share.gpus))
    return {
        "CUDA_VISIBLE_DEVICES": indices,
        "SLURM_GPUS_ON_NODE": str(len(share.gpus)),
        "SLURM_JOB_GPUS": indices,
        **(dict.fromkeys(OTHER_MAKERS, indices) if of_any_maker(share.node, config) else {}),
    }


def of_any_maker(node: str, config: Config) -> bool:
    """True where the GPUs of a node are what the configuration says, not what was found."""
    return any(known.name == node and known.gres for known in config.nodes)


def step_environment(layout: StepLayout, job: Job) -> Environment:
    """What all tasks of a step find in their environment besides that of the job."""
    nodes = fold_hostlist([node.name for node in layout.nodes])
    tasks_per_node = compressed(len(node.ranks) for node in layout.nodes)
    facts: dict[str, object] = {
        "SLURM_DISTRIBUTION": layout.distribution or ("cyclic" if layout.ntasks <= len(layout.nodes) else "block"),
        "SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0": compressed(share.cpus for share in job.shares),
        "SLURM_LAUNCH_NODE_IPADDR": layout.launch_address,
        "SLURM_NNODES": len(layout.nodes),
        "SLURM_NPROCS": layout.ntasks,
        "SLURM_NTASKS": layout.ntasks,
        "SLURM_SRUN_COMM_HOST": layout.launch_address,
        "SLURM_SRUN_COMM_PORT": layout.launch_port,
        "SLURM_STEPID": layout.step_id,
        "SLURM_STEP_ID": layout.step_id,
        "SLURM_STEP_LAUNCHER_PORT": layout.launch_port,
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_NUM_NODES": len(layout.nodes),
        "SLURM_STEP_NUM_TASKS": layout.ntasks,
        "SLURM_STEP_TASKS_PER_NODE": tasks_per_node,
        "SLURM_TASKS_PER_NODE": tasks_per_node,
        "SLURM_UMASK": f"{layout.umask:04o}",
        "SRUN_DEBUG": 3,
    }
    if layout.plane:
        facts["SLURM_DIST_PLANESIZE"] = layout.plane
    if layout.cpus_per_task is not None:
        facts["SLURM_CPUS_PER_TASK"] = layout.cpus_per_task
    if layout.labelled:
        facts["SLURM_LABELIO"] = 1
    return {name: str(value) for name, value in facts.items()}


def task_environment(layout: StepLayout, node_index: int, local_id: int, *, any_maker: bool = False) -> Environment:
    """What one task of a step finds in its environment besides `step_environment`; ``any_maker``: its GPUs may be of
    others than NVIDIA.
    """
    node = layout.nodes[node_index]
    environment = {
        "SLURMD_NODENAME": node.name,
        "SLURM_CPUS_ON_NODE": str(node.cpus),
        "SLURM_GTIDS": ",".join(map(str, node.ranks)),
        "SLURM_LOCALID": str(local_id),
        "SLURM_NODEID": str(node_index),
        "SLURM_PROCID": str(node.ranks[local_id]),
        "SLURM_TOPOLOGY_ADDR": node.name,
        "SLURM_TOPOLOGY_ADDR_PATTERN": "node",
    }
    if node.gpus:
        environment["SLURM_GPUS_ON_NODE"] = str(len(node.gpus))
    gpus = node.task_gpus[local_id] if node.task_gpus else node.gpus
    if gpus:
        indices = ",".join(map(str, gpus))
        environment |= dict.fromkeys(("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS"), indices)
        if any_maker:
            environment |= dict.fromkeys(OTHER_MAKERS, indices)
    return environment
