"""A node as sinfo and scontrol show it: its state in Slurm's words, what is allocated of it, what it is made of."""

import os
import platform
import time
from dataclasses import dataclass
from functools import cached_property, lru_cache

from shim.commands.display.tres import Tres, gres_of
from shim.grammar.indexset import IndexSet
from shim.scheduler.nodes import Node

_LONG = {"ALLOCATED": "allocated", "MIXED": "mixed", "IDLE": "idle", "DOWN": "down", "UNKNOWN": "unknown"}
_COMPACT = {"ALLOCATED": "alloc", "MIXED": "mix", "IDLE": "idle", "DOWN": "down", "UNKNOWN": "unk"}

# Slurm's node states as numbers, flags above the base state: what sinfo sorts by (slurm.h, enum node_states).
_BASE_NUMBER = {"UNKNOWN": 0, "DOWN": 1, "IDLE": 2, "ALLOCATED": 3, "MIXED": 5}
_DRAIN_FLAG = 0x200
_NO_RESPOND_FLAG = 0x800


@dataclass(frozen=True)
class NodeView:
    """One node at one moment."""

    node: Node

    # -- state ---------------------------------------------------------------------------------------------------------

    @cached_property
    def base(self) -> str:
        """IDLE, MIXED, ALLOCATED, DOWN or UNKNOWN."""
        state = self.node.state.partition("+")[0]
        return state if state in _BASE_NUMBER else "UNKNOWN"

    @property
    def draining(self) -> bool:
        """True where an administrator lets no more jobs come."""
        return self.node.drained == "DRAIN" or self.node.base.state == "DRAIN"

    @property
    def responding(self) -> bool:
        """False for a node that its executor has lost."""
        return self.node.base.state not in {"DOWN", "UNKNOWN"}

    @property
    def number(self) -> int:
        """The state as a number, to sort by."""
        flags = _DRAIN_FLAG * self.draining + _NO_RESPOND_FLAG * (not self.responding)
        return _BASE_NUMBER[self.base] + flags

    @property
    def state(self) -> str:
        """As scontrol writes it: ``MIXED+DRAIN``."""
        flags = "+DRAIN" * self.draining + "+NOT_RESPONDING" * (not self.responding)
        return self.base + flags

    @property
    def long_state(self) -> str:
        """As ``sinfo -o %T`` writes it: ``draining``, ``down*``."""
        if self.draining and self.base != "UNKNOWN":
            word = "draining" if self.base in {"ALLOCATED", "MIXED"} else "drained"
        else:
            word = _LONG[self.base]
        return word + "*" * (not self.responding)

    @property
    def compact_state(self) -> str:
        """As ``sinfo -o %t`` writes it: ``drng``, ``down*``."""
        if self.draining and self.base != "UNKNOWN":
            word = "drng" if self.base in {"ALLOCATED", "MIXED"} else "drain"
        else:
            word = _COMPACT[self.base]
        return word + "*" * (not self.responding)

    @property
    def unavailable(self) -> bool:
        """True for a node that takes no jobs: down or drained, or lost."""
        return self.base in {"DOWN", "UNKNOWN"} or self.draining or not self.responding

    @property
    def reason(self) -> str:
        """Why it takes no jobs."""
        return (self.node.drain_reason if self.node.drained else "") or self.node.base.reason

    # -- what it has and what is taken ---------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.base.name

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self.node.base.address or self.name

    @property
    def host_name(self) -> str:
        """What its host calls itself."""
        return self.node.base.host_name or self.name

    @property
    def other_cpus(self) -> int:
        """CPUs that are neither allocated nor idle."""
        return self.node.base.cpus - self.node.alloc_cpus if self.unavailable else 0

    @property
    def idle_cpus(self) -> int:
        """CPUs that jobs may have."""
        return self.node.base.cpus - self.node.alloc_cpus - self.other_cpus

    @property
    def gres(self) -> str:
        """Generic resources as configured; empty: none."""
        base = self.node.base
        if base.gres or not base.gpus:
            return base.gres
        return f"gpu:{base.gpu_type}:{base.gpus}" if base.gpu_type else f"gpu:{base.gpus}"

    @cached_property
    def gres_used(self) -> str:
        """Generic resources that jobs hold: ``gpu:a100:2(IDX:0-1)``."""
        types = self.node.gpu_types
        taken = set(range(len(types))) - set(self.node.room.gpus)
        words = []
        for kind in dict.fromkeys(types):
            of_kind = [index for index in sorted(taken) if types[index] == kind]
            indices = IndexSet.from_iterable(of_kind).display(0) if of_kind else "N/A"
            words.append(f"gpu{f':{kind}' if kind else ''}:{len(of_kind)}(IDX:{indices})")
        words += [f"{name}:{count - self.node.room.gres.get(name, 0)}" for name, count in self.node.gres.items()]
        return ",".join(words) or "gpu:0"

    @property
    def tres(self) -> Tres:
        """All that it has."""
        base = self.node.base
        return Tres(base.cpus, base.memory, 0, base.cpus, gres_of(self.node.gpu_types, self.node.gres.items()))

    @property
    def tres_used(self) -> Tres:
        """All that jobs hold."""
        node = self.node
        free = set(node.room.gpus)
        types = [kind for index, kind in enumerate(node.gpu_types) if index not in free]
        others = {name: count - node.room.gres.get(name, 0) for name, count in node.gres.items()}
        return Tres(node.alloc_cpus, node.alloc_memory, 0, 0, gres_of(types, others.items()))

    # -- the machine ---------------------------------------------------------------------------------------------------

    @property
    def local(self) -> bool:
        """True for nodes that are this machine."""
        return self.node.executor == "local"

    @property
    def load(self) -> float | None:
        """Load average; None: nobody knows."""
        return os.getloadavg()[0] if self.local else None

    @property
    def free_memory(self) -> int | None:
        """MB that the machine has free; None: nobody knows."""
        return _free_memory() if self.local else None

    @property
    def boot_time(self) -> float:
        """When the machine was started; 0: nobody knows."""
        return _boot_time() if self.local else 0


def architecture() -> str:
    """The processor of this machine, as uname(1) calls it."""
    return platform.machine()


def operating_system() -> str:
    """The kernel of this machine in Slurm's form."""
    uname = os.uname()
    return f"{uname.sysname} {uname.release} {uname.version}"


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2


@lru_cache(maxsize=1)
def _boot_time() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
