"""A step whose tasks run elsewhere: a child attends to it, and this process hands it what it gets itself."""

from __future__ import annotations

import posix
from _signal import (  # type: ignore[import-not-found]
    SIG_DFL,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGTERM,
    SIGTTIN,
    SIGTTOU,
    SIGUSR1,
    SIGUSR2,
    signal,
)

from shim.guest.foreground import give_terminal, holds_terminal, lead
from shim.guest.session import Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shim.guest.session import Session

_HANDED_ON = (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2)


class RelayWork(Work):
    """The child, in a process group of its own, to which the terminal belongs while it runs."""

    def __init__(self, session: Session, order: Mapping[str, Any]) -> None:
        self.session = session
        self.order = order
        self.code: int | None = None
        session.work = self
        session.lost = self._lost
        session.listen((SIGCHLD, SIGCONT, *_HANDED_ON), self._signal)
        self.terminal = holds_terminal()
        self.pid = posix.fork()
        if not self.pid:
            self._become()
        lead(self.pid)
        if self.terminal:
            give_terminal(self.pid)

    def _become(self) -> None:
        try:
            posix.setpgid(0, 0)
            if self.terminal:
                give_terminal(posix.getpid())
            for number in (SIGCHLD, SIGCONT, SIGTTOU, SIGTTIN, *_HANDED_ON):
                signal(number, SIG_DFL)
            posix.execv(self.order["argv"][0], self.order["argv"])
        finally:
            posix._exit(1)

    def _signal(self, number: int) -> None:
        if number in _HANDED_ON:
            posix.kill(self.pid, number)
        elif number == SIGCHLD:
            self._reap()

    def _reap(self) -> None:
        try:
            pid, status = posix.waitpid(self.pid, posix.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        self._end_group()
        if self.terminal:
            give_terminal(posix.getpgrp())
        self.code = posix.WEXITSTATUS(status) if posix.WIFEXITED(status) else 1
        if self.session.channel is not None:
            self.session.answer(self.code)

    def _end_group(self) -> None:
        """What still reads standard input for the tasks would take it from the next who does."""
        try:
            posix.killpg(self.pid, SIGKILL)
        except OSError:
            return  # nobody is left

    def dismissed(self) -> None:
        """The job is over, and with it the step."""
        if self.code is None:
            self._end_group()
            if self.terminal:
                give_terminal(posix.getpgrp())

    def _lost(self) -> None:
        """The controller is gone; the step goes on, and the next controller is told of its end."""
        from shim.guest import reconnect

        reconnect.keep_trying(self.session, self.order)

    def rejoined(self) -> None:
        """There is another controller."""
        if self.code is not None:
            self.session.answer(self.code)
