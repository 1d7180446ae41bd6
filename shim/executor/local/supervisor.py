"""A supervisor: the parent of one batch script at a time, and of everything the script leaves behind.

It depends on nothing: the controller and the starter may die while it waits, it still records how the run ended. When
its controller is there it takes the next run from it, so that most runs cost one fork.
"""

import posix
from _signal import SIG_DFL, SIG_IGN, SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, signal  # type: ignore[import-not-found]
from _socket import socket
from errno import ENOSPC
from time import sleep, time

from shim.executor.local import processes, spool, wire
from shim.executor.local.memory import MemoryGuard
from shim.executor.local.script import ALREADY_CLAIMED, Order, become_script

BEGUN_BEFORE = "already"
FINISHED = "finished"
NOT_STARTED = "not started"
_PRIVATE = 0o077
_RETRY = 1.0
"""Seconds between attempts to record an end on a full disk."""


def main(channel: socket) -> None:
    """Serve the controller at the other end of the channel, then leave."""
    try:
        posix.setsid()
        for number in (SIGHUP, SIGINT, SIGQUIT, SIGTERM):
            signal(number, SIG_IGN)  # a script that signals its parent must not lose its supervisor
        signal(SIGCHLD, SIG_DFL)
        me = processes.process(posix.getpid())
        assert me is not None
        boot = processes.boot_id()
        wire.send(channel, (me.pid, me.start))
        while (message := wire.receive(channel)) is not None:
            order = Order(message, me.pid, me.start, boot)
            wire.send(channel, _run(order))
    except OSError:
        pass  # the controller is gone; the run is recorded
    finally:
        posix._exit(0)


def _run(order: Order) -> tuple[str, str]:
    """One run from start to record. What to tell the controller: a word and a text."""
    try:
        if not _make_folder(order):
            return BEGUN_BEFORE, ""
    except OSError as error:
        return NOT_STARTED, error.strerror or ""
    record = spool.Exit(order.restarts, time())
    posix.umask(order.umask)
    try:
        fds = order.open_files()
        script = _fork(order, fds)
    except OSError as error:
        record.launch_failure = f"{error.strerror}: {error.filename}"
        script = 0
    finally:
        posix.umask(_PRIVATE)
    if script:
        for fd in set(fds):
            posix.close(fd)
        _wait(order, record, script)
        if record.status == ALREADY_CLAIMED << 8 and not order.owns_claim():
            return BEGUN_BEFORE, ""
    return _record(order, record)


def _make_folder(order: Order) -> bool:
    """The job folder with the script in it; False if this run began before. Raises OSError."""
    try:
        posix.mkdir(order.folder)
        spool.write_script(order.folder, order.script)
    except FileExistsError:
        claim, record = spool.Claim.read(order.folder), spool.Exit.read(order.folder)
        if any(found is not None and found.restarts >= order.restarts for found in (claim, record)):
            return False
        if claim or record:  # of an earlier run
            spool.remove(order.folder, order.restarts - 1)
            posix.mkdir(order.folder)
        spool.write_script(order.folder, order.script, f".{order.pid}")
    return True


def _fork(order: Order, fds: tuple[int, int, int]) -> int:
    pid = posix.fork()
    if not pid:
        become_script(order, fds)
    return pid


def _wait(order: Order, record: spool.Exit, script: int) -> None:
    """Wait for the script, then end what it left behind."""
    guard = MemoryGuard(order, script) if order.memory_limit else None
    running = True
    while True:
        try:
            pid, status, usage = posix.wait4(-1, posix.WNOHANG if guard and running else 0)
        except ChildProcessError:
            return
        if not pid and guard:
            guard.look(record)
            continue
        record.user += usage.ru_utime
        record.system += usage.ru_stime
        record.max_rss = max(record.max_rss, usage.ru_maxrss)
        if pid == script:
            running = False
            record.status = status & 0xFF7F  # whether it left a core file is no part of Slurm's status
            record.end = time()
        if not running:
            _kill_all()


def _kill_all() -> None:
    for one in processes.descendants(posix.getpid()):
        processes.send_signal(one, SIGKILL)


def _record(order: Order, record: spool.Exit) -> tuple[str, str]:
    """Write the record, however long the disk is full."""
    while True:
        try:
            record.write(order.folder)
        except OSError as error:
            if error.errno == ENOSPC:
                sleep(_RETRY)
                continue
        return FINISHED, record.text()
