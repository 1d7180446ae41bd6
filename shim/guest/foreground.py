"""Which process group the terminal belongs to (tcsetpgrp(3))."""

from __future__ import annotations

import posix
from _signal import SIG_IGN, SIGTTOU, signal  # type: ignore[import-not-found]


def holds_terminal() -> bool:
    """Whether standard input is a terminal, and this process's to read from."""
    return posix.isatty(0) and posix.tcgetpgrp(0) == posix.getpgrp()


def give_terminal(group: int) -> None:
    """From now on this process group reads it and gets its signals."""
    signal(SIGTTOU, SIG_IGN)
    try:
        posix.tcsetpgrp(0, group)
    except OSError:
        return  # the terminal is gone


def lead(child: int) -> None:
    """A child's process group is its own; it has seen to that itself once it runs its program."""
    try:
        posix.setpgid(child, child)
    except OSError:
        return
