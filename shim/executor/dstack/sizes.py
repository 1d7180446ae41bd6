"""What each node of a run must have."""

from dataclasses import dataclass

from shim.executor.dstack.errors import NotExpressible
from shim.job.record import Job
from shim.scheduler.need import Need


@dataclass(frozen=True, slots=True)
class NodeSize:
    """The least that every node of a run has. Memory and disk in MB; 0 asks for nothing."""

    nodes: int
    cpus: int
    memory: int
    gpus: int
    gpu_type: str  # the site's word, "" for any
    tmp_disk: int


def node_size(job: Job, need: Need) -> NodeSize:
    """The size of a job's nodes: of the shares it was given, else what its options come to.

    dstack's nodes of one run are all alike, so every node gets what the largest share needs.
    """
    if not job.shares:
        return _asked_size(need)
    return NodeSize(
        nodes=len(job.shares),
        cpus=max(share.cpus for share in job.shares),
        memory=max(share.memory for share in job.shares),
        gpus=max(len(share.gpus) for share in job.shares),
        gpu_type=need.gpu_type,
        tmp_disk=need.tmp_disk,
    )


def _asked_size(need: Need) -> NodeSize:
    nodes = max(need.nodes_min, -(-need.least_tasks // need.tasks_per_node) if need.tasks_per_node else 1)
    tasks = -(-need.least_tasks // nodes)
    gpus, rest = divmod(need.gpus, nodes)
    if rest:
        raise NotExpressible(f"--gpus={need.gpus} on {nodes} nodes: dstack gives every node the same number of GPUs")
    gpus = max(gpus, need.gpus_per_node, need.gpus_per_task * tasks)
    cpus = max(need.cpus_per_node, 1 if need.overcommit else need.cpus_per_task * tasks, need.cpus_per_gpu * gpus)
    memory = max(need.memory_per_node, need.memory_per_cpu * cpus, need.memory_per_gpu * gpus)
    return NodeSize(nodes, cpus, memory, gpus, need.gpu_type, need.tmp_disk)
