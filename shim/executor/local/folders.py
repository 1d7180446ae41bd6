"""The controller's side of the job folders: which may become a next run's, which are to go."""

import asyncio

from shim.executor.local import processes, spool
from shim.executor.local.pool import Supervisor

_QUIET = 5.0
"""Seconds without a run's end after which folders are removed; while runs come and go there is better to do."""

_MOST = 2000
"""Folders that may wait to be removed."""


class Folders:
    """Job folders of runs that are over. A run's end is kept in its folder until the controller has committed it."""

    def __init__(self, spool_dir: str) -> None:
        self._spool = spool_dir
        self._loop = asyncio.get_running_loop()
        self._kept: dict[int, tuple[int, Supervisor]] = {}  # by job: the run, and who made its folder
        self._going: dict[int, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def keep(self, job_id: int, restarts: int, owner: Supervisor) -> None:
        """A run is over; its supervisor may recycle the folder once it is forgotten."""
        self._kept[job_id] = restarts, owner
        owner.folder_of, owner.folder_spare = job_id, False

    def forget(self, job_id: int, restarts: int) -> None:
        """The end of this run is committed."""
        run, owner = self._kept.get(job_id, (-1, None))
        if owner is None:
            self._remove_later(job_id)
        elif run == restarts:
            owner.folder_spare = True

    def reuse(self, owner: Supervisor) -> bool:
        """True if the supervisor may make its last folder that of the run it is ordered now."""
        spare = owner.folder_spare
        self._kept.pop(owner.folder_of, None)
        owner.folder_of, owner.folder_spare = 0, False
        return spare

    def part(self, owner: Supervisor) -> None:
        """This supervisor is gone or let go."""
        job_id = owner.folder_of
        if self.reuse(owner):
            self._remove_later(job_id)

    def clear(self, job_id: int) -> None:
        """The job runs anew: what its run before left must be gone."""
        _, owner = self._kept.get(job_id, (0, None))
        if owner is not None and owner.folder_spare:
            self.reuse(owner)
        elif job_id in self._going:
            del self._going[job_id]
        else:
            return
        spool.remove(spool.folder(self._spool, job_id))

    def sweep(self, running: set[int]) -> None:
        """Remove what controllers before left behind: folders of runs that the job table knows to be over."""
        for path, job_id, pid in spool.leftovers(self._spool):
            mark = spool.read(path)
            if job_id in running or (mark and mark.exit is None and processes.alive(mark.pid, mark.start)):
                continue
            if not pid or processes.process(pid) is None:
                spool.remove(path)

    def close(self) -> None:
        """Remove everything that may go."""
        self._going.update(dict.fromkeys(job_id for job_id, (_, owner) in self._kept.items() if owner.folder_spare))
        self._remove_all()

    def _remove_later(self, job_id: int) -> None:
        self._going[job_id] = None
        if len(self._going) > _MOST:
            self._remove_all()
            return
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(_QUIET, self._remove_all)

    def _remove_all(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._going:
            job_id, _ = self._going.popitem()
            spool.remove(spool.folder(self._spool, job_id))
