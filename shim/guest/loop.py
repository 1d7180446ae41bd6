"""What the client waits for, one poll(2) at a time: descriptors, signals and moments. Built-in modules only."""

from __future__ import annotations

import posix
from _signal import set_wakeup_fd, signal  # type: ignore[import-not-found]
from select import POLLIN, POLLOUT, poll
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing and collections.abc take longer to load than a step takes to run
    from collections.abc import Callable, Iterable

    Handler = Callable[[], None]


class Loop:
    """Calls who asked when something happens, in the order in which they began to wait."""

    def __init__(self) -> None:
        self._readers: dict[int, Handler] = {}
        self._writers: dict[int, Handler] = {}
        self._timers: list[tuple[float, Handler]] = []
        self._signalled: Callable[[int], None] | None = None
        self._poll = poll()

    def on_signals(self, numbers: Iterable[int], handler: Callable[[int], None]) -> None:
        """Have ``handler`` called for each of these signals, outside any other handler; it replaces an earlier one."""
        if self._signalled is None:
            read, write = posix.pipe()
            posix.set_blocking(read, False)
            posix.set_blocking(write, False)
            set_wakeup_fd(write, warn_on_full_buffer=False)
            self.on_readable(read, lambda: self._deliver(read))
        self._signalled = handler
        for number in numbers:
            signal(number, _noted)

    def _deliver(self, fd: int) -> None:
        for number in posix.read(fd, 512):
            if self._signalled:
                self._signalled(number)

    def on_readable(self, fd: int, handler: Handler) -> None:
        """Call when there is something to read, or the other end is gone."""
        self._readers[fd] = handler
        self._register(fd)

    def on_writable(self, fd: int, handler: Handler) -> None:
        """Call when there is room to write."""
        self._writers[fd] = handler
        self._register(fd)

    def forget(self, fd: int) -> None:
        """Wait for this descriptor no more."""
        if self._readers.pop(fd, None) or self._writers.pop(fd, None):
            self._writers.pop(fd, None)
            self._poll.unregister(fd)

    def forget_writable(self, fd: int) -> None:
        """Wait for room no more, but go on reading if somebody does."""
        if self._writers.pop(fd, None):
            self._register(fd)

    def after(self, seconds: float, handler: Handler) -> None:
        """Call once, in so many seconds."""
        self._timers.append((monotonic() + seconds, handler))
        self._timers.sort(key=lambda timer: timer[0])

    def turn(self) -> None:
        """Wait for the next thing to happen, and see to all that has happened."""
        pause = max(0.0, self._timers[0][0] - monotonic()) * 1000 if self._timers else None
        for fd, events in self._poll.poll(pause):
            if events & ~POLLOUT and (reader := self._readers.get(fd)):
                reader()
            if events & ~POLLIN and (writer := self._writers.get(fd)):
                writer()
        while self._timers and self._timers[0][0] <= monotonic():
            self._timers.pop(0)[1]()

    def _register(self, fd: int) -> None:
        events = (POLLIN if fd in self._readers else 0) | (POLLOUT if fd in self._writers else 0)
        if events:
            self._poll.register(fd, events)
        else:
            self._poll.unregister(fd)


def _noted(_number: int, _frame: object) -> None:
    """The wake-up descriptor tells the loop."""
