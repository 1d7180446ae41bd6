"""The waiting line: the jobs that wait for nothing but resources, in the order in which they may have them."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from shim.controller import cancel
from shim.job.record import Job
from shim.job.states import HOLDS, Reason

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_WAITED_FOR_ELSE = (Reason.HELD_USER, Reason.HELD_ADMIN, Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.DEP_NEVER)


class Line:
    """The waiting line of a queue."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.ready: list[tuple[int, int, int, Job]] = []  # by rank
        self.unjudged: set[Job] = set()  # ready, but no pass of the scheduler has come to them yet

    def place(self, job: Job) -> None:
        """Put a waiting job where it belongs now: in the line, or on what it waits for, with the reason."""
        self.leave(job)
        if not job.pending:
            return
        queue, now = self.queue, self.queue.now()
        self._watch_deadline(job)
        if job.held and job.reason not in HOLDS:
            job.reason = Reason.HELD_USER
        if job.het_job_offset:
            self.place(queue.components(job)[0])  # it starts with the first component
        if job.held or (job.waits and queue.dependencies.blocks(job)) or job.het_job_offset:
            return
        begin = max(job.request.begin, job.eligible_time if job.restarts else 0)
        if begin > now:
            job.reason = Reason.BEGIN_TIME
            queue.at(job, begin, lambda: self.place(job))
            return
        if self._waits_for_components(job):
            return
        if job.reason in _WAITED_FOR_ELSE:
            job.reason = Reason.NONE
        if not job.accrue_time:
            for part in queue.components(job):
                part.eligible_time = part.accrue_time = now
                queue.journal.note(part)
        insort(self.ready, (*self._rank(job), job))
        self.unjudged.add(job)
        queue.wake()

    def _waits_for_components(self, job: Job) -> bool:
        """True while a component of a heterogeneous job is held: as in Slurm the others lack its resources."""
        parts = self.queue.components(job)
        if not any(part.held for part in parts):
            return False
        for part in parts:
            if not part.held and part.reason != Reason.RESOURCES:
                part.reason = Reason.RESOURCES
                self.queue.changed(part)
        return True

    def leave(self, job: Job) -> None:
        """The job waits for resources no more. Must come before its priority or partition changes."""
        at = bisect_left(self.ready, self._rank(job))
        if at < len(self.ready) and self.ready[at][-1] is job:
            del self.ready[at]
        self.unjudged.discard(job)

    def take_all(self) -> list[Job]:
        """Empty the line, for partitions that are about to change their tiers."""
        waiting = [entry[-1] for entry in self.ready]
        self.ready.clear()
        return waiting

    def _rank(self, job: Job) -> tuple[int, int, int]:
        """What the line is sorted by: the tier of a job's partition, its priority, its id."""
        partitions = self.queue.partitions
        tiers = [found.priority_tier for name in job.partition.split(",") if (found := partitions.get(name))]
        return -max(tiers, default=0), -job.priority, job.job_id

    def _watch_deadline(self, job: Job) -> None:
        """End a job that still waits at its --deadline."""
        if job.request.deadline:
            self.queue.at(job, job.request.deadline, lambda: cancel.miss_deadline(self.queue, job), "deadline")
