"""A supervisor: the parent of one batch script at a time, and of everything the script leaves behind.

It depends on nothing: the controller and the starter may die while it waits, it still records how the run ended. While
its controller is there it takes the next run from it.
"""

import posix
from _signal import (  # type: ignore[import-not-found]
    SIG_DFL,
    SIG_IGN,
    SIGCHLD,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGTERM,
    signal,
)
from _socket import socket
from time import time

from shim.executor.local import processes, script, spool, wire
from shim.executor.local.memory import MemoryGuard
from shim.executor.local.order import Order
from shim.marks import JOB_FAILED, JOB_OVER, SRUN

BEGUN_BEFORE = "begun before"
FINISHED = "finished"
NOT_STARTED = "not started"
SCRIPT_OVER = "script over"
_PRIVATE = 0o077


def main(channel: socket) -> None:
    """Serve the controller at the other end of the channel, then leave. Never returns."""
    try:
        posix.setsid()
        for number in (SIGHUP, SIGINT, SIGQUIT, SIGTERM):
            signal(number, SIG_IGN)  # a script that signals its parent must not lose its supervisor
        signal(SIGCHLD, SIG_DFL)
        me = processes.process(posix.getpid())
        assert me is not None
        wire.send(channel, (me.pid, me.start))
        _serve(channel, f"{me.pid}:{me.start}:{processes.boot_id()}", me.pid)
    except OSError:
        pass  # the controller is gone; the run is recorded
    finally:
        posix._exit(0)


def _serve(channel: socket, name: str, pid: int) -> None:
    folder = None
    while (message := wire.receive(channel)) is not None:
        order = Order(message)
        folder = folder or spool.Folder(order.spool, name, pid)
        wire.send(channel, _run(order, folder, channel))
        if not _alone():
            return


def _run(order: Order, folder: spool.Folder, channel: socket) -> tuple[str, str]:
    """One run from start to record. What to tell the controller: a word and a text."""
    try:
        folder.prepare(order.script, spool.ordered(order.job_id, order.restarts), order.recycle)
        if not folder.publish(spool.folder(order.spool, order.job_id)):
            return BEGUN_BEFORE, ""
    except OSError as error:
        return NOT_STARTED, error.strerror or ""
    record = spool.Exit(time())
    pid = _start(order, folder, record)
    if pid:
        _wait(order, record, pid)
        _end_the_rest(record, channel)
    _record(order, folder, record)
    return FINISHED, record.text()


def _start(order: Order, folder: spool.Folder, record: spool.Exit) -> int:
    """Start the script. Its pid, 0 where Slurm fails the launch."""
    posix.umask(order.umask)
    fds: list[int] = []
    try:
        order.open_files(fds)
        return script.start(order, folder, fds)
    except OSError as error:
        record.launch_failure = error.strerror or "launch failed"
        return 0
    finally:
        posix.umask(_PRIVATE)
        for fd in set(fds):
            posix.close(fd)


def _wait(order: Order, record: spool.Exit, script_pid: int) -> None:
    """Wait for the script."""
    guard = MemoryGuard(order, script_pid) if order.memory_limit else None
    while True:
        pid, status, usage = posix.wait4(-1, posix.WNOHANG if guard else 0)
        if pid:
            record.count(usage)
        elif guard:
            guard.look(record)
        if pid == script_pid:
            break
    record.status = status & 0xFF7F  # whether it left a core file is no part of Slurm's status
    record.end = time()
    if guard:
        guard.close()


def _end_the_rest(record: spool.Exit, channel: socket) -> None:
    """End what the script left behind: at once, but steps as a scancel ends them, which gives their tasks KillWait.

    The controller, if it is there, learns that there are such steps.
    """
    told: set[int] = set()
    while True:
        try:
            pid, _, usage = posix.wait4(-1, posix.WNOHANG)
            if not pid:
                if _only_services():
                    return
                known = bool(told)
                _end_processes(told, JOB_FAILED if record.status else JOB_OVER)
                if told and not known:
                    _tell(channel, (SCRIPT_OVER, record.text()))
                _, _, usage = posix.wait4(-1, 0)
        except ChildProcessError:
            return
        record.count(usage)


def _tell(channel: socket, news: tuple[str, str]) -> None:
    try:
        wire.send(channel, news)
    except OSError:
        return  # there is no controller now; the next one reads the record


def _end_processes(told: set[int], number: int) -> None:
    """Kill all but steps; ``told`` are the sruns that know already, by this signal, that they are to end theirs."""
    below = processes.descendants(posix.getpid())
    tasks = processes.below_srun(below)
    for one in below:
        if one.name == SRUN:
            if one.pid not in told:
                told.add(one.pid)
                processes.send_signal(one, number)
        elif one.pid not in tasks:
            processes.send_signal(one, SIGKILL)


def _only_services() -> bool:
    """True if a controller that a command of the job has started, or what was below it, is all that is left."""
    left = processes.children(posix.getpid())
    return bool(left) and all(processes.is_service(one.pid) for one in left)


def _alone() -> bool:
    try:
        posix.wait4(-1, posix.WNOHANG)
    except ChildProcessError:
        return True
    return False


def _record(order: Order, folder: spool.Folder, record: spool.Exit) -> None:
    """Mark the end. The mark before is missing if the script's process died before it had set it."""
    mark = spool.ended(order.job_id, order.restarts, record)
    for before in (folder.current, spool.ordered(order.job_id, order.restarts)):
        folder.marked(before)
        if folder.try_mark(mark):
            return
