"""The standard streams of tasks: who reads what, where it goes, line by line and with labels (srun man page, --output).

A task has a file or descriptor of its own wherever that shows no difference; lines of several tasks that go the same
way are read here and written whole.
"""

from __future__ import annotations

import posix
from select import POLLIN, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.guest.loop import Loop

_CHUNK = 1 << 16
NULL = b"/dev/null"


class Sink:
    """Where output ends up. What cannot be written is dropped, as when a reader has gone."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.users = 0

    def write(self, data: bytes) -> None:
        """Write everything."""
        while data and self.fd >= 0:
            try:
                data = data[posix.write(self.fd, data) :]
            except BlockingIOError:
                posix.set_blocking(self.fd, True)
            except OSError:
                self.fd = -1


class Pump:
    """The output of one task on its way to a sink."""

    def __init__(self, loop: Loop, sink: Sink, label: bytes, lines: bool) -> None:
        self.loop = loop
        self.sink = sink
        self.label = label
        self.lines = lines
        self.rest = b""
        self.fd, self.task_end = posix.pipe()
        posix.set_blocking(self.fd, False)
        loop.on_readable(self.fd, self.read)

    def read(self) -> None:
        """Take what is there."""
        try:
            data = posix.read(self.fd, _CHUNK)
        except BlockingIOError:
            return
        if data:
            self._pass(data)
        else:
            self.close()

    def drain(self) -> None:
        """The task is over: take what it has left behind, wait for no more."""
        while self.fd >= 0:
            try:
                data = posix.read(self.fd, _CHUNK)
            except OSError:
                data = b""
            if data:
                self._pass(data)
            else:
                self.close()

    def close(self) -> None:
        """No more will come."""
        if self.fd < 0:
            return
        self.loop.forget(self.fd)
        posix.close(self.fd)
        self.fd = -1
        if self.rest:
            self.sink.write(self.label + self.rest + (b"\n" if self.label else b""))
            self.rest = b""

    def _pass(self, data: bytes) -> None:
        if not self.lines and not self.label:
            self.sink.write(data)
            return
        head, newline, tail = data.rpartition(b"\n")
        if not newline:
            self.rest += data
            return
        whole = self.rest + head + newline
        self.rest = tail
        if self.label:
            whole = b"".join([self.label + line + b"\n" for line in whole[:-1].split(b"\n")])
        self.sink.write(whole)


class Input:
    """Standard input that the client reads and hands to each of some tasks."""

    def __init__(self, loop: Loop, source: int) -> None:
        self.loop = loop
        self.source = source
        self.reading = False
        self._waiting: dict[int, bytes] = {}  # what the pipe of a task had no room for yet
        self._pipes: list[int] = []
        self._ended = False

    def pipe(self) -> int:
        """The end that one more task reads from."""
        read, write = posix.pipe()
        posix.set_blocking(write, False)
        self._pipes.append(write)
        return read

    def start(self) -> None:
        """Begin to read; a regular file is always ready, which poll(2) tells as well."""
        if self._pipes and not self._ended and not self.reading:
            self.reading = True
            self.loop.on_readable(self.source, self._read)

    def _read(self) -> None:
        try:
            data = posix.read(self.source, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._ended = True
            self._pause()
            for fd in [fd for fd in self._pipes if fd not in self._waiting]:
                self._drop(fd)
            return
        for fd in list(self._pipes):
            self._write(fd, data)
        if self._waiting or not self._pipes:
            self._pause()

    def _write(self, fd: int, data: bytes) -> None:
        try:
            data = data[posix.write(fd, data) :]
        except BlockingIOError:
            pass
        except OSError:  # the task reads no more
            self._drop(fd)
            return
        if data:
            self._waiting[fd] = data
            self.loop.on_writable(fd, lambda: self._resume(fd))
        elif self._waiting.pop(fd, None):
            self.loop.forget(fd)
            if self._ended:
                self._drop(fd)
            elif not self._waiting:
                self.start()

    def _resume(self, fd: int) -> None:
        self._write(fd, self._waiting[fd])

    def _pause(self) -> None:
        if self.reading:
            self.reading = False
            self.loop.forget(self.source)

    def _drop(self, fd: int) -> None:
        self._pipes.remove(fd)
        if self._waiting.pop(fd, None):
            self.loop.forget(fd)
            if not self._waiting and not self._ended:
                self.start()
        posix.close(fd)

    def close(self) -> None:
        """All tasks are over. What waits on standard input is taken nevertheless, however quick they were, as by srun:
        ``while read`` loops around it depend on that.
        """
        if self.reading and not posix.isatty(self.source):
            ready = poll()
            ready.register(self.source, POLLIN)
            if ready.poll(0):
                self._read()
        self._ended = True
        self._pause()
        for fd in list(self._pipes):
            self._drop(fd)


class Output:
    """All sinks of a step: the client's own descriptors and the files that tasks write to."""

    def __init__(self, loop: Loop, append: bool) -> None:
        self.loop = loop
        self.append = append
        self.sinks: dict[object, Sink] = {1: Sink(1), 2: Sink(2)}
        self.pumps: list[Pump] = []

    def sink(self, target: object) -> Sink:
        """The sink of a descriptor or path, opened once. Raises OSError."""
        found = self.sinks.get(target)
        if found is None:
            mode = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
            if not self.append:
                mode |= posix.O_TRUNC
            assert isinstance(target, bytes)
            found = self.sinks[target] = Sink(posix.open(target, mode, 0o666))
        return found

    def descriptor(self, sink: Sink, label: bytes, lines: bool) -> tuple[int, Pump | None]:
        """What a task writes to: the sink itself, or a pipe where lines or labels matter."""
        if not label and (sink.users == 1 or not lines) and not posix.isatty(sink.fd):
            return sink.fd, None
        pump = Pump(self.loop, sink, label, lines)
        self.pumps.append(pump)
        return pump.task_end, pump


def drain(pumps: Sequence[Pump]) -> None:
    """Take what tasks that are over have left in their pipes."""
    for pump in pumps:
        pump.drain()
