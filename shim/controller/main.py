"""The controller's life: one process for each user and state directory, from start-up and recovery to its end."""

import asyncio
import fcntl
import gc
import logging
import logging.handlers
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from shim.config.load import ConfigError, config_path, load_config
from shim.config.settings import Config
from shim.controller.launch import has_run, make_launch
from shim.controller.mail import Mailer
from shim.controller.queue import Queue
from shim.controller.server import Server, command
from shim.executor.base import Executor
from shim.launcher import SOCKET, VERSION, state_dir
from shim.table.table import Table

_LOG = logging.getLogger("shim.controller")
_DAY = 86400.0
WARM_UP = 0.1
"""Seconds between the commands that are loaded ahead after the start."""


def main(ready: int) -> None:
    """Become the controller, or give way to one that is there already.

    ``ready`` is a descriptor: it is closed when a controller can be talked to; what is written there first tells why
    there is none.
    """
    folder = Path(os.fsdecode(state_dir()))
    os.set_inheritable(ready, False)
    sys.set_int_max_str_digits(0)  # too large a number is refused in Slurm's words, and no argument exceeds 128 KiB
    _leave_terminal()
    try:
        os.umask(0o077)
        folder.mkdir(parents=True, exist_ok=True)
        starting = _lock(folder / "starting.lock")  # held until the controller can be talked to
        if _answers(folder):
            sys.exit(0)
        _lock(folder / "controller.lock")  # held for life: free once the controller before has ended
    except OSError as error:
        _give_up(ready, f"slurm-shim: {folder}: {error.strerror}")
    try:
        config = load_config(config_path())
    except ConfigError as error:
        _give_up(ready, f"slurm-shim: {error}")
    _open_log(folder)
    try:
        asyncio.run(_Life(folder, config, ready, starting).run())
    except Exception as error:
        _LOG.exception("the controller ends")
        _give_up(ready, f"slurm-shim: {error}")


def _leave_terminal() -> None:
    """Standard error is the pipe to who waits: nothing started from here may hold it open."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    os.close(null)


def _lock(path: Path) -> int:
    """Wait for the lock on a file; it is held until the descriptor is closed or the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _give_up(ready: int, why: str) -> None:
    os.write(ready, why.encode() + b"\n")
    sys.exit(1)


def _answers(folder: Path) -> bool:
    """True if a controller listens."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _Within(folder):
            probe.connect(SOCKET)
    except OSError:
        return False
    finally:
        probe.close()
    return True


class _Within:
    """Work inside a folder: a socket's address is short only relative to it. Before the event loop runs only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        os.chdir(self.folder)

    def __exit__(self, *_: object) -> None:
        os.chdir("/")


def _listener(folder: Path) -> socket.socket:
    """The socket, in its place only once it listens, for its user alone."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _Within(folder):
        fresh = f"{SOCKET}.new"
        Path(fresh).unlink(missing_ok=True)
        listener.bind(fresh)
        Path(fresh).chmod(0o600)
        listener.listen(1024)
        Path(fresh).rename(SOCKET)
    return listener


def _open_log(folder: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(folder / "controller.log", maxBytes=4 << 20, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def make_executors(config: Config, folder: Path, queue_steps: Callable[[int], tuple[int, ...]]) -> dict[str, Executor]:
    """The executors that the partitions name."""
    kinds = {partition.executor for partition in config.partitions} or {"local"}
    executors: dict[str, Executor] = {}
    if "local" in kinds:
        from shim.executor.local.executor import LocalExecutor

        executors["local"] = LocalExecutor(config, str(folder), queue_steps)
    if "dstack" in kinds:
        from shim.executor.dstack.executor import DstackExecutor

        executors["dstack"] = DstackExecutor(config, folder)
    return executors


async def _warm_up() -> None:
    """Load the commands before they are asked for, one at a time so that nobody waits for it."""
    for name in ("squeue", "sbatch", "scancel", "scontrol", "sinfo", "sacct", "srun"):
        await asyncio.sleep(WARM_UP)
        command(name)
    gc.freeze()  # everything loaded so far stays: the collector need not look at it again


class _Life:
    """One controller from start to end."""

    def __init__(self, folder: Path, config: Config, ready: int, starting: int) -> None:
        self.folder = folder
        self.config = config
        self.ready = ready
        self.starting = starting
        self.end = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        table = Table(self.folder / "jobs.db")
        executors = make_executors(self.config, self.folder, lambda job_id: queue.step_table.pids(job_id))
        queue = Queue(self.config, table, executors, self.folder)
        queue.mailer = Mailer(queue)
        queue.on_shutdown = self.end.set
        queue.on_reconfigure = lambda: self._reconfigure(queue)
        server = Server(queue, self.folder, self.end.set)
        queue.on_call = server.serve_remote
        for executor in executors.values():
            await executor.open(queue)
        queue.restore()
        for name, executor in executors.items():
            mine = [job for job in queue.running if has_run(queue, job) and queue.executor_of(job).name == name]
            await executor.recover(mine, lambda job: make_launch(queue, job))
        queue.recover_endings()
        queue.mailer.resume()
        listener = _listener(self.folder)
        await server.listen(listener)
        self._tell_ready()
        _LOG.info("version %s, process %d, %d jobs", VERSION, os.getpid(), len(queue.jobs))
        chores = [loop.create_task(self._chores(queue, server)), loop.create_task(_warm_up())]
        await self.end.wait()
        for chore in chores:
            chore.cancel()
        server.close()
        (self.folder / SOCKET).unlink(missing_ok=True)
        await queue.flushed()
        for executor in executors.values():
            await executor.close()
        table.close()
        _LOG.info("process %d ends", os.getpid())

    def _tell_ready(self) -> None:
        os.close(self.starting)
        os.close(self.ready)

    async def _chores(self, queue: Queue, server: Server) -> None:
        """Once in a long while: purge old accounting, and end when nobody needs this process."""
        purged = 0.0
        while True:
            await asyncio.sleep(self.config.idle_exit)
            if queue.now() - purged > _DAY:
                purged = queue.now()
                queue.write(lambda table: table.purge(queue.now() - self.config.keep_accounting))
                await queue.flushed()
            if queue.idle and not server.busy and queue.now() - server.last_call >= self.config.idle_exit:
                _LOG.info("idle")
                self.end.set()

    def _reconfigure(self, queue: Queue) -> None:
        config = load_config(config_path())
        queue.configure(config)
