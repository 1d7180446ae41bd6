"""Nodes as the scheduler sees them: what each has, and what is free of it."""

from dataclasses import dataclass, field
from functools import cached_property

from shim.executor.base import NodeState
from shim.grammar.tres import parse_gres
from shim.job.record import Share


@dataclass(slots=True)
class Room:
    """What one node has free at some moment. Memory in MB; gpus are free device indices."""

    node: "Node"
    cpus: int
    memory: int
    gpus: tuple[int, ...]
    gres: dict[str, int]

    def copy(self) -> "Room":
        """The same room, to try things out on."""
        return Room(self.node, self.cpus, self.memory, self.gpus, dict(self.gres) if self.gres else self.gres)

    def narrow(self, other: "Room") -> None:
        """Keep what is free here and in the other room, of the same node at another time."""
        self.cpus, self.memory = min(self.cpus, other.cpus), min(self.memory, other.memory)
        if self.gpus:
            self.gpus = tuple(gpu for gpu in self.gpus if gpu in other.gpus)
        for name in self.gres:
            self.gres[name] = min(self.gres[name], other.gres.get(name, 0))

    def take(self, share: Share) -> None:
        """Make the room smaller by what a job takes."""
        self.cpus -= share.cpus
        self.memory -= share.memory
        if share.gpus:
            self.gpus = tuple(gpu for gpu in self.gpus if gpu not in share.gpus)
        for name, count in share.gres:
            self.gres[name] -= count

    def give(self, share: Share) -> None:
        """Make the room larger by what a job leaves."""
        self.cpus += share.cpus
        self.memory += share.memory
        if share.gpus:
            self.gpus = tuple(sorted({*self.gpus, *share.gpus}))
        for name, count in share.gres:
            self.gres[name] = self.gres.get(name, 0) + count


@dataclass
class Node:
    """A node: its size, its state, and the room that is left on it."""

    base: NodeState
    executor: str
    partitions: tuple[str, ...] = ()
    drained: str = ""  # DRAIN or DOWN by an administrator, "" otherwise
    drain_reason: str = ""
    drain_time: float = 0
    room: Room = field(init=False)
    jobs: int = 0  # how many jobs hold a share of it

    def __post_init__(self) -> None:
        self.room = self.whole()
        self.room.cpus -= self.base.taken_cpus

    @property
    def name(self) -> str:
        """The node's name."""
        return self.base.name

    @cached_property
    def gpu_types(self) -> tuple[str, ...]:
        """The type of each GPU by its index ("" where the configuration names none)."""
        types: list[str] = []
        for gres in parse_gres(self.base.gres) if self.base.gres else ():
            if gres.name == "gpu":
                types += [gres.type or ""] * gres.count
        return tuple(types) or (self.base.gpu_type,) * self.base.gpus

    @cached_property
    def gres(self) -> dict[str, int]:
        """Generic resources other than GPUs."""
        counts: dict[str, int] = {}
        for gres in parse_gres(self.base.gres) if self.base.gres else ():
            if gres.name != "gpu":
                counts[gres.name] = counts.get(gres.name, 0) + gres.count
        return counts

    @property
    def usable(self) -> bool:
        """True while new jobs may be placed here."""
        return not self.drained and self.base.state == "IDLE"

    def whole(self) -> Room:
        """The room of the empty node."""
        return Room(self, self.base.cpus, self.base.memory, tuple(range(len(self.gpu_types))), dict(self.gres))

    def copy_room(self) -> Room:
        """The free room, to try things out on."""
        return self.room.copy()

    def allocate(self, share: Share) -> None:
        """A job takes its share."""
        self.room.take(share)
        self.jobs += 1

    def release(self, share: Share) -> None:
        """A job leaves."""
        self.room.give(share)
        self.jobs -= 1

    @property
    def alloc_cpus(self) -> int:
        """CPUs that jobs hold."""
        return self.base.cpus - self.room.cpus

    @property
    def alloc_memory(self) -> int:
        """MB that jobs hold."""
        return self.base.memory - self.room.memory

    @property
    def state(self) -> str:
        """IDLE, MIXED, ALLOCATED, or DOWN; with +DRAIN where an administrator drains it."""
        if self.drained == "DOWN" or self.base.state == "DOWN":
            return "DOWN"
        state = "IDLE" if not self.jobs else "ALLOCATED" if self.room.cpus <= 0 else "MIXED"
        return state + "+DRAIN" if self.drained else state
