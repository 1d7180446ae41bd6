"""The arrays of the queue: which record stands for which task."""

from dataclasses import dataclass, field
from functools import cached_property

from shim.grammar.array import IndexSet, parse_array
from shim.job.record import ArrayInfo, Job
from shim.job.states import State
from shim.scheduler.dependencies import WAITING, Parent

_NONE = IndexSet()


@dataclass
class Array:
    """All that is known of one array while any of its records is in memory."""

    info: ArrayInfo
    spec: str  # as submitted: which indices it had
    rest: Job | None = None  # the record of the tasks that have none of their own: they wait, or were cancelled so
    tasks: dict[int, Job] = field(default_factory=dict)  # records of single tasks, finished ones included
    unfinished: int = 0  # of ``tasks``
    running: int = 0  # tasks that hold resources: what the throttle counts
    lost: bool = False  # a task ended badly and its record is gone, or was cancelled while it waited

    @cached_property
    def indices(self) -> IndexSet:
        """All task indices the array was submitted with."""
        return parse_array(self.spec).indices

    @property
    def finished(self) -> bool:
        """True when no task waits or runs."""
        return not self.unfinished and not self.waiting

    @property
    def waiting(self) -> IndexSet:
        """The pending tasks that have no record of their own."""
        rest = self.rest
        return rest.tasks if rest is not None and rest.tasks is not None and rest.pending else _NONE

    def records(self) -> list[Job]:
        """The record of the rest first, then the tasks' own, as scontrol shows them."""
        own = sorted(self.tasks.values(), key=lambda job: -job.job_id)
        return [self.rest, *own] if self.rest else own

    def whole(self) -> Parent:
        """The array as the parent of a dependency: decided when all its tasks have ended.

        Asked at each start and end of a task, so the tasks are gone through only when that decides something.
        """
        if self.waiting:
            return WAITING
        finished = self.finished
        started = self.running == self.unfinished
        return Parent(
            started=started,
            finished=finished,
            ok=finished and not self.lost and all(job.state is State.COMPLETED for job in self.tasks.values()),
            start_time=max((job.start_time for job in self.tasks.values()), default=0) if started else 0,
        )

    def task(self, index: int) -> Parent | None:
        """One task as a parent; None for an index the array never had, or that was cancelled while it waited.

        Of those Slurm keeps no record either: a dependency on one is fulfilled as on any job that nobody knows.
        """
        if index in self.tasks:
            return Parent.of(self.tasks[index])
        if index in self.waiting:
            return WAITING
        return None
