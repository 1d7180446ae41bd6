"""A child that the client runs while the user waits, and to which the terminal belongs meanwhile (tcsetpgrp(3))."""

from __future__ import annotations

import posix
from _signal import SIG_DFL, SIG_IGN, SIGTTIN, SIGTTOU, signal  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Child:
    """A program that has begun, with its signals as they were before this process listened to some."""

    def __init__(self, program: Callable[[], None], listened: Iterable[int], *, own_group: bool = False) -> None:
        """``program`` becomes it by execve(2). A terminal, or ``own_group``, gives it a process group of its own."""
        self.terminal = posix.isatty(0) and posix.tcgetpgrp(0) == posix.getpgrp()
        self.leads = own_group or self.terminal
        self.pid = posix.fork()
        if not self.pid:
            self._become(program, listened)
        self._to_the_front(self.pid)

    def _become(self, program: Callable[[], None], listened: Iterable[int]) -> None:
        try:
            self._to_the_front(posix.getpid())
            for number in (*listened, SIGTTOU, SIGTTIN):
                signal(number, SIG_DFL)
            program()
        finally:
            posix._exit(1)

    def _to_the_front(self, pid: int) -> None:
        """Both sides see to it, as nobody knows which of them comes first."""
        if self.leads:
            _lead(pid)
        if self.terminal:
            _give_terminal(pid)

    def reap(self) -> int | None:
        """How it ended, as wait(2) has it; None while it has not."""
        try:
            pid, status = posix.waitpid(self.pid, posix.WNOHANG)
        except ChildProcessError:
            return None
        if not pid:
            return None
        self.take_terminal()
        return status

    def take_terminal(self) -> None:
        """The terminal belongs to this process again."""
        if self.terminal:
            _give_terminal(posix.getpgrp())

    def signal(self, number: int) -> None:
        """Send it a signal: to the whole group where it leads one. Nobody may be left to get it."""
        try:
            posix.kill(-self.pid if self.leads else self.pid, number)
        except ProcessLookupError:
            return


def _lead(pid: int) -> None:
    """Its process group is its own."""
    try:
        posix.setpgid(pid, pid)
    except OSError:
        return  # it has seen to that itself, and runs its program


def _give_terminal(group: int) -> None:
    """From now on this process group reads it and gets its signals."""
    signal(SIGTTOU, SIG_IGN)
    try:
        posix.tcsetpgrp(0, group)
    except OSError:
        return  # the terminal is gone
