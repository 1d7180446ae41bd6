"""The command of salloc: it runs here, in the client, with the allocation's environment, until it ends by itself."""

from __future__ import annotations

import posix
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
from shim.guest.task import candidates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shim.guest.session import Session

_SIGNALS = (SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT)
_OF_THE_USER = (SIGHUP, SIGINT, SIGQUIT, SIGKILL)
"""A command that one of these has ended was ended on purpose: salloc's exit code is 0."""


_ENOUGH = (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2)
"""A signal to salloc itself gives the allocation back; a terminal sends its own to the command's process group."""


class CommandWork(Work):
    """A command that has an allocation."""

    def __init__(self, session: Session, order: Mapping[str, Any]) -> None:
        self.session = session
        self.order = order
        self.name: str = order["job"]
        self.child: Child | None = None
        self.revoked = False
        session.work = self
        session.lost = self._lost
        session.listen(_SIGNALS, self._signal)
        environment = {**posix.environ, **order["environment"]}
        path = self._find(order["argv"][0], environment)
        if not path:
            word = order["argv"][0].decode(errors="replace")
            self._say(f'salloc: error: _fork_command: Unable to find command "{word}"')
            session.answer({"status": 0, "code": order["failure"]})
            return
        self.child = Child(lambda: self._become(path, environment), _SIGNALS)

    def _find(self, name: bytes, environment: Mapping[bytes, bytes]) -> bytes:
        for path in candidates(name, environment):
            if posix.access(path, posix.X_OK) and not posix.stat(path).st_mode & 0o040000:
                return path
        return b""

    def _become(self, path: bytes, environment: Mapping[bytes, bytes]) -> None:
        try:
            posix.chdir(self.order["cwd"])
            posix.execve(path, self.order["argv"], environment)
        except OSError as error:
            self._say(f'salloc: error: Unable to exec command "{path.decode(errors="replace")}": {error.strerror}')

    def _say(self, text: str) -> None:
        posix.write(2, f"{text}\n".encode(errors="surrogateescape"))

    def _signal(self, number: int) -> None:
        if number != SIGCHLD:
            if number in _ENOUGH and not self.revoked:
                self.revoked = True
                self.session.send(b"G", b"%d" % number)
            return
        status = self.child.reap() if self.child else None
        if status is None:
            return
        self.session.catch_up()
        if posix.WIFEXITED(status):
            code = posix.WEXITSTATUS(status)
        else:
            code = 0 if posix.WTERMSIG(status) in _OF_THE_USER else 1
        self.result = {"status": status & 0xFF7F, "code": code, "revoked": self.revoked}
        if self.session.channel is None:
            self.session.code = code
        else:
            self.session.answer(self.result)

    def aborted(self, notice: bytes) -> None:
        """The allocation is gone."""
        self.revoked = True
        if not self.order["quiet"]:
            late = f"{self.name} has exceeded its time limit and its allocation"
            self._say(f"salloc: Job {late if b'TIME LIMIT' in notice else f'allocation {self.name}'} has been revoked.")
        if not self.child:
            return
        number = self.order["kill_command"]
        if number < 0:
            number = SIGHUP if self.child.terminal else SIGTERM
        if number:
            self.child.signal(number)

    def _lost(self) -> None:
        """The controller is gone; the command goes on, and so does its allocation once there is another one."""
        from shim.guest import reconnect

        reconnect.keep_trying(self.session, self.order)
