"""Placing a job: which nodes, and what of each. Pure: rooms in, shares out.

Follows what select/cons_tres does by default: the first nodes in order that will do, as few as possible, tasks packed
onto the first of them with at least one for each (``-N3 -n6`` on eight-CPU nodes: 4, 1, 1).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from shim.executor.base import NodeState
from shim.grammar.constraint import Constraint, Feature, Joined, parse_constraint
from shim.job.errors import Errno, SlurmError
from shim.job.record import Share
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node, Room

_MANY = 1 << 30


@lru_cache(maxsize=1024)
def _matches(constraint: str, features: tuple[str, ...]) -> bool:
    return parse_constraint(constraint).matches(frozenset(features))


def features_named(constraint: Constraint) -> frozenset[str]:
    """All features that a constraint speaks of."""
    if isinstance(constraint, Feature):
        return frozenset({constraint.name})
    parts = constraint.operands if isinstance(constraint, Joined) else constraint.choices
    return frozenset().union(*map(features_named, parts))


def candidates(need: Need, nodes: Iterable[Node]) -> list[Node]:
    """The nodes that the job accepts by name, features and disk, the ones it names first."""
    excluded = set(need.exclude)
    fit = [
        node
        for node in nodes
        if node.name not in excluded
        and (not need.constraint or _matches(need.constraint, node.base.features))
        and node.base.tmp_disk >= need.tmp_disk
    ]
    if need.nodelist:
        fit.sort(key=lambda node: node.name not in need.nodelist)
    return fit


def _free_gpus(need: Need, room: Room) -> list[int]:
    types, wanted = room.node.gpu_types, need.gpu_type.split("|")
    return [gpu for gpu in room.gpus if not need.gpu_type or types[gpu] in wanted]


def task_capacity(need: Need, room: Room) -> int:
    """How many tasks of the job the room can hold; 0 where it cannot be part of the job."""
    node = room.node
    if need.exclusive and room.cpus < node.base.cpus:
        return 0
    if room.cpus < 1 or room.cpus < need.node_cpus:
        return 0
    tasks = _MANY if need.overcommit else room.cpus // need.cpus_per_task
    if need.tasks_per_node:
        tasks = min(tasks, need.tasks_per_node)
    if need.whole_memory:
        if room.memory < node.base.memory:
            return 0
    elif need.memory_per_node > room.memory:
        return 0
    elif need.memory_per_cpu:
        fitting = room.memory // need.memory_per_cpu
        if fitting < (need.node_cpus or 1):
            return 0
        if not need.overcommit:
            tasks = min(tasks, fitting // need.cpus_per_task)
    if need.gpus_per_node or need.gpus_per_task or need.gpus:
        free = len(_free_gpus(need, room))
        if free < need.gpus_per_node or not free:
            return 0
        if need.gpus_per_task:
            tasks = min(tasks, free // need.gpus_per_task)
        if need.memory_per_gpu and room.memory < need.memory_per_gpu * max(1, need.gpus_per_node):
            return 0
        if need.cpus_per_gpu and room.cpus < need.cpus_per_gpu * max(1, need.gpus_per_node):
            return 0
    if any(room.gres.get(name, 0) < count for name, count in need.gres):
        return 0
    return tasks


def place(need: Need, rooms: Sequence[Room]) -> tuple[Share, ...] | None:
    """Choose rooms for the job; None where it does not fit now. ``rooms`` come from ``candidates`` in their order."""
    fleets = list(dict.fromkeys(room.node.base.fleet for room in rooms))
    if len(fleets) < 2:
        return _place(need, rooms)
    anywhere = _place(need, rooms)
    if anywhere is None or len(anywhere) == 1:
        return anywhere
    return next(
        filter(None, (_place(need, [room for room in rooms if room.node.base.fleet == fleet]) for fleet in fleets)),
        None,
    )


def _place(need: Need, rooms: Sequence[Room]) -> tuple[Share, ...] | None:
    able = [(room, tasks) for room in rooms if (tasks := task_capacity(need, room))]
    if need.nodelist and not set(need.nodelist) <= {room.node.name for room, _ in able}:
        return None
    chosen = _choose(need, able) or _choose(
        need, sorted(able, key=lambda pair: (bool(need.nodelist) and pair[0].node.name not in need.nodelist, -pair[1]))
    )
    return _shares(need, chosen) if chosen else None


def _choose(need: Need, able: list[tuple[Room, int]]) -> list[tuple[Room, int]] | None:
    """The first rooms that together hold all tasks and GPUs within the node counts."""
    most = need.nodes_max or _MANY
    wanted_tasks = need.ntasks or 0
    chosen: list[tuple[Room, int]] = []
    tasks = gpus = 0
    for room, capacity in able:
        enough = tasks >= wanted_tasks and gpus >= need.gpus and len(chosen) >= need.nodes_min
        # A range of node counts is filled to its upper end where that costs nothing, unless asked otherwise.
        stretch = need.nodes_max and not need.fewest_nodes and len(chosen) < min(most, need.ntasks or most)
        if len(chosen) >= most or (enough and not stretch):
            break
        chosen.append((room, capacity))
        tasks += capacity
        gpus += len(_free_gpus(need, room)) if need.gpus else 0
    if len(chosen) < need.nodes_min or tasks < wanted_tasks or gpus < need.gpus:
        return None
    return chosen


def _shares(need: Need, chosen: list[tuple[Room, int]]) -> tuple[Share, ...] | None:
    if need.ntasks is not None:
        left = need.ntasks
    else:
        left = sum(min(need.tasks_per_node or 1, capacity) for _, capacity in chosen)
    gpus_left = need.gpus
    shares = []
    for position, (room, capacity) in enumerate(chosen):
        others = len(chosen) - position - 1
        tasks = min(capacity, max(1, left - others))
        left -= tasks
        free = _free_gpus(need, room)
        count = need.gpus_per_node or need.gpus_per_task * tasks
        if need.gpus:
            count = min(len(free), max(0, gpus_left - others))
            gpus_left -= count
        share = _share(need, room, tasks, tuple(free[:count]))
        if share is None:
            return None
        shares.append(share)
    return tuple(shares)


def _share(need: Need, room: Room, tasks: int, gpus: tuple[int, ...]) -> Share | None:
    base = room.node.base
    cpus = tasks * need.cpus_per_task
    if need.overcommit:
        cpus = min(cpus, max(1, need.node_cpus), room.cpus)
    cpus = max(cpus, need.node_cpus, len(gpus) * need.cpus_per_gpu)
    if need.exclusive:
        cpus = base.cpus
    if need.whole_memory:
        memory = base.memory
    elif need.memory_per_gpu:
        memory = need.memory_per_gpu * len(gpus)
    else:
        memory = need.memory_per_node or need.memory_per_cpu * cpus
    gres = need.gres
    if base.blocks:
        cpus = _whole_blocks(base, cpus, memory, len(gpus))
    elif need.exclusive:  # all that is there, asked for or not, but for the memory
        gpus, gres = tuple(room.gpus), tuple(sorted(room.gres.items()))
    if cpus > room.cpus or memory > room.memory:
        return None
    kind = room.node.gpu_types[gpus[0]] if gpus else ""
    return Share(base.name, cpus, memory, gpus, kind, tasks, gres)


def _whole_blocks(base: NodeState, cpus: int, memory: int, gpus: int) -> int:
    """The CPUs of the fewest blocks of a node that hold so much of everything."""
    parts = ((cpus, base.cpus), (memory, base.memory), (gpus, base.gpus))
    blocks = max(-(-wanted * base.blocks // total) for wanted, total in parts if wanted)
    return blocks * base.cpus // base.blocks


def check_possible(need: Need, nodes: Sequence[Node]) -> None:
    """Refuse what no set of these nodes could ever run, in slurmctld's words.

    Too many nodes or tasks over all are no error here: such a job waits with a reason (see limits). Raises SlurmError.
    """
    unavailable = Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE
    notes = []
    if max((node.base.cpus for node in nodes), default=0) < need.cpus_per_node:
        notes.append("CPU count per node can not be satisfied")
    memory = max(need.memory_per_node, need.memory_per_cpu * need.cpus_per_node)
    if max((node.base.memory for node in nodes), default=0) < memory:
        notes.append("Memory specification can not be satisfied")
    if max((node.base.tmp_disk for node in nodes), default=0) < need.tmp_disk:
        notes.append("Temporary disk specification can not be satisfied")
    if notes:
        raise SlurmError(unavailable, *notes[:1])
    fit = candidates(need, nodes)
    if not fit:
        raise SlurmError(unavailable)
    if exceeds_partition(need, nodes):
        return
    if place(need, [node.whole() for node in fit]) is None:
        raise SlurmError(unavailable)


def exceeds_partition(need: Need, nodes: Sequence[Node]) -> bool:
    """True where the job asks for more nodes or CPUs than the partition has over all."""
    total = sum(node.base.cpus for node in nodes)
    if need.nodes_min > len(nodes):
        return True
    return not need.overcommit and need.least_tasks * need.cpus_per_task > total
