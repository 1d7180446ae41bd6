"""A real queue over a real table, with an executor whose runs end when the test says so."""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shim.config.load import load_config
from shim.config.settings import Config, NodeConfig, PartitionConfig
from shim.controller.queue import Queue
from shim.executor.base import Ended, Events, Launch, NodeState, Target, Usage
from shim.grammar.array import ArraySpec, parse_array
from shim.job.errors import SlurmError
from shim.job.record import Job
from shim.job.request import Request
from shim.table.table import Table


@dataclass
class Submission:
    request: Request
    script: bytes = b"#!/bin/sh\n"
    environment: bytes = b"PATH=/bin\0"

    @property
    def array(self) -> ArraySpec | None:
        return parse_array(self.request.array) if self.request.array else None


@dataclass
class HandExecutor:
    """Runs nothing: it remembers what it was told to start, and reports an end when the test asks for it."""

    cpus: int = 4
    count: int = 1
    name: str = "local"
    remote: bool = False
    shares_files: bool = True
    running: dict[int, Launch] = field(default_factory=dict)
    launched: list[tuple[int, int]] = field(default_factory=list)
    forgotten: list[tuple[int, int]] = field(default_factory=list)
    signals: list[tuple[int, int, Target]] = field(default_factory=list)
    ending: set[int] = field(default_factory=set)
    order: list[int] = field(default_factory=list)

    async def open(self, events: Events) -> None:
        self.events = events

    def adapt(self, need, partition):
        return need

    def check_components(self, jobs):
        pass

    def reach(self, job, client, step=""):
        return client

    def release(self, job):
        pass

    def describe(self, jobs):
        return ""

    def check(self, request, need, partition):
        pass

    def nodes(self) -> tuple[NodeState, ...]:
        return tuple(NodeState(f"n{i + 1}", self.cpus, 8000) for i in range(self.count))

    def start(self, launches: Iterable[Launch]) -> None:
        for launch in launches:
            assert launch.job_id not in self.running, "started while it runs"
            self.running[launch.job_id] = launch
            self.launched.append((launch.job_id, launch.restarts))
            self.order.append(launch.job_id)
            self.events.started(launch.job_id, launch.restarts, "handle", self.events.now())  # type: ignore[attr-defined]

    async def recover(self, running: Iterable[Job], launch_again: Callable[[Job], Launch]) -> None:
        for job in running:
            if job.job_id not in self.running:
                self.start([launch_again(job)])

    def signal(self, job: Job, signal: int, target: Target) -> None:
        self.signals.append((job.job_id, signal, target))

    def terminate(self, job: Job, notice: str, kill_wait: float) -> None:
        self.ending.add(job.job_id)

    def usage(self, job: Job, pids: tuple[int, ...] = ()) -> Usage | None:
        return None

    def forget(self, job_id: int, restarts: int) -> None:
        self.forgotten.append((job_id, restarts))

    async def close(self) -> None:
        pass

    def end(self, job_id: int, status: int = 0, **more: Any) -> None:
        """The run is over with this wait() status."""
        launch = self.running.pop(job_id)
        self.ending.discard(job_id)
        now = self.events.now()  # type: ignore[attr-defined]
        self.events.finished(Ended(job_id, launch.restarts, status, now, now, **more))


class _Errors(logging.Handler):
    """What is logged as an error fails the test."""

    def __init__(self, errors: list[object]) -> None:
        super().__init__(logging.ERROR)
        self.errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append((record.getMessage(), record.exc_info))


class World:
    """One user's queue in a folder of its own; ``crash`` is what kill -9 and a new controller make of it."""

    def __init__(self, cpus: int = 4, nodes: int = 1, **settings: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        names = tuple(f"n{i + 1}" for i in range(nodes))
        self.config: Config = replace(
            load_config(None),
            nodes=tuple(NodeConfig(name, cpus, 8000) for name in names),
            partitions=(PartitionConfig("debug", names, default=True),),
            **settings,
        )
        self.executor = HandExecutor(cpus, nodes)
        self._open()

    def _open(self) -> None:
        self.errors: list[object] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        logging.getLogger("shim").addHandler(_Errors(self.errors))
        self.table = Table(self.folder / "jobs.db")

        async def begin() -> Queue:
            queue = Queue(self.config, self.table, {"local": self.executor}, self.folder)
            await self.executor.open(queue)
            queue.restore()
            mine = [job for job in queue.running if job.request.batch]
            await self.executor.recover(mine, lambda job: _launch(queue, job))
            queue.recover_endings()
            await queue.flushed()
            return queue

        self.queue = self.run(begin())

    def close(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.table.close()
        self.loop.close()
        self._folder.cleanup()

    def crash(self) -> None:
        """The controller dies at once, whatever is in memory is gone; runs go on; a new one starts."""
        old = self.loop
        old.run_until_complete(old.shutdown_default_executor())
        self.table.close()
        old.close()
        self.loop = asyncio.new_event_loop()
        self._open()

    def run(self, coroutine: Any) -> Any:
        result = self.loop.run_until_complete(coroutine)
        assert not self.errors, self.errors
        return result

    def settle(self) -> None:
        """Let everything happen that can happen now."""

        async def until_quiet() -> None:
            while not self.queue.settled:
                await self.queue.flushed()
                await asyncio.sleep(0)

        self.run(until_quiet())

    def submit(self, **request: Any) -> Job:
        request.setdefault("job_name", "job")
        request.setdefault("work_dir", "/")
        job: Job = self.run(self.queue.submit(Submission(Request(**request))))
        self.settle()
        return job

    def end(self, job_id: int, status: int = 0, **more: Any) -> None:
        async def report() -> None:
            self.executor.end(job_id, status, **more)

        self.run(report())
        self.settle()

    def do(self, operation: Callable[[], None]) -> SlurmError | None:
        """An operation of the queue; what it was refused with, if it was."""

        async def operate() -> SlurmError | None:
            try:
                operation()
            except SlurmError as error:
                return error
            return None

        error: SlurmError | None = self.run(operate())
        self.settle()
        return error

    def state(self, job_id: int, task_id: int | None = None) -> str:
        """The state of the one record that this names, as squeue writes it."""
        (job,) = self.queue.find(job_id, task_id)
        return job.state.word


def _launch(queue: Queue, job: Job) -> Launch:
    from shim.controller.launch import make_launch

    return make_launch(queue, job)
