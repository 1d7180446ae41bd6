"""What one call of a command shows of the starts that the scheduler expects: worked out once, if a job asks for it."""

from functools import cached_property
from typing import TYPE_CHECKING

from shim.grammar.hostlist import fold_hostlist
from shim.job.record import Job
from shim.scheduler.forecast import WAITING, Forecast

if TYPE_CHECKING:
    from shim.controller.queue import Queue


class Forecasts:
    """The forecasts at the moment of the first question."""

    def __init__(self, queue: "Queue") -> None:
        self._queue = queue

    @cached_property
    def _by_job(self) -> dict[Job, Forecast]:
        return self._queue.dispatcher.forecast()

    def _of(self, job: Job) -> Forecast | None:
        return self._by_job.get(job) if job.pending and job.reason in WAITING else None

    def start(self, job: Job) -> float:
        """When the job is expected to start, in seconds since 1970; 0: nobody knows."""
        forecast = self._of(job)
        return forecast.start if forecast else 0

    def nodes(self, job: Job) -> str:
        """Where the job is expected to start, as a host list; empty: nobody knows (squeue man page, SchedNodes)."""
        forecast = self._of(job)
        return fold_hostlist(list(forecast.nodes)) if forecast else ""
