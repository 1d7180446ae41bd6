"""Jobs that are over: who waited for that is told, and after a while they are forgotten (slurm.conf, MinJobAge)."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from shim.controller.journal import RETRY_COMMIT
from shim.job.errors import SlurmError
from shim.job.record import Job

if TYPE_CHECKING:
    from shim.controller.queue import Queue


class Endings:
    """The jobs of a queue that have ended."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._waiters: dict[int, list[asyncio.Future[None]]] = {}
        self._to_forget: deque[tuple[float, Job]] = deque()

    async def wait(self, job_id: int) -> None:
        """Return when the job, or all tasks of the array, are over (and that is durable)."""
        while not self._is_over(job_id):
            future = self.queue.loop.create_future()
            self._waiters.setdefault(job_id, []).append(future)
            await future
        with suppress(SlurmError):  # over it is, whether the disk is full or not
            await self.queue.flushed()

    def _is_over(self, job_id: int) -> bool:
        array = self.queue.arrays.get(job_id)
        if array:
            return array.finished
        job = self.queue.jobs.get(job_id)
        return job is None or job.state.finished

    def over(self, job: Job) -> None:
        """A record has reached a final state: tell who waits, and plan to forget it."""
        queue, age = self.queue, self.queue.config.min_job_age
        self._to_forget.append((queue.now() + age, job))
        queue.no_timer(job)
        queue.allocations.over(job)
        if len(self._to_forget) == 1:
            queue.loop.call_later(age, self._forget_old)
        for job_id in {job.job_id, job.array_job_id}:
            if job_id in self._waiters and self._is_over(job_id):
                for future in self._waiters.pop(job_id):
                    if not future.done():
                        future.set_result(None)

    def restored(self) -> None:
        """Plan to forget those that had ended when the table was read."""
        age = self.queue.config.min_job_age
        ended = [(job.end_time + age, job) for job in self.queue.jobs.values() if job.state.finished]
        self._to_forget = deque(sorted(ended, key=lambda entry: entry[0]))
        if self._to_forget:
            self._forget_later()

    def _forget_later(self) -> None:
        wait = self._to_forget[0][0] - self.queue.now()
        self.queue.loop.call_later(max(0.05, wait), self._forget_old)

    def _forget_old(self) -> None:
        """Forget finished jobs that are older than MinJobAge."""
        queue, now = self.queue, self.queue.now()
        while self._to_forget and self._to_forget[0][0] <= now:
            job = self._to_forget.popleft()[1]
            old = job.state.finished and job.end_time + queue.config.min_job_age <= now
            if old and queue.jobs.get(job.job_id) is job:
                if not queue.journal.stored(job):
                    self._to_forget.append((now + RETRY_COMMIT, job))
                    break
                queue.forget(job)
        if self._to_forget:
            self._forget_later()
