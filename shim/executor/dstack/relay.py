"""Steps of an allocation whose srun runs on the submit host: the nodes take orders there as they do in a job.

clients/STEP/         in the job's directory: what GuestCall keeps in that of a call (see calls.py)
"""

import asyncio
import marshal
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from shim.executor.base import StepClient
from shim.executor.dstack import steps
from shim.executor.dstack.carriers import Task
from shim.executor.dstack.control import publish
from shim.executor.dstack.errors import NotExpressible

FOLDER = "clients"

_FORMAT = 2
"""The version of marshal that both sides write."""


class Relay:
    """Between srun's process on this machine, which only waits, and the tasks elsewhere (a StepClient)."""

    def __init__(self, client: StepClient, task: Task, step_id: str, guest: Path, drop: Collection[str]) -> None:
        self._client, self._task, self._guest, self._drop = client, task, guest, drop
        self._folder = task.directory / FOLDER / step_id
        self._signals = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: Sequence[Sequence[Any]] = ()  # as ordered, where this controller has done so
        task.when_over.add(self.hang_up)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that tasks inherit: not what is of the submit host only."""
        return {name: value for name, value in self._client.env.items() if name not in self._drop}

    @property
    def stdin_tty(self) -> bool:
        """Whether its standard input is a terminal."""
        return self._client.stdin_tty

    def send(self, stream: int, data: bytes) -> None:
        """Text for the client's stdout (1) or stderr (2)."""
        self._client.send(stream, data)

    def tell(self, kind: bytes, payload: bytes) -> None:
        """A frame about the step: its order, its end from elsewhere, a signal for its tasks."""
        order = marshal.loads(payload) if kind == b"S" else {}
        if order.get("do") == "step":
            self._begin(order)
        elif order:
            self._client.tell(kind, payload)
        elif kind in (b"A", b"T"):
            publish(self._folder / "abort", payload + b"\n")
        elif kind == b"G":
            self._signals += 1
            publish(self._folder / f"signal-{self._signals}", payload + b"\n")

    def _begin(self, order: Mapping[str, Any]) -> None:
        self._folder = self._task.directory / FOLDER / order["steps"][0]
        self._folder.mkdir(parents=True)
        order = steps.fit_terminal(order, self._client.stdin_tty, self.send)
        self._tasks = order["tasks"]
        try:
            steps.write(self._folder / "step", order, self.env, self._task, away=self._guest)
        except NotExpressible as error:
            self.send(2, f"srun: error: {error}\n".encode())
            self.hang_up()
            return
        words = ["/bin/sh", str(self._guest / "attend.sh"), str(self._folder)]
        relayed = {
            "do": "relay",
            "argv": [os.fsencode(word) for word in words],
            "steps": order["steps"],
            "restarts": order["restarts"],
        }
        self._client.tell(b"S", marshal.dumps(relayed, _FORMAT))

    async def hear(self) -> tuple[bytes, bytes]:
        """The next frame about the step; its result when it has ended, or its job has."""
        assert self._client.hear is not None
        hearing = asyncio.ensure_future(self._client.hear())
        waiting: set[asyncio.Future[Any]] = {hearing, self._over}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._over.done():
            hearing.cancel()
            return b"S", self._result()
        kind, payload = hearing.result()
        return kind, self._result() if kind == b"S" else payload

    def _result(self) -> bytes:
        """How the step went, as its attendant has written it down; without a word from it nobody knows."""
        self._task.when_over.discard(self.hang_up)
        try:
            result = steps.parse_result((self._folder / "step" / "result").read_text())
        except (OSError, ValueError):
            result = steps.unknown_result(self._tasks)
        shutil.rmtree(self._folder, ignore_errors=True)
        return marshal.dumps(dict(result), _FORMAT)

    def hang_up(self) -> None:
        """The job is over: nothing will be heard of its tasks."""
        if not self._over.done():
            self._over.set_result(None)
