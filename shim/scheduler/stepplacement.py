"""Placing a step inside its job: which of the job's nodes, and what of each. Pure: shares and use in, nodes out.

A step takes all CPUs that its job has on the step's nodes and waits until they are free, unless it asks for no more
than it needs (--exact, --exclusive, -c) or shares them (--overlap); memory and GPUs are counted likewise.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from shim.job.errors import Errno, SlurmError
from shim.job.layout import Ranks, StepNode, arbitrary, distribute
from shim.job.record import Share

_MANY = 1 << 30
_NO_GRES = "Step requested GRES but job doesn't have GRES"


@dataclass(frozen=True, slots=True)
class StepRequest:
    """What srun asks for: the size of one step. Memory in MB, limits in minutes; None and 0 where nothing was said."""

    ntasks: int = 1
    nodes_min: int = 1
    nodes_max: int | None = None
    cpus_per_task: int | None = None
    tasks_per_node: int = 0
    memory_per_node: int | None = None
    memory_per_cpu: int | None = None
    gpus: int = 0  # over all nodes
    gpus_per_node: int = 0
    gpus_per_task: int = 0
    gpu_type: str = ""
    no_gres: bool = False  # --gres=none
    gres: tuple[tuple[str, int], ...] = ()  # other generic resources of each node, by name and count
    nodelist: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    relative: int = 0
    distribution: str = ""
    plane: int = 0
    exact: bool = False
    overlap: bool = False
    overcommit: bool = False

    @property
    def asks_gpus(self) -> bool:
        """True where the step names GPUs: then they are its own."""
        return bool(self.gpus or self.gpus_per_node or self.gpus_per_task)


@dataclass(frozen=True, slots=True)
class Held:
    """What a step keeps others from using on one node. Memory in MB."""

    node: str
    cpus: int
    memory: int
    gpus: tuple[int, ...] = ()
    gres: tuple[tuple[str, int], ...] = ()  # other generic resources, by name and count


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a step runs and what it holds."""

    nodes: tuple[StepNode, ...]
    held: tuple[Held, ...]
    memory: int  # of all nodes together, also where it is shared

    def text(self) -> str:
        """As the job table keeps it."""
        return json.dumps([[astuple(node) for node in self.nodes], [astuple(held) for held in self.held], self.memory])

    @classmethod
    def parse(cls, text: str) -> "Placed":
        """What `text` wrote. Raises ValueError."""
        nodes, held, memory = _tuples(json.loads(text))
        return cls(tuple(StepNode(*node) for node in nodes), tuple(Held(*one) for one in held), memory)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@dataclass(slots=True)
class _Room:
    """What is left for one more step on a node of the job."""

    share: Share
    position: int  # of the node in the job
    cpus: int
    memory: int
    gpus: list[int]
    gres: Mapping[str, int]

    def slots(self, request: StepRequest) -> int:
        """How many tasks of the step it holds."""
        share = self.share
        if not request.exact and not request.overlap and self.cpus < share.cpus:
            return 0
        slots = self.cpus // (request.cpus_per_task or 1)
        if request.overcommit:
            slots = _MANY if self.cpus or request.overlap else 0
        if request.tasks_per_node:
            slots = min(slots, request.tasks_per_node)
        if share.memory and not request.overlap:
            if request.memory_per_cpu and not request.overcommit:
                slots = min(slots, self.memory // (request.memory_per_cpu * (request.cpus_per_task or 1)))
            elif self.memory < _memory_of(request, share, share.cpus):
                slots = 0
        if request.gpus_per_task:
            slots = min(slots, len(self.gpus) // request.gpus_per_task)
        if request.gpus_per_node > len(self.gpus):
            slots = 0
        if any(self.gres.get(name, 0) < count for name, count in request.gres):
            slots = 0
        return slots


def _memory_of(request: StepRequest, share: Share, cpus: int) -> int:
    """The memory of a step on one node: what it asks for, else its part of what the job has."""
    if request.memory_per_node is not None:
        return request.memory_per_node
    if request.memory_per_cpu is not None:
        return request.memory_per_cpu * cpus
    return share.memory


def place_step(request: StepRequest, shares: Sequence[Share], holds: Mapping[str, Sequence[Held]]) -> Placed | None:
    """Find room for a step; None while other steps are in the way. Raises SlurmError for what can never be."""
    usable = _usable(request, shares)
    places = {share.node: position for position, share in enumerate(shares)}
    empty = [_room(request, share, places[share.node], ()) for share in usable]
    if _choose(request, empty) is None:
        raise _impossible(request, usable)
    rooms = [_room(request, share, places[share.node], holds.get(share.node, ())) for share in usable]
    chosen = _choose(request, rooms)
    return None if chosen is None else _place(request, chosen)


def _usable(request: StepRequest, shares: Sequence[Share]) -> list[Share]:
    """The nodes of the job that the step may use, the ones it names first."""
    names = {share.node for share in shares}
    if not set(request.nodelist) <= names:
        raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE)
    if request.asks_gpus and not any(share.gpus for share in shares):
        raise SlurmError(Errno.INVALID_GRES, _NO_GRES)
    for name, count in request.gres:
        if not any(dict(share.gres).get(name) for share in shares):
            raise SlurmError(Errno.INVALID_GRES, _NO_GRES)
        if all(dict(share.gres).get(name, 0) < count for share in shares):
            raise SlurmError(Errno.INVALID_GRES)
    usable = [share for share in shares[request.relative :] if share.node not in request.exclude]
    if request.nodelist and len(set(request.nodelist)) >= request.nodes_min and request.nodes_max is not None:
        usable = [share for share in usable if share.node in request.nodelist]
    usable.sort(key=lambda share: bool(request.nodelist) and share.node not in request.nodelist)
    if len(usable) < request.nodes_min:
        raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE)
    return usable


def _impossible(request: StepRequest, usable: Sequence[Share]) -> SlurmError:
    """Why the step would not even fit into an empty job."""
    for share in usable:
        asked = request.memory_per_node or request.memory_per_cpu or 0
        if share.memory and asked > share.memory and not request.overlap:
            return SlurmError(Errno.INVALID_TASK_MEMORY)
    gpus = sum(len(share.gpus) for share in usable)
    if max(request.gpus, request.gpus_per_node, request.gpus_per_task * request.ntasks) > gpus:
        return SlurmError(Errno.INVALID_GRES)
    if request.nodelist:
        return SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE)
    return SlurmError(Errno.TOO_MANY_REQUESTED_CPUS)


def _room(request: StepRequest, share: Share, position: int, holds: Sequence[Held]) -> _Room:
    if request.overlap:
        holds = ()
    taken = {gpu for held in holds for gpu in held.gpus}
    return _Room(
        share,
        position,
        share.cpus - sum(held.cpus for held in holds),
        share.memory - sum(held.memory for held in holds),
        [gpu for gpu in share.gpus if gpu not in taken],
        {name: count - sum(dict(held.gres).get(name, 0) for held in holds) for name, count in share.gres},
    )


def _choose(request: StepRequest, rooms: Sequence[_Room]) -> list[_Room] | None:
    """The first rooms that together hold the tasks within the node counts."""
    if request.distribution.startswith("arbitrary"):
        named = [room for room in rooms if room.share.node in request.nodelist]
        able = all(room.slots(request) >= request.nodelist.count(room.share.node) for room in named)
        return named if able else None
    chosen: list[_Room] = []
    tasks = gpus = 0
    most = request.nodes_max or len(rooms)
    for room in rooms:
        enough = tasks >= request.ntasks and gpus >= request.gpus and len(chosen) >= request.nodes_min
        if enough or len(chosen) >= most:
            break
        if slots := room.slots(request):
            chosen.append(room)
            tasks += slots
            gpus += len(room.gpus)
    if tasks < request.ntasks or len(chosen) < request.nodes_min or gpus < request.gpus:
        return None
    return chosen


def _place(request: StepRequest, chosen: list[_Room]) -> Placed:
    rooms = sorted(chosen, key=lambda room: room.position)
    ranks = _ranks(request, rooms)
    gpus_left = request.gpus
    nodes, held, memory = [], [], 0
    for room, own in zip(rooms, ranks, strict=True):
        share = room.share
        cpus = min(share.cpus, max(1, len(own) * (request.cpus_per_task or 1))) if request.exact else share.cpus
        gpus = _gpus(request, room, len(own), gpus_left)
        gpus_left -= len(gpus)
        per_task = request.gpus_per_task
        task_gpus = tuple(gpus[at * per_task : (at + 1) * per_task] for at in range(len(own))) if per_task else ()
        nodes.append(StepNode(share.node, own, cpus, gpus, task_gpus))
        mine = _memory_of(request, share, cpus)
        memory += mine
        if not request.overlap:
            counted = min(mine, share.memory)
            held.append(Held(share.node, cpus, counted, gpus if request.asks_gpus else (), request.gres))
    return Placed(tuple(nodes), tuple(held), memory)


def _ranks(request: StepRequest, rooms: Sequence[_Room]) -> Ranks:
    if request.distribution.startswith("arbitrary"):
        return arbitrary(request.nodelist, [room.share.node for room in rooms])
    return distribute(request.ntasks, [room.slots(request) for room in rooms], request.distribution, request.plane)


def _gpus(request: StepRequest, room: _Room, tasks: int, left: int) -> tuple[int, ...]:
    """The step's GPUs on one node: those it asked for, else all that the job has there."""
    if request.no_gres:
        return ()
    if not request.asks_gpus:
        return room.share.gpus
    wanted = request.gpus_per_node or request.gpus_per_task * tasks or left
    return tuple(room.gpus[:wanted])
