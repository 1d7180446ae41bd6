"""What a job needs of nodes: the size options of a request, resolved to numbers."""

from dataclasses import dataclass
from typing import NamedTuple

from shim.config.settings import Config
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.tres import parse_gpus, parse_gres
from shim.job.request import Request


@dataclass(frozen=True, slots=True)
class Need:
    """The size of a job. Memory in MB. Equal needs are placed equally, so a need is a key of the scheduler's memory."""

    nodes_min: int = 1
    nodes_max: int | None = None  # None: as many as it takes
    ntasks: int | None = None  # None: one for each node, or tasks_per_node of them
    tasks_per_node: int = 0  # 0: any number
    cpus_per_task: int = 1
    node_cpus: int = 0  # at least so many CPUs of each node
    memory_per_node: int = 0
    memory_per_cpu: int = 0
    memory_per_gpu: int = 0
    whole_memory: bool = False
    gpus_per_node: int = 0
    gpus_per_task: int = 0
    gpus: int = 0  # over all nodes
    gpu_type: str = ""  # or several that will do: a|b
    cpus_per_gpu: int = 0
    gres: tuple[tuple[str, int], ...] = ()
    exclusive: bool = False
    overcommit: bool = False
    fewest_nodes: bool = False
    tmp_disk: int = 0
    constraint: str = ""
    nodelist: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    component: bool = False  # of a heterogeneous job

    @property
    def least_cpus(self) -> int:
        """CPUs that the whole job takes at least (squeue's CPUS of a waiting job)."""
        if self.overcommit:
            return max(self.nodes_min, self.node_cpus)
        return max(self.least_tasks * self.cpus_per_task, self.nodes_min * self.node_cpus)

    @property
    def asked_cpus(self) -> int:
        """CPUs as a waiting job shows them: --mincpus is no count there, and a range of nodes (-N 2-4) is one task."""
        if self.overcommit:
            return self.nodes_min
        ranged = self.nodes_max is not None and self.nodes_max > self.nodes_min
        if ranged and self.ntasks is None and not self.tasks_per_node:
            return self.cpus_per_task
        return self.least_tasks * self.cpus_per_task

    @property
    def least_tasks(self) -> int:
        """Tasks of the job when it gets as few nodes as possible."""
        return self.ntasks if self.ntasks is not None else self.nodes_min * max(1, self.tasks_per_node)

    @property
    def cpus_per_node(self) -> int:
        """CPUs that one node must have for the job to be possible at all."""
        cpus = self.cpus_per_task * max(1, self.tasks_per_node) if not self.overcommit else 1
        return max(cpus, self.node_cpus, self.gpus_per_node * self.cpus_per_gpu)


class _Gpus(NamedTuple):
    """GPUs by what they are counted for. ``kind`` is their type, "" for any."""

    per_node: int
    per_task: int
    over_all: int
    kind: str


def _gpus(request: Request) -> _Gpus:
    """All options that ask for GPUs (sbatch man page, --gres and --gpus*)."""
    node = [gres for gres in parse_gres(request.gres) if gres.name == "gpu"] if request.gres else []
    node += parse_gpus(request.gpus_per_node) if request.gpus_per_node else ()
    socket = parse_gpus(request.gpus_per_socket) if request.gpus_per_socket else ()
    task = parse_gpus(request.gpus_per_task) if request.gpus_per_task else ()
    job = parse_gpus(request.gpus) if request.gpus else ()
    sockets = request.sockets_per_node or 1
    kinds = sorted({gres.type for gres in (*node, *socket, *task, *job) if gres.type})
    return _Gpus(
        per_node=sum(gres.count for gres in node) + sockets * sum(gres.count for gres in socket),
        per_task=sum(gres.count for gres in task),
        over_all=sum(gres.count for gres in job),
        kind="&".join(kinds),  # nodes have one type each: several at once fit nowhere
    )


def need_of(request: Request, config: Config) -> Need:
    """Resolve a request's size (sbatch man page; slurm.conf DefMemPerCPU). Raises GrammarError for bad gres."""
    gpus = _gpus(request)
    others: dict[str, int] = {}
    for gres in parse_gres(request.gres) if request.gres else ():
        if gres.name != "gpu":
            others[gres.name] = others.get(gres.name, 0) + gres.count
    ntasks = request.ntasks
    if ntasks is None and request.ntasks_per_gpu and (gpus.over_all or gpus.per_node):
        ntasks = request.ntasks_per_gpu * (gpus.over_all or gpus.per_node * (request.nodes_min or 1))
    nodelist = expand_hostlist(request.nodelist) if request.nodelist else ()
    nodes_min = request.nodes_min or max(1, len(nodelist))
    nodes_max = (request.nodes_min if request.nodes_max is None else request.nodes_max) or None
    # -N with more nodes than tasks means a task for each node.
    if ntasks is not None and request.nodes_min:
        ntasks = max(ntasks, nodes_min)
    memory_per_cpu = request.mem_per_cpu or 0
    if not (request.mem_per_node is not None or request.mem_per_cpu is not None or request.mem_per_gpu is not None):
        memory_per_cpu = config.def_mem_per_cpu
    return Need(
        nodes_min=nodes_min,
        nodes_max=nodes_max,
        ntasks=ntasks,
        tasks_per_node=request.ntasks_per_node or 0,
        cpus_per_task=request.cpus_per_task or 1,
        node_cpus=request.mincpus or 0,
        memory_per_node=request.mem_per_node or 0,
        memory_per_cpu=memory_per_cpu,
        memory_per_gpu=request.mem_per_gpu or 0,
        whole_memory=request.mem_per_node == 0 or request.mem_per_cpu == 0,
        gpus_per_node=gpus.per_node,
        gpus_per_task=gpus.per_task,
        gpus=gpus.over_all,
        gpu_type=gpus.kind,
        cpus_per_gpu=request.cpus_per_gpu or 0,
        gres=tuple(sorted(others.items())),
        exclusive=request.exclusive == "exclusive",
        overcommit=request.overcommit,
        fewest_nodes=request.use_min_nodes,
        tmp_disk=request.tmp or 0,
        constraint=request.constraint,
        nodelist=nodelist,
        exclude=expand_hostlist(request.exclude) if request.exclude else (),
    )
