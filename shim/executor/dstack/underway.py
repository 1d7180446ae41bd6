"""The jobs that dstack has or is to get: which run they are in, what their guests write, how they end."""

import asyncio
import logging
import time

from shim.executor.base import Ended, Events
from shim.executor.dstack import control, verdict
from shim.executor.dstack.calls import Calls
from shim.executor.dstack.carriers import Carrier, Carriers, Task

_LOG = logging.getLogger(__name__)

SILENCE = 10.0
"""Seconds without a sign of life from a guest after which it is gone, as its run is from dstack."""

FILE_TICK = 0.1
"""Seconds between two looks for what guests have written, while there are any."""


class UnderWay:
    """The one place that knows them, and that tells the controller of their starts and ends."""

    def __init__(self, calls: Calls) -> None:
        self.tasks: dict[int, Task] = {}
        self.carriers = Carriers()
        self.wake = asyncio.Event()  # there is something to talk about with the server
        self.recovered = False  # the jobs of a controller before this one are known
        self.events: Events  # from the start on
        self._calls = calls

    async def watch_files(self) -> None:
        """Report starts and ends as soon as guests have written them down."""
        while True:
            await asyncio.sleep(FILE_TICK)
            for task in list(self.tasks.values()):
                if task.carrier.run_id or task.carrier.attempts:
                    self.look_at(task)
            if self.recovered:
                self._calls.look(self.running_job, self.events.called)

    def running_job(self, job_id: int) -> Task | None:
        """The task of a job, or of the heterogeneous job that it is a component of."""
        if task := self.tasks.get(job_id):
            return task
        tasks = (task for task in self.tasks.values() if len(task.carrier.jobs) > 1)
        return next((task for task in tasks if any(job.job_id == job_id for job in task.carrier.jobs)), None)

    def look_at(self, task: Task) -> None:
        """Report what the guest of a task has written down."""
        job_id, restarts, now = task.launch.job_id, task.launch.restarts, time.time()
        if not task.seen_start and (started := control.record(task.directory, "started")):
            task.seen_start = now
            start = float(started["start"])
            start = start if abs(start - now) < verdict.SKEW else now
            self.events.started(job_id, restarts, task.carrier.name, start)
        if ended := control.record(task.directory, "ended"):
            task.seen_start = task.seen_start or now  # it may have failed before it began
            self.drop(task)
            self.wake.set()
            if ended.get("reason") == "stopped" and task.carrier.worker:
                task.carrier.stopping = True
            self.events.finished(verdict.from_record(job_id, restarts, ended, task.seen_start, now))

    def drop(self, task: Task) -> None:
        """The task is over: its carrier is free for another, if it is a worker."""
        self.tasks.pop(task.launch.job_id, None)
        self._calls.job_over(task)
        for tell in list(task.when_over):
            tell()
        if task.carrier.task is task:
            task.carrier.task = None

    def hand_back(self, carrier: Carrier, reason: str) -> None:
        """A job that cannot be submitted now waits in the queue; one that may be submitted already stays."""
        if carrier.attempts or (task := carrier.task) is None:
            return
        self.carriers.remove(carrier)
        self.drop(task)
        self.events.not_started(task.launch.job_id, task.launch.restarts, reason)

    def forgotten(self, task: Task) -> bool:
        """dstack, or a server that lost its database, knows nothing of a run; False while its guest goes on."""
        self.look_at(task)
        if self.tasks.get(task.launch.job_id) is not task:
            return True
        beat, now = control.heartbeat(task.directory), time.monotonic()
        if beat != task.heartbeat or not task.alive:
            task.heartbeat, task.alive = beat, now
        if now - task.alive < SILENCE:  # it goes on, or may be about to begin
            return False
        if task.seen_start:
            self.lost(task, "the run is gone from dstack")
        else:
            control.discard(task.directory)  # should a host begin it after all, it finds nothing to run
            self.drop(task)
            self.events.not_started(task.launch.job_id, task.launch.restarts, "Resources")
        return True

    def lost(self, task: Task, why: str) -> None:
        """The run of a task has gone without a word."""
        self.drop(task)
        launch = task.launch
        self.events.finished(Ended(launch.job_id, launch.restarts, 0, task.seen_start, time.time(), node_failure=why))

    def not_launched(self, job_id: int, restarts: int, why: str) -> None:
        """A job that dstack does not take: it fails."""
        now = time.time()
        ended = Ended(job_id, restarts, 0, now, now, launch_failure=why)
        asyncio.get_running_loop().call_soon(self.events.finished, ended)

    def finish_unstarted(self, job_id: int, restarts: int) -> None:
        """A job that was ended before it began."""
        now = time.time()
        self.events.finished(Ended(job_id, restarts, 0, now, now))

    def request(self, task: Task, text: str) -> None:
        """Ask the guest of a task for something."""
        task.requests += 1
        try:
            control.request(task.directory, task.requests, text)
        except OSError as error:
            _LOG.warning("job %d: %s", task.launch.job_id, error)

    def stop_if_there(self, task: Task) -> None:
        """Stop the run of a job that has not ended by itself."""
        if self.tasks.get(task.launch.job_id) is task:
            task.carrier.stopping = task.carrier.unwanted = True
            self.wake.set()
