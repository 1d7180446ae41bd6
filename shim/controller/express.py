"""Short answers without starting Python: named pipes by which the shell in ``bin/`` talks to the controller.

calls         one line for each call: lane, number of arguments, command, terminals, /proc/PID/stat of the caller
LANE          answers; the controller alone keeps it open for writing, so where it is gone, reading ends
LANE.taken    made by the client that uses the lane, with O_EXCL; removed when that client has left it

The caller's arguments, environment and working directory are read from /proc, where only its own user may look. An
answer is lines: ``changing``, if the command may change the queue and so must not be called a second time; ``1`` or
``2`` and a line of stdout or stderr; ``exit CODE``. A client that is told ``socket`` instead calls the ordinary way
(``shim.launcher``). Told to ``move`` it goes on there with this very call, which it names by ``collect LANE PID``:
that happens to whatever is long, is not plain text, asks for more than a pipe's content, or takes a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shim.launcher import VERSION, frame

if TYPE_CHECKING:
    from shim.controller.server import Connection

FOLDER = f"express-{VERSION}"
"""Below the state directory: a client of another version finds none, and replaces this controller by the socket."""
LANES = 16
SHORT = 2048
"""Bytes of an answer: a shell reads a pipe one byte at a time, so that for more Python is the quicker."""
PATIENCE = 0.2
"""Seconds after which a call that is still under way moves."""
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")
ABANDONED = 10.0
"""Seconds after which a lane, or a call, that nobody goes on with is given up."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A process that calls a command (proc(5))."""

    pid: int
    command: str
    argv: list[str]
    cwd: str
    env: dict[str, str]
    terminals: str

    __hash__ = None  # type: ignore[assignment]


def look_at_caller(count: int, command: str, terminals: str, line: bytes) -> Caller:
    """What /proc knows of the process that wrote this line there. Raises OSError, ValueError if it is not that one."""
    pid = int(line.split(b" ", 1)[0])
    folder = Path("/proc") / str(pid)
    if folder.stat().st_uid != os.getuid() or _start(folder.joinpath("stat").read_bytes()) != _start(line):
        raise ValueError(f"process {pid} is another one")
    words = [os.fsdecode(word) for word in folder.joinpath("cmdline").read_bytes().split(b"\0")[:-1]]
    argv = words[len(words) - count :]
    if words[-count - 1].rpartition("/")[2] != command:
        raise ValueError(f"process {pid} is no {command}")
    entries = (os.fsdecode(entry).partition("=") for entry in folder.joinpath("environ").read_bytes().split(b"\0"))
    env = {name: value for name, equals, value in entries if equals}
    return Caller(pid, command, argv, str(folder.joinpath("cwd").readlink()), env, terminals)


def _start(line: bytes) -> bytes:
    """When a process began, in ticks since boot: with its number, all that tells it from any other."""
    return line.rpartition(b")")[2].split()[19]


class ExpressCall:
    """One call that came by a lane, and where its answer goes: back by the lane, or to a connection it moves to."""

    def __init__(self, caller: Caller, write: Callable[[bytes], None], changing: bool) -> None:
        self.caller = caller
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._write = write
        self._frames: list[tuple[bytes, bytes]] = []  # that no connection has had yet
        self._size = 0
        self._moving = False
        self._connection: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._patience = asyncio.get_running_loop().call_later(PATIENCE, self.move)
        if changing:
            self._write(b"changing\n")

    def move(self) -> None:
        """Have the client go on by the socket."""
        if not self._moving and not self.code.done():
            self._moving = True
            self._patience.cancel()
            self._write(b"move\n")

    def attach(self, connection: Connection) -> None:
        """The client goes on here."""
        if not self._connection.done():
            connection.writer.write(b"".join(frame(*each) for each in self._frames))
            self._frames.clear()
            self._connection.set_result(connection)

    def given_up(self) -> None:
        """The client has gone without an answer."""
        if not self._connection.done():
            self._connection.set_exception(ConnectionError(f"process {self.caller.pid} has gone"))
            self._connection.exception()  # it may be that nobody waits for it

    def left(self) -> bool:
        """The client has left the lane. True if it may still come by the socket."""
        if not self._moving:
            self.given_up()
        return self._moving and not self._connection.done()

    # -- what a command asks of its caller (see shim.commands.call) --------------------------------------------------

    def send(self, stream: int, data: bytes) -> None:
        """Text for the caller's stdout (1) or stderr (2)."""
        self._size += len(data)
        self._pass(b"%d" % stream, data)
        if self._size > SHORT:
            self.move()

    def tell(self, kind: bytes, payload: bytes) -> None:
        """A frame for a client that does something itself."""
        self._pass(kind, payload)
        self.move()

    async def drain(self) -> None:
        """Wait until the caller has taken most of what was sent."""
        if self._moving:
            await (await self._moved()).writer.drain()

    async def read_stdin(self) -> bytes:
        """All of the caller's standard input. A pipe can be read from here; for anything else the call moves."""
        pipe = None if self._moving else _open_stdin(self.caller.pid)
        if pipe is None:
            return await (await self._moved()).read_stdin()
        data = await _read_to_end(pipe)
        if self._moving:
            await self._moved()  # it may have gone on the way
        if self.closed():
            raise ConnectionError(f"process {self.caller.pid} has gone")
        return data

    async def read_some(self) -> bytes:
        """What there is of the caller's standard input now."""
        return await (await self._moved()).read_some()

    async def hear(self) -> tuple[bytes, bytes]:
        """The next frame from the caller."""
        return await (await self._moved()).read_frame()

    def closed(self) -> bool:
        """True once the caller has gone."""
        if not self._connection.done():
            return False
        return self._connection.exception() is not None or self._connection.result().closed()

    def end(self, code: int) -> None:
        """The command's exit code: the call is over."""
        self._patience.cancel()
        if not self._moving:
            if (lines := _lines(self._frames)) is not None:
                self._write(lines + b"exit %d\n" % code)
            else:
                self.move()
        if not self.code.done():
            self.code.set_result(code)

    def _pass(self, kind: bytes, payload: bytes) -> None:
        if self._connection.done():
            if self._connection.exception() is None:
                self._connection.result().writer.write(frame(kind, payload))
        else:
            self._frames.append((kind, payload))

    async def _moved(self) -> Connection:
        self.move()
        return await asyncio.shield(self._connection)


def _open_stdin(pid: int) -> int | None:
    """A descriptor of our own for the pipe that is a caller's standard input; None where it is none.

    The launcher keeps its input as descriptor 7: while it reads its lane, 0 is that.
    """
    path = f"/proc/{pid}/fd/7"
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK) if Path(path).is_fifo() else None
    except OSError:
        return None


async def _read_to_end(pipe: int) -> bytes:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        return await reader.read()
    finally:
        transport.close()


def _lines(frames: list[tuple[bytes, bytes]]) -> bytes | None:
    """An answer as lines that a shell can read; None where it is not made of lines of plain text."""
    lines: list[bytes] = []
    for stream, data in frames:
        if not data.isascii() or b"\0" in data:
            return None
        if lines and lines[-1][:1] == stream and not lines[-1].endswith(b"\n"):
            data = lines.pop()[1:] + data
        lines += [stream + line for line in data.splitlines(keepends=True)]
    return b"".join(lines) if all(line.endswith(b"\n") for line in lines) else None


class Express:
    """The pipes, and the calls that come by them."""

    def __init__(
        self, folder: Path, commands: frozenset[str], changing: frozenset[str], begin: Callable[[ExpressCall], None]
    ) -> None:
        """``begin`` runs a call and says its ``end``; ``changing`` are the commands that may change the queue."""
        self._folder = folder / FOLDER
        self._commands = commands
        self._changing = changing
        self._begin = begin
        self._requests = -1
        self._lanes: list[int] = []
        self._calls: dict[tuple[int, int], ExpressCall] = {}
        self._in_lane: dict[int, tuple[int, int]] = {}
        self._rest = b""
        self._suspect = 0
        self._loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Make the pipes and wait for calls. Raises OSError where there can be none."""
        for old in self._folder.parent.glob("express-*"):
            shutil.rmtree(old, ignore_errors=True)
        fresh = self._folder.with_suffix(".new")
        fresh.mkdir(mode=0o700)
        self._requests = _make_pipe(fresh / "calls", os.O_RDWR)
        self._lanes = [_make_pipe(fresh / str(lane), os.O_WRONLY) for lane in range(LANES)]
        fresh.rename(self._folder)
        self._loop.add_reader(self._requests, self._read_requests)

    def close(self) -> None:
        """Take no more calls. Clients of those under way see this process gone."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for pipe in filter(lambda pipe: pipe >= 0, (self._requests, *self._lanes)):
            self._loop.remove_reader(pipe)
            os.close(pipe)
        self._requests, self._lanes = -1, []

    def collect(self, lane: int, pid: int) -> ExpressCall | None:
        """A call that goes on by the socket; None where there is no such call."""
        return self._calls.pop((lane, pid), None)

    def _read_requests(self) -> None:
        *lines, self._rest = (self._rest + os.read(self._requests, 1 << 16)).split(b"\n")
        for line in lines:
            lane, count, name, terminals, process = line.split(b" ", 4)
            self._request(int(lane), int(count), os.fsdecode(name), terminals.decode(), process)
        self._free_a_suspect()

    def _request(self, lane: int, count: int, command: str, terminals: str, process: bytes) -> None:
        write = partial(self._write, lane)
        self._loop.add_reader(self._lanes[lane], self._left, lane)
        try:
            if command not in self._commands:
                raise ValueError(f"no command {command}")
            caller = look_at_caller(count, command, terminals, process)
            if any(word.startswith(_DESCRIPTORS) for word in caller.argv):
                raise ValueError("a descriptor that the launcher's shell may use itself")
        except (OSError, ValueError, IndexError):  # of another user, in another container: the socket knows
            write(b"socket\n")
            return
        call = ExpressCall(caller, write, command in self._changing)
        self._in_lane[lane] = (lane, caller.pid)
        self._calls[lane, caller.pid] = call
        self._begin(call)

    def _left(self, lane: int) -> None:
        """Nobody reads the lane any more."""
        self._loop.remove_reader(self._lanes[lane])
        key = self._in_lane.pop(lane, None)
        if key and (call := self._calls.get(key)):
            if call.left():
                self._loop.call_later(ABANDONED, self._give_up, key)
            else:
                del self._calls[key]
        self._free(lane)

    def _give_up(self, key: tuple[int, int]) -> None:
        if call := self._calls.pop(key, None):
            call.given_up()

    def _free(self, lane: int) -> None:
        """Let the next client in, after what the one before has not read is gone."""
        left_over = os.open(self._folder / str(lane), os.O_RDONLY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while os.read(left_over, 1 << 16):
                pass
        os.close(left_over)
        (self._folder / f"{lane}.taken").unlink(missing_ok=True)

    def _write(self, lane: int, data: bytes) -> None:
        """An answer is shorter than what a pipe holds; where nobody reads it any more, nobody misses it."""
        if self._lanes:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._lanes[lane], data)

    def _free_a_suspect(self) -> None:
        """A client that was killed between taking its lane and calling has left it taken: look at one lane a time."""
        self._suspect = (self._suspect + 1) % LANES
        if self._suspect not in self._in_lane:
            with contextlib.suppress(FileNotFoundError):
                taken = (self._folder / f"{self._suspect}.taken").stat().st_mtime
                if not 0 <= time.time() - taken < ABANDONED:
                    self._free(self._suspect)


def _make_pipe(path: Path, mode: int) -> int:
    """A named pipe, opened: with a reader there for a moment, since there is no writing without."""
    os.mkfifo(path, 0o600)
    both = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    if mode == os.O_RDWR:
        return both
    pipe = os.open(path, mode | os.O_NONBLOCK | os.O_CLOEXEC)
    os.close(both)
    return pipe
