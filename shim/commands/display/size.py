"""The size of a job as the commands show it: what it holds once it has started, what it asks for before."""

import math
from dataclasses import dataclass

from shim.commands.display.tres import Tres, tres_of_shares
from shim.config.settings import Config
from shim.grammar.errors import GrammarError
from shim.job.record import Job
from shim.scheduler.need import Need, need_of


@dataclass(frozen=True, slots=True)
class Size:
    """Nodes, CPUs and tasks of a job, and its trackable resources."""

    nodes: int  # at least
    nodes_max: int  # 0: no upper bound, or the job has started
    cpus: int
    tasks: int
    tres: Tres

    @property
    def node_range(self) -> str:
        """``2``, or ``1-2`` for a waiting job with an upper bound (``scontrol show job``, NumNodes)."""
        return f"{self.nodes}-{self.nodes_max}" if self.nodes_max else str(self.nodes)


def size_of(job: Job, config: Config, need: Need | None = None) -> Size:
    """Return the size of a job (squeue man page, %C and %D; scontrol man page, NumNodes, NumCPUs, NumTasks, TRES).

    ``need`` is what the request resolves to, where that is known already.
    """
    need = need or _need(job, config)
    if job.shares:
        tasks = max(need.least_tasks, len(job.shares)) if need.ntasks is None else need.ntasks
        return Size(len(job.shares), 0, job.cpus, tasks, tres_of_shares(job.shares))
    nodes_max = need.nodes_max or 0 if job.pending else 0
    nodes = node_count(job, config, need)
    return Size(nodes, nodes_max, need.asked_cpus, need.least_tasks, requested_tres(need, config))


def node_count(job: Job, config: Config, need: Need) -> int:
    """Nodes that the job holds, or the fewest that it can get by with (squeue man page, %D)."""
    if job.shares:
        return len(job.shares)
    nodes = need.nodes_min
    if need.least_cpus > nodes:  # else a CPU of each node is enough
        nodes = max(nodes, _fewest_nodes(need, config))
    return min(nodes, need.nodes_max) if need.nodes_max and job.pending else nodes


def _need(job: Job, config: Config) -> Need:
    try:
        return need_of(job.request, config)
    except GrammarError:  # it was checked at submission; a row of an older version must not break a listing
        return Need()


def _fewest_nodes(need: Need, config: Config) -> int:
    """The nodes that so many CPUs need where all nodes are as large as the largest (squeue man page, %D)."""
    largest = max((node.cpus for node in config.nodes), default=0)
    return math.ceil(need.least_cpus / largest) if largest else 1


def requested_tres(need: Need, config: Config) -> Tres:
    """What a job will be charged for if it gets no more than it asks for (ReqTRES)."""
    nodes = need.nodes_min
    gpus = need.gpus or max(need.gpus_per_node * nodes, need.gpus_per_task * need.least_tasks)
    gres = {name: count * nodes for name, count in need.gres}
    if gpus:
        gres["gpu"] = gpus
        if need.gpu_type:
            gres[f"gpu:{need.gpu_type}"] = gpus
    cpus = need.asked_cpus
    of_node = max((node.memory for node in config.nodes), default=0) if need.whole_memory else need.memory_per_node
    memory = max(of_node * nodes, need.memory_per_cpu * cpus, need.memory_per_gpu * gpus)
    return Tres(cpus, memory, nodes, cpus, gres)
