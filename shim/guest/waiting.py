"""A client that waits: for its allocation, or for room for its step. A controller that dies meanwhile is replaced, and
the next one goes on with the very call, for the jobs it has made already.
"""

from __future__ import annotations

import posix
import sys
from _signal import SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM  # type: ignore[import-not-found]

from shim import launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shim.guest.session import Session

SIGNALS = (SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCONT)

_PAUSE = 1.0
"""Seconds between two attempts to have a controller."""


class Waiting:
    """Hands signals to the controller, and keeps it there."""

    def __init__(self, session: Session, order: Mapping[str, Any]) -> None:
        self.session = session
        self.order = order
        session.lost = self._go_on
        session.listen(SIGNALS, self._signal)

    def _signal(self, number: int) -> None:
        if self.session.channel is not None:
            self.session.send(b"G", b"%d" % number)
        elif number != SIGCONT:
            self.session.code = 1

    def _go_on(self) -> None:
        from shim import contact

        contact.start_controller()
        channel = launcher.connect()
        if channel is None:
            self.session.loop.after(_PAUSE, self._go_on)
            return
        self.session.connect(channel)
        self.session.send_raw(self._call())

    def _call(self) -> bytes:
        terminals = "".join([str(fd) for fd in (0, 1, 2) if posix.isatty(fd)])
        jobs = ",".join(map(str, self.order["jobs"]))
        argv = ["0", "wait", jobs, sys.argv[1], *sys.argv[2:]]
        return launcher.request("rejoin", argv, posix.getcwdb(), posix.environ, terminals)
