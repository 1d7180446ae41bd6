"""One call of a command: what the launcher handed over, and where its answer goes.

A command is ``async def run(call: Call) -> int`` in ``shim/commands/<name>.py``; it returns the exit code. It runs
inside the controller, so it never touches process-wide state (cwd, environment, umask, std streams): everything it
may know about its caller is here.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_LOOK = 0.5
"""Seconds between two looks at whether the client of a repeated report is still there."""


@dataclass(slots=True)
class Call:
    """A call of one command by one client process."""

    command: str  # the name it was called by: sbatch, squeue ...
    argv: list[str]  # arguments without the command; undecodable bytes as surrogate escapes
    cwd: str
    env: dict[str, str]
    pid: int  # of the client; of this process for one on another machine
    queue: "Queue"
    stdin_tty: bool = False
    stdout_tty: bool = False
    send: Callable[[int, bytes], None] = lambda _stream, _data: None  # stream 1 or 2
    drain: Callable[[], Awaitable[None]] | None = None
    read_stdin: Callable[[], Awaitable[bytes]] | None = None  # all of it, to the end
    read_some: Callable[[], Awaitable[bytes]] | None = None  # what is there, a line from a terminal; empty at the end
    tell: Callable[[bytes, bytes], None] = lambda _kind, _data: None  # a frame for the client (shim.guest.session)
    hear: Callable[[], Awaitable[tuple[bytes, bytes]]] | None = None  # the next frame from it
    closed: Callable[[], bool] = lambda: False  # the client has gone away
    umask: int | None = None  # of a client on another machine, whose process nobody here can look at
    resumed: tuple[int, ...] | None = None  # the jobs of a call that began under an earlier controller
    notes: list[str] = field(default_factory=list)

    def out(self, text: str) -> None:
        """Print on the caller's standard output, as it is (no newline is added)."""
        if text:
            self.send(1, os.fsencode(text))

    def err(self, text: str) -> None:
        """Print one line on the caller's standard error, as it is, with a newline."""
        self.send(2, os.fsencode(text + "\n"))

    def error(self, text: str) -> None:
        """Print ``<command>: error: <text>``, Slurm's error()."""
        self.err(f"{self.command}: error: {text}")

    @property
    def failure(self) -> int:
        """The exit code where Slurm itself refuses or fails (srun(1), SLURM_EXIT_ERROR)."""
        return self.exit_code("SLURM_EXIT_ERROR")

    def exit_code(self, variable: str) -> int:
        """The exit code that a variable of the caller asks for, else 1."""
        text = self.env.get(variable, "")
        return int(text) & 0xFF if text.isdecimal() and int(text) else 1

    async def lines(self) -> AsyncIterator[str]:
        """The lines of the caller's standard input as they come, without their ends."""
        text = b""
        while self.read_some is not None and (some := await self.read_some()):
            *lines, text = (text + some).split(b"\n")
            for line in lines:
                yield os.fsdecode(line)
        if text:
            yield os.fsdecode(text)

    async def still_there(self, seconds: float) -> bool:
        """Wait before the next of repeated reports (--iterate); False as soon as the client is gone."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while not self.closed():
            left = end - clock()
            if left <= 0:
                return True
            await asyncio.sleep(min(left, _LOOK))
        return False

    def path(self, name: str) -> str:
        """``name`` as the caller sees it: relative to the caller's working directory."""
        return os.path.join(self.cwd, name)

    @property
    def cwd_is_gone(self) -> bool:
        """True if the caller's working directory has been removed, which the launcher tells as Linux does."""
        return self.cwd.endswith(" (deleted)") and not Path(self.cwd).exists()


class Exit(Exception):
    """Ends a command with an exit code, after whatever it has printed."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)
