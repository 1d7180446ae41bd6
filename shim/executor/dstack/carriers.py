"""Which job is in which run of dstack: a run carries one job, or as a worker one job after another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shim.executor.base import Launch
from shim.executor.dstack.output import Output
from shim.job.record import Job


@dataclass(slots=True, eq=False)
class Task:
    """One run of one job, from the controller's order to its end."""

    launch: Launch
    directory: Path
    carrier: "Carrier"
    seen_start: float = 0  # when its start was seen, 0 before
    requests: int = 0  # asked of its guest so far
    output: Output | None = None  # where no files are shared
    ending: bool = False
    lost_looks: int = 0  # looks at a carrier that is over without a record of the task
    heartbeat: float = 0  # of its guest when it was looked at last
    alive: float = 0  # when that was another one than before, by the monotonic clock
    when_over: set[Callable[[], None]] = field(default_factory=set)  # who else is to know

    @property
    def job(self) -> Job:
        """The job."""
        return self.launch.job


@dataclass(slots=True, eq=False)
class Carrier:
    """One run of dstack, submitted or about to be."""

    name: str
    blocks: Mapping[str, int]  # of each node, in the order of the ranks
    jobs: tuple[Job, ...]  # the one it was made for, or all components of a heterogeneous one
    worker: Path | None = None  # the directory of its queue
    kind: tuple[object, ...] = ()  # jobs of the same kind may follow each other in a worker
    run_id: str = ""  # "" until dstack has it
    task: Task | None = None
    stopping: bool = False  # takes no further job
    unwanted: bool = False  # dstack is to stop it
    named: bool = False  # the nodes of a run on several know their names
    attempts: int = 0

    @property
    def job(self) -> Job:
        """The job it was made for; of a heterogeneous one the first component."""
        return self.jobs[0]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes it is planned on, in the order of the ranks."""
        return tuple(self.blocks)

    @property
    def idle(self) -> bool:
        """True for a worker that has nothing to do and has not been told to end."""
        return self.worker is not None and self.task is None and not self.stopping


@dataclass(slots=True)
class Carriers:
    """All carriers that dstack has or is to get, by name."""

    by_name: dict[str, Carrier] = field(default_factory=dict)
    waiting: list[Carrier] = field(default_factory=list)  # not submitted yet, in order

    def held_blocks(self) -> dict[str, int]:
        """Blocks of each node that submitted runs hold."""
        held: dict[str, int] = {}
        for carrier in self.by_name.values():
            if carrier.run_id:
                for node, blocks in carrier.blocks.items():
                    held[node] = held.get(node, 0) + blocks
        return held

    def idle_worker(self, kind: tuple[object, ...]) -> Carrier | None:
        """A worker that can take a job of this kind at once."""
        return next((one for one in self.by_name.values() if one.idle and one.kind == kind), None)

    def idle_on(self, node: str) -> list[Carrier]:
        """Workers that hold a part of a node for nothing."""
        return [one for one in self.by_name.values() if one.idle and node in one.nodes]

    def add(self, carrier: Carrier) -> None:
        """A carrier that waits to be submitted."""
        self.by_name[carrier.name] = carrier
        self.waiting.append(carrier)

    def remove(self, carrier: Carrier) -> None:
        """A carrier that is over, or will not be submitted."""
        if self.by_name.get(carrier.name) is carrier:
            del self.by_name[carrier.name]
        if carrier in self.waiting:
            self.waiting.remove(carrier)
