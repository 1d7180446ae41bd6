"""A controller of a few lines: it keeps what the executor reports, and hands it out as futures."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from shim.config.settings import Config, NodeConfig
from shim.executor.base import Ended, Launch
from shim.executor.local.executor import LocalExecutor
from shim.job.record import Job
from shim.job.request import Request

PATIENCE = 30
"""Seconds after which a test gives up on an event that should have come at once."""


def drive(folder, scenario, **settings):
    """Run one scenario with an executor of its own."""

    async def main():
        async with Lab(folder, **settings) as lab:
            return await scenario(lab)

    return asyncio.run(main())


class Recorder:
    """The Events of a test."""

    def __init__(self) -> None:
        self.handles: dict[int, str] = {}
        self.started_runs: list[tuple[int, int]] = []
        self.ended: list[Ended] = []
        self.scripts_over: list[Ended] = []
        self.refused: list[tuple[int, int, str]] = []
        self._changed = asyncio.Event()

    def started(self, job_id: int, restarts: int, handle: str, when: float) -> None:
        self.handles[job_id] = handle
        self.started_runs.append((job_id, restarts))
        self._changed.set()

    def script_over(self, ended: Ended) -> None:
        self.scripts_over.append(ended)
        self._changed.set()

    def finished(self, ended: Ended) -> None:
        self.ended.append(ended)
        self._changed.set()

    def not_started(self, job_id: int, restarts: int, reason: str) -> None:
        self.refused.append((job_id, restarts, reason))
        self._changed.set()

    def capacity_changed(self) -> None:
        self._changed.set()

    async def until(self, condition):
        """Wait for events until the condition gives something true, and return that."""
        async with asyncio.timeout(PATIENCE):
            while not (found := condition()):
                self._changed.clear()
                await self._changed.wait()
        return found

    async def end_of(self, job_id: int, restarts: int = 0) -> Ended:
        return await self.until(
            lambda: next((one for one in self.ended if (one.job_id, one.restarts) == (job_id, restarts)), None)
        )

    async def start_of(self, job_id: int) -> str:
        return await self.until(lambda: self.handles.get(job_id))


class Lab:
    """A state folder, its executor, and the launches made so far."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = Config(nodes=(NodeConfig("n1", 2, 1000),), **settings)
        self.launches: dict[int, Launch] = {}
        self.steps: dict[int, Iterable[int]] = {}
        self.events = Recorder()
        self.executor = self._make()

    def _make(self) -> LocalExecutor:
        return LocalExecutor(self.config, str(self.state), lambda job_id: self.steps.get(job_id, ()))

    async def __aenter__(self) -> "Lab":
        await self.executor.open(self.events)
        return self

    async def __aexit__(self, *_: object) -> None:
        for job_id in self.launches:
            self.executor.terminate(self.job(job_id), "", 0)
        for job_id in list(self.executor._runs):
            await self.events.end_of(job_id, self.launches[job_id].restarts)
        await self.executor.close()

    async def restart(self, *recovered: int, between=None) -> None:
        """The controller dies and a new one takes over; ``between`` is awaited while there is none."""
        await self.executor.close()
        if between:
            await between
        self.events = Recorder()
        self.executor = self._make()
        await self.executor.open(self.events)
        await self.executor.recover([self.job(job_id) for job_id in recovered], lambda job: self.launches[job.job_id])

    def job(self, job_id: int) -> Job:
        found = Job(job_id, Request(), os.getuid(), "me", os.getgid(), "us", 0.0)
        found.restarts = self.launches[job_id].restarts
        return found

    def launch(self, script: str, job_id: int = 1, interpreter: str = "/bin/bash", **changes: object) -> Launch:
        environment = {
            **os.environ,
            "SLURM_JOB_ID": str(job_id),
            "SLURMSHIM_STATE": str(self.state),
            **changes.pop("variables", {}),
        }
        values = {
            "job_id": job_id,
            "restarts": 0,
            "script": f"#!{interpreter}\n{script}\n".encode(),
            "arguments": (),
            "environment": b"".join(os.fsencode(f"{k}={v}\0") for k, v in environment.items()),
            "work_dir": str(self.folder),
            "std_out": str(self.folder / f"slurm-{job_id}.out"),
            "std_err": str(changes.get("std_out", self.folder / f"slurm-{job_id}.out")),
            "std_in": "/dev/null",
            "append": False,
            "umask": 0o022,
            "rlimits": (),
            "memory_limit": 0,
            "node": "n1",
            "job": None,
            **changes,
        }
        self.launches[job_id] = Launch(**values)
        return self.launches[job_id]

    def start(self, script: str, job_id: int = 1, **changes: object) -> None:
        self.executor.start([self.launch(script, job_id, **changes)])

    async def run(self, script: str, job_id: int = 1, **changes: object) -> Ended:
        self.start(script, job_id, **changes)
        return await self.events.end_of(job_id, self.launches[job_id].restarts)

    def folders(self) -> list[str]:
        """The job folders there are."""
        return sorted(path.name for path in (self.state / "spool").iterdir() if path.is_dir())

    def output(self, job_id: int = 1) -> str:
        return (self.folder / f"slurm-{job_id}.out").read_text()

    def fifo(self, name: str) -> "Fifo":
        return Fifo(self.folder / name)


class Fifo:
    """A named pipe through which a script tells the test that it has come so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._data = b""

    def __str__(self) -> str:
        return str(self.path)

    async def line(self) -> str:
        """The next line that somebody writes."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while b"\n" not in self._data:
                ready = asyncio.Event()
                loop.add_reader(self._fd, ready.set)
                await ready.wait()
                loop.remove_reader(self._fd)
                self._data += os.read(self._fd, 4096)
        found, self._data = self._data.split(b"\n", 1)
        return found.decode()

    def close(self) -> None:
        os.close(self._fd)
