"""The controller's socket: one call of one client after another, each a task in the event loop."""

import asyncio
import importlib
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from shim.commands.call import Call, Exit
from shim.controller.express import Express, ExpressCall
from shim.controller.queue import Queue
from shim.executor.base import RemoteCall
from shim.job.errors import SlurmError
from shim.launcher import VERSION, frame

_NAMES = (
    "sbatch squeue scancel srun salloc scontrol sacct sinfo sbcast sstat sattach strigger sprio sshare sacctmgr sdiag "
    "rejoin"  # see shim.guest.reconnect
)
COMMANDS = frozenset(_NAMES.split())
CHANGING = frozenset({"sbatch", "scancel", "scontrol", "srun", "salloc", "strigger"})
"""Commands that change the queue: they have ended only when what they did is on disk."""
_LOG = logging.getLogger(__name__)
_LIMIT = 64 << 20  # bytes of one call: arguments and environment


class Connection:
    """One client."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self._head = b""  # of a frame whose reading was given up

    async def read_frame(self) -> tuple[bytes, bytes]:
        """One frame from the client. Reading may be cancelled: the next reader begins where this one did."""
        self._head = self._head or await self.reader.readexactly(9)
        payload = await self.reader.readexactly(int(self._head[1:], 16))
        kind, self._head = self._head[:1], b""
        return kind, payload

    def send(self, stream: int, data: bytes) -> None:
        """Text for the client's stdout (1) or stderr (2)."""
        self.writer.write(frame(b"%d" % stream, data))

    async def read_stdin(self) -> bytes:
        """All of the client's standard input."""
        self.writer.write(frame(b"I", b""))
        parts: list[bytes] = []
        while True:
            _, data = await self.read_frame()
            if not data:
                return b"".join(parts)
            parts.append(data)

    async def read_some(self) -> bytes:
        """What there is of the client's standard input now; empty at its end."""
        self.writer.write(frame(b"I", b"1"))
        return (await self.read_frame())[1]

    def tell(self, kind: bytes, payload: bytes) -> None:
        """A frame for a client that does something itself (see ``shim.guest.session``)."""
        self.writer.write(frame(kind, payload))

    def closed(self) -> bool:
        """True once the client has gone."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def serve(self) -> None:
        """Read the call, run the command, answer."""
        length = int(await self.reader.readexactly(8), 16)
        if length > _LIMIT:
            raise ValueError(f"a call of {length} bytes")
        fields = (await self.reader.readexactly(length)).split(b"\0")
        if fields[0] != VERSION.encode() and fields[1] != b"rejoin":  # which an older client may say, too
            self.writer.write(frame(b"V", b""))
            await self.writer.drain()
            _LOG.info("a client of version %s replaces this controller (%s)", fields[0].decode(), VERSION)
            self.server.replaced()
            return
        count = int(fields[4])
        words = [os.fsdecode(field) for field in fields]
        if words[1] == "collect":
            await self._collect(int(words[5]), int(words[6]))
            return
        peer = self.writer.get_extra_info("socket")
        pid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        call = Call(
            command=words[1],
            argv=words[5 : 5 + count],
            cwd=words[2],
            env=dict(word.split("=", 1) for word in words[5 + count :] if "=" in word),
            pid=pid,
            queue=self.server.queue,
            stdin_tty="0" in words[3],
            stdout_tty="1" in words[3],
            send=self.send,
            drain=self.writer.drain,
            read_stdin=self.read_stdin,
            read_some=self.read_some,
            tell=self.tell,
            hear=self.read_frame,
            closed=self.closed,
        )
        if call.command in CHANGING:
            call.send(1, b"")  # the client knows by this that, whatever happens now, it must not call a second time
        await self._end(await answer(call))

    async def _collect(self, lane: int, pid: int) -> None:
        """Go on with a call that began by way of a lane (see ``shim.controller.express``)."""
        if (call := self.server.express.collect(lane, pid)) is None:
            self.send(2, b"slurm-shim: the controller went away while it was answering\n")
            await self._end(1)
        else:
            call.attach(self)
            await self._end(await call.code)

    async def _end(self, code: int) -> None:
        self.writer.write(frame(b"X", b"%d" % code))
        await self.writer.drain()


async def answer(call: Call) -> int:
    """Run the command. A fault of ours is logged and told in one line."""
    try:
        code = await command(call.command)(call)
    except Exit as end:
        code = end.code
    except (ConnectionError, asyncio.IncompleteReadError):
        raise
    except Exception as error:
        _LOG.exception("%s %s", call.command, call.argv)
        call.error(f"internal error: {type(error).__name__}: {error} (see the controller's log)")
        return 1
    if call.command in CHANGING:
        try:
            await call.queue.flushed()
        except SlurmError as error:
            call.error(error.text)
            return 1
    return code


def command(name: str) -> Callable[[Call], Awaitable[int]]:
    """The command of that name."""
    if name not in COMMANDS:
        raise ValueError(f"no command {name}")
    run: Callable[[Call], Awaitable[int]] = importlib.import_module(f"shim.commands.{name}").run
    return run


class Server:
    """Listens, and keeps count of who is being served."""

    def __init__(self, queue: Queue, folder: Path, replaced: Callable[[], None]) -> None:
        self.queue = queue
        self.replaced = replaced
        self.express = Express(folder, COMMANDS, CHANGING, self._begin_express)
        self.last_call = queue.now()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Serve clients from now on."""
        self._server = await asyncio.start_unix_server(self._client, sock=listener, limit=1 << 20)
        try:
            self.express.open()
        except OSError as error:  # a file system without named pipes: every call comes by the socket
            _LOG.info("no express way: %s", error)

    def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begin(self._serve(Connection(self, reader, writer)))

    def serve_remote(self, remote: RemoteCall) -> None:
        """Answer a command that was called inside a job elsewhere."""
        self._begin(self._serve_remote(remote))

    def _begin_express(self, call: ExpressCall) -> None:
        self._begin(self._serve_express(call))

    def _begin(self, serving: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(serving)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone; what it asked for stands
        except Exception:
            _LOG.exception("a call failed")
        finally:
            self.last_call = self.queue.now()
            connection.writer.close()

    async def _serve_express(self, express: ExpressCall) -> None:
        caller = express.caller
        call = Call(
            command=caller.command,
            argv=caller.argv,
            cwd=caller.cwd,
            env=caller.env,
            pid=caller.pid,
            queue=self.queue,
            stdin_tty="0" in caller.terminals,
            stdout_tty="1" in caller.terminals,
            send=express.send,
            drain=express.drain,
            read_stdin=express.read_stdin,
            read_some=express.read_some,
            tell=express.tell,
            hear=express.hear,
            closed=express.closed,
        )
        await self._carry_out(call, express.end)

    async def _serve_remote(self, remote: RemoteCall) -> None:
        call = Call(
            command=remote.command,
            argv=remote.argv,
            cwd=remote.cwd,
            env=remote.env,
            pid=os.getpid(),
            queue=self.queue,
            send=remote.send,
            read_stdin=remote.read_stdin,
            tell=remote.tell,
            hear=remote.hear,
            closed=remote.closed,
            umask=remote.umask,
        )
        await self._carry_out(call, remote.end)

    async def _carry_out(self, call: Call, end: Callable[[int], None]) -> None:
        """Run the command, and say its end whatever happens."""
        code = 1
        try:
            code = await answer(call)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client, or the job it was in, has gone; what it asked for stands
        finally:
            self.last_call = self.queue.now()
            end(code)

    @property
    def busy(self) -> bool:
        """True while a client is being served."""
        return bool(self._tasks)

    def close(self) -> None:
        """Listen no more, and let go of the clients."""
        self.express.close()
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
