"""The controller's side of the starter and its supervisors."""

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shim.executor.local import wire

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from shim.executor.local.starter import main; main(int(sys.argv[2]))"
)
_ROOT = str(Path(__file__).parents[3])
_KEPT_IDLE = 30.0
"""Seconds after which supervisors without work are let go."""

_LOG = logging.getLogger(__name__)


class Supervisor:
    """One supervisor of this controller: idle, or carrying out one run."""

    __slots__ = ("channel", "folder_of", "folder_spare", "pid", "run", "start")

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.pid = 0  # until it has said hello
        self.start = 0
        self.run: Any = None
        self.folder_of = 0  # the job whose folder it made last
        self.folder_spare = False  # that folder may become its next run's


class Pool:
    """Supervisors on demand. ``on_message(supervisor, message)`` is told what they say, None when they are gone."""

    def __init__(self, on_message: Callable[[Supervisor, Any], None], keep: int, file_limit: int) -> None:
        self._on_message = on_message
        self._keep = keep
        self._file_limit = file_limit
        self._loop = asyncio.get_running_loop()
        self._idle: list[Supervisor] = []
        self._all: set[Supervisor] = set()
        self._starter: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._unborn: deque[socket.socket] = deque()  # ends of channels for supervisors yet to be forked
        self._rest: asyncio.TimerHandle | None = None
        self._quiet_since = 0.0

    def take(self) -> Supervisor:
        """An idle supervisor, or a new one; it may be sent its order at once."""
        if self._idle:
            return self._idle.pop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        supervisor = Supervisor(ours)
        self._all.add(supervisor)
        self._loop.add_reader(ours, self._readable, supervisor)
        self._unborn.append(theirs)
        if len(self._unborn) == 1:
            self._loop.call_soon(self._fork)
        return supervisor

    def send(self, supervisor: Supervisor, order: object) -> None:
        """Send an order. A supervisor that has just died is reported gone like any other."""
        with contextlib.suppress(OSError):
            wire.send(supervisor.channel, order)

    def give_back(self, supervisor: Supervisor) -> None:
        """This supervisor's run is over."""
        supervisor.run = None
        if len(self._idle) >= self._keep:
            self._drop(supervisor)
            self._on_message(supervisor, None)
            return
        self._idle.append(supervisor)
        self._quiet_since = self._loop.time()
        if self._rest is None:
            self._rest = self._loop.call_later(_KEPT_IDLE, self._let_go)

    def close(self) -> None:
        """Let go of the starter and all supervisors; those with a run go on alone."""
        if self._rest:
            self._rest.cancel()
            self._rest = None
        for supervisor in list(self._all):
            self._drop(supervisor)
        self._idle.clear()
        self._discard_unborn()
        self._starter_gone()

    def _discard_unborn(self) -> None:
        while self._unborn:
            self._unborn.popleft().close()

    def _fork(self) -> None:
        """Hand the waiting channel ends to the starter. Without one, the supervisors are gone at once."""
        try:
            starter = self._starter or self._begin_starter()
            while self._unborn:
                batch = [self._unborn[at] for at in range(min(len(self._unborn), wire.MAX_FDS))]
                wire.send_fds(starter, b"f", [end.fileno() for end in batch])
                for end in batch:
                    self._unborn.popleft()
                    end.close()
        except BlockingIOError:
            self._loop.add_writer(starter, self._fork_on)
        except OSError as error:
            _LOG.warning("starter: %s", error)
            self._starter_gone()
            self._discard_unborn()

    def _fork_on(self) -> None:
        if self._starter:
            self._loop.remove_writer(self._starter)
        self._fork()

    def _begin_starter(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, _ROOT, str(self._file_limit)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._starter = ours
        self._loop.add_reader(ours, self._starter_gone)  # it never speaks
        return ours

    def _starter_gone(self) -> None:
        if self._starter:
            self._loop.remove_reader(self._starter)
            self._loop.remove_writer(self._starter)
            self._starter.close()
            self._starter = None
        if self._process:
            self._process.wait()  # it leaves as soon as its channel is closed
            self._process = None

    def _readable(self, supervisor: Supervisor) -> None:
        try:
            message = wire.receive(supervisor.channel)
        except BlockingIOError:
            return
        except OSError:
            message = None
        if message is None:
            if supervisor in self._idle:
                self._idle.remove(supervisor)
            self._drop(supervisor)
        self._on_message(supervisor, message)

    def _drop(self, supervisor: Supervisor) -> None:
        self._all.discard(supervisor)
        self._loop.remove_reader(supervisor.channel)
        supervisor.channel.close()

    def _let_go(self) -> None:
        over = self._quiet_since + _KEPT_IDLE
        if over > self._loop.time():
            self._rest = self._loop.call_at(over, self._let_go)
            return
        self._rest = None
        idle, self._idle = self._idle, []
        for supervisor in idle:
            self._drop(supervisor)
            self._on_message(supervisor, None)
