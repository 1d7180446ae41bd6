"""How the tasks of a step lie on its nodes (srun man page, --distribution)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

Ranks = tuple[tuple[int, ...], ...]
"""The global ranks of the tasks on each node, in the order of their local ids."""


@dataclass(frozen=True, slots=True)
class StepNode:
    """What a step has on one of its nodes; ``gpus`` are device indices, ``task_gpus`` those of each task if bound."""

    name: str
    ranks: tuple[int, ...]
    cpus: int
    gpus: tuple[int, ...] = ()
    task_gpus: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StepLayout:
    """A step as it is laid out over its nodes; ``distribution`` as it was asked for."""

    step_id: str
    nodes: tuple[StepNode, ...]
    distribution: str = ""
    plane: int = 0
    cpus_per_task: int | None = None
    labelled: bool = False
    launch_address: str = "127.0.0.1"
    launch_port: int = 0
    umask: int = 0o022

    @property
    def ntasks(self) -> int:
        """Tasks of the step on all nodes."""
        return sum(len(node.ranks) for node in self.nodes)


def joined(layouts: Sequence[StepLayout]) -> StepLayout:
    """The steps of several components as the one step that their tasks see: ranks and nodes are counted through."""
    nodes: list[StepNode] = []
    offset = 0
    for layout in layouts:
        nodes += [replace(node, ranks=tuple(offset + rank for rank in node.ranks)) for node in layout.nodes]
        offset += layout.ntasks
    return replace(layouts[0], nodes=tuple(nodes))


def distribute(ntasks: int, slots: Sequence[int], distribution: str = "", plane: int = 0) -> Ranks:
    """Spread tasks over nodes with room for ``slots`` tasks each; what does not fit is spread over all in turn."""
    if plane:
        return _planes(ntasks, slots, plane)
    counts = _packed(ntasks, slots) if distribution.endswith(",pack") else _even(ntasks, slots)
    if distribution.split(":")[0].split(",")[0] == "cyclic":
        return _in_turn(counts)
    starts = [sum(counts[:index]) for index in range(len(counts))]
    return tuple(tuple(range(start, start + count)) for start, count in zip(starts, counts, strict=True))


def arbitrary(hosts: Sequence[str], names: Sequence[str]) -> Ranks:
    """Task i on ``hosts[i]``; the nodes in the order of ``names``."""
    return tuple(tuple(rank for rank, host in enumerate(hosts) if host == name) for name in names)


def _even(ntasks: int, slots: Sequence[int]) -> list[int]:
    """A task on each node in turn while there is room, so that tasks of a block on unequal nodes are spread evenly."""
    counts = [0] * len(slots)
    while ntasks:
        open_nodes = [index for index, room in enumerate(slots) if counts[index] < room] or list(range(len(slots)))
        for index in open_nodes[:ntasks]:
            counts[index] += 1
            ntasks -= 1
    return counts


def _packed(ntasks: int, slots: Sequence[int]) -> list[int]:
    """One task on each node, then all the others on the first nodes that hold them."""
    counts = _even(min(ntasks, len(slots)), slots)
    left = ntasks - sum(counts)
    for index, room in enumerate(slots):
        more = min(left, max(0, room - counts[index]))
        counts[index] += more
        left -= more
    if left:
        counts = [count + more for count, more in zip(counts, _even(left, [0] * len(slots)), strict=True)]
    return counts


def _in_turn(counts: Sequence[int]) -> Ranks:
    ranks: list[list[int]] = [[] for _ in counts]
    rank, total = 0, sum(counts)
    while rank < total:
        for own, count in zip(ranks, counts, strict=True):
            if len(own) < count:
                own.append(rank)
                rank += 1
    return tuple(map(tuple, ranks))


def _planes(ntasks: int, slots: Sequence[int], plane: int) -> Ranks:
    """Blocks of ``plane`` tasks on each node in turn while there is room."""
    ranks: list[list[int]] = [[] for _ in slots]
    rank = 0
    while rank < ntasks:
        before = rank
        for own, room in zip(ranks, slots, strict=True):
            count = max(0, min(plane, ntasks - rank, room - len(own)))
            own.extend(range(rank, rank + count))
            rank += count
        if rank == before:  # all are full
            slots = [ntasks] * len(slots)
    return tuple(map(tuple, ranks))
