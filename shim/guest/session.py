"""The client's side of a conversation in which it does work itself: runs tasks, a command, or waits with an ear for
signals. Begins with the controller's first frame ``S`` and lasts to the end of the call.

What the controller sends besides ``1``, ``2`` and ``X`` (see ``shim.launcher``): ``S`` a marshalled order, ``A`` the
step or allocation is being ended (a notice), ``T`` the step has reached its own time limit (a notice), ``G`` a signal
for the tasks, ``N`` a line to print. The client sends ``P`` its tasks' processes, ``G`` a signal it got while it
waited, and ``S`` the marshalled result of an order.
"""

from __future__ import annotations

import marshal
from select import POLLIN, poll

from shim.guest.loop import Loop
from shim.launcher import frame, read_frame, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from typing import Any

_MARSHAL = 2
"""The version of the format: old enough for every Python that a client may run under."""


class Work:
    """Something the client does for its call."""

    def aborted(self, _notice: bytes) -> None:
        """The controller ends it."""

    def timed_out(self, _notice: bytes) -> None:
        """The step has reached its time limit."""

    def signalled(self, number: int) -> None:
        """A signal for the tasks, from the controller."""

    def dismissed(self) -> None:
        """The call ends although the work is not done: a fault of the controller."""

    def rejoined(self) -> None:
        """There is another controller."""


class Session:
    """One conversation from the first order on."""

    def __init__(self, channel: socket) -> None:
        self.channel: socket | None = channel
        self.loop = Loop()
        self.work: Work | None = None
        self.code: int | None = None
        self.quiet = False  # -Q keeps back what scontrol notify says
        self.lost: Callable[[], None] = self._lost
        self.loop.on_readable(channel.fileno(), self._hear)

    def listen(self, signals: tuple[int, ...], handler: Callable[[int], None]) -> None:
        """Handle these signals from now on, ``handler`` in place of an earlier one."""
        self.loop.on_signals(signals, handler)

    def run(self) -> int:
        """Serve to the end; the exit code."""
        while self.code is None:
            self.loop.turn()
        return self.code

    def send(self, kind: bytes, payload: bytes) -> None:
        """Tell the controller, if it is there."""
        self.send_raw(frame(kind, payload))

    def send_raw(self, data: bytes) -> None:
        """Send bytes to the controller, if it is there."""
        if self.channel is not None:
            try:
                self.channel.sendall(data)
            except OSError:
                self._disconnect()

    def answer(self, result: Any) -> None:
        """The result of the order."""
        self.work = None
        self.send(b"S", marshal.dumps(result, _MARSHAL))

    def connect(self, channel: socket) -> None:
        """Go on with another controller."""
        self.channel = channel
        self.loop.on_readable(channel.fileno(), self._hear)

    def catch_up(self) -> None:
        """Hear what has been said already, without waiting."""
        while self.channel is not None and self.code is None:
            waiting = poll()
            waiting.register(self.channel.fileno(), POLLIN)
            if not waiting.poll(0):
                return
            self._hear()

    def _hear(self) -> None:
        assert self.channel is not None
        try:
            kind, payload = read_frame(self.channel)
        except (EOFError, OSError):
            self._disconnect()
            self.lost()
            return
        if kind in (b"1", b"2"):
            write_all(int(kind), payload)
        elif kind == b"X":
            if self.work:
                self.work.dismissed()
            self.code = int(payload)
        elif kind == b"S":
            self.begin(payload)
        elif kind == b"A" and self.work:
            self.work.aborted(payload)
        elif kind == b"N":
            self._note(payload)
        elif kind == b"T" and self.work:
            self.work.timed_out(payload)
        elif kind == b"G" and self.work:
            self.work.signalled(int(payload))

    def _note(self, text: bytes) -> None:
        if not self.quiet:
            from shim.guest.telling import note

            note(text)

    def begin(self, payload: bytes) -> None:
        """Carry out an order."""
        order = marshal.loads(payload)
        kind = order["do"]
        self.quiet = bool(order.get("quiet"))
        if kind == "step":
            from shim.guest.steps import StepWork

            StepWork(self, order)
        elif kind == "command":
            from shim.guest.command import CommandWork

            CommandWork(self, order)
        elif kind == "relay":
            from shim.guest.relay import RelayWork

            RelayWork(self, order)
        else:
            from shim.guest.waiting import Waiting

            Waiting(self, order)

    def _disconnect(self) -> None:
        if self.channel is not None:
            self.loop.forget(self.channel.fileno())
            self.channel.close()
            self.channel = None

    def _lost(self) -> None:
        write_all(2, b"slurm-shim: the controller went away while it was answering\n")
        self.code = 1


def serve(channel: socket, order: bytes) -> int:
    """Carry out the controller's orders to the end of the call; the exit code."""
    session = Session(channel)
    session.begin(order)
    return session.run()


def stamp() -> str:
    """Local time as slurmstepd writes it into notices."""
    from time import localtime, strftime

    return strftime("%Y-%m-%dT%H:%M:%S", localtime())
