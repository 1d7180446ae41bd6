"""What has changed in memory and is not in the job table yet: written together, then acted upon."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from shim.controller.submit import Texts
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from shim.table.table import Busy, Table

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_LOG = logging.getLogger(__name__)
SYNC_DELAY = 0.5
"""Seconds after which the starts and ends of runs are safe from a power failure (from kill -9 they are at once)."""
RETRY_BUSY = 0.05
"""Seconds until a commit is tried again that had to give way to another process, which writes to the table."""
RETRY_COMMIT = 1.0
"""Seconds until a commit that failed (disk full) is tried again."""


class Journal:
    """The unwritten changes of one queue."""

    def __init__(self, queue: "Queue") -> None:
        self.queue = queue
        self._dirty: dict[int, Job] = {}
        self._new: list[tuple[Job, Texts, asyncio.Future[None]]] = []
        self._writes: list[Callable[[Table], None]] = []
        self._actions: list[Callable[[], None]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._sync: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    def note(self, job: Job) -> None:
        """The record must be written."""
        self._dirty[job.job_id] = job

    def note_write(self, action: Callable[[Table], None]) -> None:
        """Something else must be written, in the same transaction."""
        self._writes.append(action)

    def then(self, action: Callable[[], None]) -> None:
        """Act once everything noted so far is durable."""
        self._actions.append(action)

    def enter(self, job: Job, texts: Texts) -> "asyncio.Future[None]":
        """A new job with its texts; the future tells when it is stored, or raises SlurmError where it cannot be."""
        future: asyncio.Future[None] = self.queue.loop.create_future()
        self._new.append((job, texts, future))
        self.note(job)
        return future

    def settled(self) -> "asyncio.Future[None]":
        """Done when everything noted so far is on disk; SlurmError where it could not be written (yet)."""
        future: asyncio.Future[None] = self.queue.loop.create_future()
        self._waiters.append(future)
        return future

    def stored(self, job: Job) -> bool:
        """True if the table has the record as it is."""
        return job.job_id not in self._dirty

    @property
    def clean(self) -> bool:
        """True while nothing is unwritten or waits to be acted upon."""
        return not (self._dirty or self._writes or self._actions)

    def settle(self) -> None:
        """Write everything, then act on it. Where that fails, nothing is acted upon and it is tried again later."""
        if (self._dirty or self._writes) and not self._commit():
            return
        actions, self._actions = self._actions, []
        for action in actions:
            try:
                action()
            except Exception:  # one that fails must not keep the others from happening
                _LOG.exception("after a commit")
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _commit(self) -> bool:
        table = self.queue.table
        synced = bool(self._new or self._waiters)  # somebody is about to be told
        try:
            table.begin(synced)
        except Busy:
            self._again(RETRY_BUSY)
            return False
        except sqlite3.Error as error:
            self._failed(error)
            return False
        try:
            for job, texts, _ in self._new:
                job.script_id = table.content_id(texts.script)
                job.environment_id = table.content_id(texts.environment)
            self._save(self._dirty.values())
            for write in self._writes:
                write(table)
            table.save_counter("next_job_id", self.queue.next_job_id)
            table.commit()
        except sqlite3.Error as error:
            self._failed(error)
            return False
        except Exception as error:  # a value that no table holds, which no command should have let pass
            self._failed(error)
            self._drop_unwritable()
            return False
        if not synced and self._sync is None:
            self._sync = self.queue.loop.call_later(SYNC_DELAY, self._sync_soon)
        new, self._new = self._new, []
        self._dirty.clear()
        self._writes.clear()
        for job, _, future in new:
            self.queue.accepted(job)
            if not future.done():
                future.set_result(None)
        return True

    def _save(self, jobs: Collection[Job]) -> None:
        table = self.queue.table
        for job in jobs:
            if not job.request_id:
                job.request_id = table.request_id(job.request)
        table.save_jobs(jobs)

    def _drop_unwritable(self) -> None:
        """Keep from the table what it cannot hold, so that everything else is written."""
        table = self.queue.table
        try:
            table.begin(synced=False)
            for job in list(self._dirty.values()):
                if not _writable(lambda job=job: self._save([job])):  # type: ignore[misc]
                    del self._dirty[job.job_id]
            self._writes = [write for write in self._writes if _writable(lambda write=write: write(table))]  # type: ignore[misc]
        except (Busy, sqlite3.Error):
            _LOG.exception("what cannot be written is looked for again")
        self._take_back()

    def _take_back(self) -> None:
        """Undo what was begun and is not committed."""
        try:
            self.queue.table.rollback()
        except sqlite3.Error:
            _LOG.exception("nor can what was begun be taken back")
        for job in self._dirty.values():
            job.request_id = 0

    def _sync_soon(self) -> None:
        """Bring the life of the runs to the disk, in a thread: nobody waits for it."""
        self._sync = None
        self.queue.loop.run_in_executor(None, self.queue.table.sync)

    def _failed(self, error: Exception) -> None:
        """Refuse what is new, keep what happened."""
        _LOG.error("the job table cannot be written: %s", error)
        self._take_back()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(SlurmError(Errno.WRITING_TO_FILE))
        new, self._new = self._new, []
        for job, _, future in new:
            self._dirty.pop(job.job_id, None)
            self.queue.forget(job)
            if not future.done():
                future.set_exception(SlurmError(Errno.WRITING_TO_FILE))
        self._again(RETRY_COMMIT)

    def _again(self, delay: float) -> None:
        """Try to write once more after so many seconds, or before if anything else is to be written by then."""
        if self._retry:
            self._retry.cancel()
        self._retry = self.queue.loop.call_later(delay, self.queue.wake)


def _writable(write: Callable[[], None]) -> bool:
    try:
        write()
    except sqlite3.Error:
        raise
    except Exception:
        _LOG.exception("left out of the job table")
        return False
    return True
