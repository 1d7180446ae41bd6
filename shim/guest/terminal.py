"""--pty: task 0 has a terminal of its own, which the client ties to the user's (srun(1), --pty)."""

from __future__ import annotations

import fcntl
import posix
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shim.guest.loop import Loop

_CHUNK = 1 << 16
_SIZE = 8
"""Bytes of struct winsize."""


class Terminal:
    """A pseudo-terminal and the user's terminal in raw mode. Raises OSError where there is none."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._before = termios.tcgetattr(0)
        self.master, slave = posix.openpty()
        self.name = posix.ttyname(slave).encode()
        self._slave = slave
        termios.tcsetattr(slave, termios.TCSANOW, self._before)
        self.resize()

    def begin(self) -> None:
        """The task has opened it: pass on everything, both ways."""
        posix.close(self._slave)
        self._raw()
        self.loop.on_readable(0, self._to_task)
        self.loop.on_readable(self.master, self._pass_on)

    def resize(self) -> None:
        """Make it as large as the user's terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(_SIZE)))

    def end(self) -> None:
        """Pass on what is left, and give the user's terminal back as it was."""
        posix.set_blocking(self.master, False)
        while self._to_user():
            continue
        termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def _raw(self) -> None:
        mode = termios.tcgetattr(0)
        mode[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
        mode[1] &= ~termios.OPOST
        mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(0, termios.TCSADRAIN, mode)

    def _to_task(self) -> None:
        data = posix.read(0, _CHUNK)
        if not data:
            self.loop.forget(0)
            return
        while data:
            data = data[posix.write(self.master, data) :]

    def _pass_on(self) -> None:
        self._to_user()

    def _to_user(self) -> bool:
        try:
            data = posix.read(self.master, _CHUNK)
        except OSError:  # nobody has it open any more
            data = b""
        if not data:
            self.loop.forget(self.master)
            return False
        while data:
            data = data[posix.write(1, data) :]
        return True
