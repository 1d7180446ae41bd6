"""Allocations of salloc and srun: jobs without a batch script, which last as long as the client that owns them."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from shim.controller import finish
from shim.controller.laststeps import GRACE
from shim.controller.steps import kill_step
from shim.executor.base import Ended
from shim.job.record import Job

if TYPE_CHECKING:
    from shim.controller.queue import Queue

Tell = Callable[[bytes, bytes], None]

NOTE = b"N"
"""The frame with a line that a client prints (see shim.guest.session)."""

_MARGIN = 2.0
"""Seconds that a client has, after SIGKILL was due, to end the tasks of its step itself."""


class Allocations:
    """The running allocations of one queue and who owns them."""

    def __init__(self, queue: "Queue") -> None:
        self.queue = queue
        self._owners: dict[int, Tell] = {}

    def own(self, job: Job, tell: Tell, *, by_step: bool = False) -> None:
        """This client holds, or waits for, the allocation: it is told when that ends from elsewhere, unless the client
        learns that ``by_step``.
        """
        self._owners[job.job_id] = (lambda *frame: tell(*frame) if frame[0] == NOTE else None) if by_step else tell

    def notify(self, job: Job, text: str) -> None:
        """scontrol notify: the client prints a line."""
        if tell := self._owners.get(job.job_id):
            tell(NOTE, text.encode(errors="surrogateescape"))

    def over(self, job: Job) -> None:
        """There is nothing left to own."""
        self._owners.pop(job.job_id, None)

    def stop(self, job: Job, why: str) -> None:
        """End an allocation: its clients are told, its steps end, then the job is over."""
        self.queue.step_table.abort(job, why)
        if tell := self._owners.pop(job.job_id, None):
            tell(b"A", why.encode())
        if self.queue.step_table.of(job.job_id):
            self.queue.loop.call_later(self.queue.config.kill_wait + _MARGIN, self._force, job, job.restarts)
        else:
            self._conclude(job, 0)

    def step_over(self, job: Job) -> None:
        """A step has ended: was it the last of an allocation that is to end?"""
        if job.ending and job.state.active and not job.request.batch and not self.queue.step_table.of(job.job_id):
            self._conclude(job, 0)

    def release(self, job: Job, status: int) -> None:
        """The owner needs the allocation no more; ``status`` as wait() reports it."""
        self._owners.pop(job.job_id, None)
        if job.state.active and not job.ending:
            self._conclude(job, status)

    def desert(self, job: Job) -> None:
        """The owner has gone without a word."""
        self._owners.pop(job.job_id, None)
        if not job.state.finished:
            self.queue.cancel(job, user_id=self.queue.user_id)

    def recover(self) -> None:
        """After a start: go on ending what was being ended, and cancel what no client comes back for."""
        for job in [job for job in self.queue.jobs.values() if not job.request.batch and not job.state.finished]:
            if job.ending:
                self.stop(job, "")
            elif not job.request.extra.get("no_shell"):
                self.queue.loop.call_later(GRACE, self._expect_owner, job)

    def _expect_owner(self, job: Job) -> None:
        if job.job_id not in self._owners and not job.state.finished:
            self.desert(job)

    def _force(self, job: Job, restarts: int) -> None:
        if job.state.active and job.ending and job.restarts == restarts:
            for step in list(self.queue.step_table.of(job.job_id)):
                kill_step(step)
                self.queue.step_table.abandon(step)

    def lose(self, jobs: Iterable[Job]) -> None:
        """The engine says that these are over: who still owns one is told."""
        for job in jobs:
            if tell := self._owners.pop(job.job_id, None):
                tell(b"A", b"")

    def _conclude(self, job: Job, status: int) -> None:
        now, executor = self.queue.now(), self.queue.executor_of(job)
        finish.run_over(self.queue, Ended(job.job_id, job.restarts, status, job.start_time, now))
        self.queue.after_commit(lambda: executor.release(job))
