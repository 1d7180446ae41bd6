"""A step whose tasks run elsewhere: a child attends to it, and this process hands it what it gets itself."""

from __future__ import annotations

import posix
import termios
from _signal import (  # type: ignore[import-not-found]
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGTERM,
    SIGUSR1,
    SIGUSR2,
)

from shim.guest.foreground import Child
from shim.guest.session import Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shim.guest.session import Session

_HANDED_ON = (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2)
_LISTENED = (SIGCHLD, SIGCONT, *_HANDED_ON)


class RelayWork(Work):
    """The child, in a process group of its own, to which the terminal belongs while it runs."""

    def __init__(self, session: Session, order: Mapping[str, Any]) -> None:
        self.session = session
        self.order = order
        self.code: int | None = None
        session.work = self
        session.lost = self._lost
        session.listen(_LISTENED, self._signal)
        argv = order["argv"]
        self._mode = termios.tcgetattr(0) if posix.isatty(0) else None
        self.child = Child(lambda: posix.execv(argv[0], argv), _LISTENED, own_group=True)

    def _signal(self, number: int) -> None:
        if number in _HANDED_ON:
            posix.kill(self.child.pid, number)
        elif number == SIGCHLD:
            self._reap()

    def _reap(self) -> None:
        status = self.child.reap()
        if status is None:
            return
        self.child.signal(SIGKILL)  # what still reads standard input for the tasks would take it from the next who does
        self.code = posix.WEXITSTATUS(status) if posix.WIFEXITED(status) else 1
        if self.session.channel is not None:
            self.session.answer(self.code)

    def dismissed(self) -> None:
        """The job is over, and with it the step."""
        if self.code is None:
            self.child.signal(SIGKILL)
            self.child.take_terminal()
            if self._mode:  # a task's terminal was tied to it
                termios.tcsetattr(0, termios.TCSANOW, self._mode)

    def _lost(self) -> None:
        """The controller is gone; the step goes on, and the next controller is told of its end."""
        from shim.guest import reconnect

        reconnect.keep_trying(self.session, self.order)

    def rejoined(self) -> None:
        """There is another controller."""
        if self.code is not None:
            self.session.answer(self.code)
