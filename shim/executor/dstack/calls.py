"""Commands of Slurm called inside jobs: each is a directory that the job and the controller write in turn.

calls/JOB-HOST-PID/   call       command, cwd, umask and arguments, each ended by a NUL byte (see guest/command.sh)
                      environ    the caller's environment, likewise
                      out, err   what the command has printed so far
                      want-stdin the command reads its standard input, which then appears as `stdin`
                      step/      tasks to run (see steps.py), later `result`: how they went
                      abort, signal-1 …   for the tasks; interrupt: a signal that the caller got
                      code       the exit code: the call is over
"""

import asyncio
import contextlib
import logging
import marshal
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from shim.executor.base import RemoteCall
from shim.executor.dstack import steps
from shim.executor.dstack.carriers import Task
from shim.executor.dstack.control import ControlDirectory, publish
from shim.executor.dstack.errors import NotExpressible

_LOG = logging.getLogger(__name__)
TaskOf = Callable[[int], Task | None]
"""Knows the running jobs."""

_LOST = "the controller was restarted while it was answering"


class GuestCall:
    """One call, from the moment it is found to its exit code (a RemoteCall)."""

    def __init__(self, folder: Path, task: Task, guest: Path, task_of: TaskOf) -> None:
        self.folder, self.task, self._guest, self._task_of = folder, task, guest, task_of
        self.over = False
        command, cwd, umask, *argv = (os.fsdecode(word) for word in _fields(folder / "call"))
        self.command, self.cwd, self.umask, self.argv = command, cwd, int(umask, 8), argv
        entries = (os.fsdecode(entry).partition("=") for entry in _fields(folder / "environ"))
        self.env = {name: value for name, _, value in entries if name != steps.GUEST}
        self._frames: asyncio.Queue[tuple[bytes, bytes] | None] = asyncio.Queue()
        self._stdin: asyncio.Future[bytes] | None = None
        self._signals = 0

    # -- what the command asks for -----------------------------------------------------------------------------------

    def send(self, stream: int, data: bytes) -> None:
        """Text for the caller's stdout (1) or stderr (2)."""
        with contextlib.suppress(OSError), (self.folder / ("out" if stream == 1 else "err")).open("ab") as file:
            file.write(data)

    async def read_stdin(self) -> bytes:
        """All of the caller's standard input."""
        self._stdin = asyncio.get_running_loop().create_future()
        self._publish("want-stdin", b"")
        return await self._stdin

    def tell(self, kind: bytes, payload: bytes) -> None:
        """A frame for a client that does something itself."""
        if kind == b"S":
            self._order(marshal.loads(payload))
        elif kind in (b"A", b"T"):
            self._publish("abort", payload + b"\n")
        elif kind == b"G":
            self._signals += 1
            self._publish(f"signal-{self._signals}", payload + b"\n")
        elif kind == b"N":
            self.send(2, self.command.encode() + b": " + payload + b"\n")

    def _order(self, order: Mapping[str, Any]) -> None:
        if order["do"] == "wait":
            return
        try:
            self._write(steps.fit_terminal(order, False, self.send))
        except NotExpressible as error:
            self.send(2, f"{self.command}: error: {error}\n".encode())
            self._answer(steps.unknown_result(order["tasks"]))

    def _write(self, order: Mapping[str, Any]) -> None:
        """Begin a step, perhaps of another job than the caller's. Raises NotExpressible."""
        job_id = int(order["steps"][0].partition(".")[0])
        if any(job.job_id == job_id for job in self.task.carrier.jobs):
            steps.write(self.folder / "step", order, self.env, self.task)
        elif task := self._task_of(job_id):
            steps.write(self.folder / "step", order, self.env, task, away=self._guest)
            task.when_over.add(lambda: self._lose([line[0] for line in order["tasks"]]))
        else:
            raise NotExpressible(f"job {job_id} is out of reach: it does not run on dstack")

    def _lose(self, ranks: Iterable[int]) -> None:
        """The job of the tasks is over, and nobody else tells how those ended that it took along."""
        for rank in ranks:
            if not (self.folder / "step" / f"exit-{rank}").exists():
                self._publish(f"step/exit-{rank}", b"137 0m0s 0m0s\n")

    async def hear(self) -> tuple[bytes, bytes]:
        """The next frame from the caller. Raises ConnectionError when its job is over."""
        frame = await self._frames.get()
        if frame is None:
            raise ConnectionError(f"the job of {self.folder.name} is over")
        return frame

    def closed(self) -> bool:
        """True once the job is over, or the caller has gone."""
        return self.over or not self.folder.exists()

    def end(self, code: int) -> None:
        """The command's exit code."""
        self._publish("code", b"%d\n" % code)
        self.over = True

    # -- what the caller does ----------------------------------------------------------------------------------------

    def look(self) -> None:
        """Pass on what the caller has written since the last look."""
        if self._stdin and not self._stdin.done() and (self.folder / "stdin").exists():
            self._stdin.set_result((self.folder / "stdin").read_bytes())
        with contextlib.suppress(OSError):
            signal = (self.folder / "interrupt").read_bytes().strip()
            (self.folder / "interrupt").unlink()
            self._frames.put_nowait((b"G", signal))
        with contextlib.suppress(OSError):
            result = (self.folder / "step" / "result").read_text()
            (self.folder / "step" / "result").unlink()
            self._answer(steps.parse_result(result))

    def hang_up(self) -> None:
        """The job is over, and with it the caller."""
        self._frames.put_nowait(None)
        if self._stdin and not self._stdin.done():
            self._stdin.set_exception(ConnectionError())
        self.over = True

    def _answer(self, result: Mapping[str, Any]) -> None:
        self._frames.put_nowait((b"S", marshal.dumps(dict(result), 2)))

    def _publish(self, name: str, content: bytes) -> None:
        with contextlib.suppress(OSError):  # the caller has gone
            publish(self.folder / name, content)


class Calls:
    """Finds the calls of running jobs and keeps them going."""

    def __init__(self, directory: ControlDirectory) -> None:
        self._directory = directory
        self._root = directory.root / "calls"
        self._live: dict[str, GuestCall] = {}

    def look(self, task_of: TaskOf, begin: Callable[[RemoteCall], None]) -> None:
        """Begin what is new, and see to what is under way."""
        for name in self._names():
            if name not in self._live and (task := task_of(int(name.partition("-")[0]))):
                self._begin(name, task, task_of, begin)
        for name, call in list(self._live.items()):
            if call.over:
                del self._live[name]
            else:
                call.look()

    def job_over(self, task: Task) -> None:
        """Nobody waits for the answers to the calls of this job any more."""
        ids = {str(job.job_id) for job in (task.job, *task.launch.components)}
        for name in self._names():
            if name.partition("-")[0] in ids:
                if call := self._live.pop(name, None):
                    call.hang_up()
                shutil.rmtree(self._root / name, ignore_errors=True)

    def _names(self) -> list[str]:
        with contextlib.suppress(OSError):
            return [name for name in os.listdir(self._root) if not name.endswith(".new")]  # noqa: PTH208
        return []

    def _begin(self, name: str, task: Task, task_of: TaskOf, begin: Callable[[RemoteCall], None]) -> None:
        folder = self._root / name
        if (folder / "code").exists():
            return  # answered: the caller is about to remove it
        try:
            call = GuestCall(folder, task, self._directory.guest, task_of)
            with (folder / "taken").open("x"):
                pass
        except FileExistsError:
            call.send(2, f"{call.command}: error: {_LOST}\n".encode())
            call.end(1)
        except (OSError, ValueError) as error:
            _LOG.warning("call %s: %s", name, error)
        else:
            self._live[name] = call
            begin(call)


def _fields(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\0")[:-1]
