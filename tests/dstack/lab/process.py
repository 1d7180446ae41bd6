"""A job's main process on a PTY of its own session, as dstack's runner starts it inside the container."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

HANGUP_AFTER, KILL_AFTER = 5.0, 10.0
"""Seconds from the runner's ^C to SIGHUP and to SIGKILL (dstack 0.22)."""


class PtyProcess:
    """Runs `argv`; hands every piece of output to `on_output`; stops in three stages, as the runner does."""

    def __init__(self, argv: list[str], env: dict[str, str], cwd: str, on_output: Callable[[bytes], None]) -> None:
        self._argv, self._env, self._cwd, self._on_output = argv, env, cwd, on_output
        self._timers: list[asyncio.TimerHandle] = []
        self._closed = asyncio.Event()
        self.pid: int | None = None

    async def run(self) -> int:
        """Run to the end of the process and of its output; negative is the signal it died from."""
        self._master, slave = os.openpty()
        loop = asyncio.get_running_loop()
        try:
            # setsid(1) makes the PTY the controlling terminal without code between fork and exec.
            process = await asyncio.create_subprocess_exec(
                "setsid", "--ctty", *self._argv, stdin=slave, stdout=slave, stderr=slave, env=self._env, cwd=self._cwd
            )
        finally:
            os.close(slave)
        self.pid = process.pid
        loop.add_reader(self._master, self._read)
        try:
            status = await process.wait()
        except asyncio.CancelledError:  # the end of the host
            self.signal_session(signal.SIGKILL)
            await process.wait()
            raise
        for timer in self._timers:
            timer.cancel()
        await self._closed.wait()
        return status

    def _read(self) -> None:
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: the last process that held the terminal is gone
            data = b""
        if data:
            self._on_output(data)
        else:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._closed.set()

    def stop(self) -> None:
        """^C on the terminal, later SIGHUP and SIGCONT to the session, later SIGKILL."""
        if self.pid is None or self._closed.is_set():
            return
        os.write(self._master, b"\x03")
        loop = asyncio.get_running_loop()
        self._timers += [
            loop.call_later(HANGUP_AFTER, self.signal_session, signal.SIGHUP, signal.SIGCONT),
            loop.call_later(KILL_AFTER, self.signal_session, signal.SIGKILL),
        ]

    def signal_session(self, *signals: signal.Signals) -> None:
        for pid in all_pids():
            for number in signals:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if os.getsid(pid) == self.pid:
                        os.kill(pid, number)


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def kill_marked(mark: str) -> int:
    """Kill every process with `mark` ("NAME=value") in its environment: the end of a container. Returns how many."""
    killed = 0
    for pid in all_pids():
        with contextlib.suppress(OSError):
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed
