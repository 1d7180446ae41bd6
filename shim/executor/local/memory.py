"""The memory limit of a run, enforced by looking (slurm.conf, JobAcctGatherParams=OverMemoryKill)."""

import posix
import select
from _signal import SIGKILL  # type: ignore[import-not-found]

from shim.executor.local import processes, spool
from shim.executor.local.order import Order

_FIRST, _LONGEST = 50, 1000
"""Milliseconds between two looks: often at first, when programs fill their memory, then less."""


class MemoryGuard:
    """Watches one run whose memory is limited."""

    def __init__(self, order: Order, script_pid: int) -> None:
        self._limit: int = order.memory_limit * 1024
        self._std_err = order.std_err
        self._name = f"StepId={order.job_id}.batch"
        self._pause = _FIRST
        self._script = posix.pidfd_open(script_pid)
        self._ended = select.poll()
        self._ended.register(self._script, select.POLLIN)

    def close(self) -> None:
        """Stop watching."""
        posix.close(self._script)

    def look(self, record: spool.Exit) -> None:
        """Wait until the script has ended or it is time to look, and end everything if the limit is exceeded."""
        if self._ended.poll(self._pause) or record.out_of_memory:
            return
        self._pause = min(self._pause * 2, _LONGEST)
        below = processes.descendants(posix.getpid())
        if self._exceeded(below):
            record.out_of_memory = True
            for one in below:
                processes.send_signal(one, SIGKILL)
            self._tell()

    def _exceeded(self, below: list[processes.Process]) -> bool:
        """Resident pages count once for each process that shares them, so a suspicion is looked at in detail."""
        resident = sum(one.rss for one in below)
        return resident > self._limit and sum(map(_proportional, below)) > self._limit

    def _tell(self) -> None:
        text = (
            f"slurmstepd: error: Detected 1 oom-kill event(s) in {self._name}. "
            "Some of your processes may have been killed by the cgroup out-of-memory handler.\n"
        )
        try:
            fd = posix.open(self._std_err, posix.O_WRONLY | posix.O_APPEND | posix.O_CLOEXEC)
        except OSError:
            return
        posix.write(fd, text.encode())
        posix.close(fd)


def _proportional(one: processes.Process) -> int:
    """Resident memory in KB, shared pages divided among those who share them."""
    for line in processes.read(f"/proc/{one.pid}/smaps_rollup").split(b"\n"):
        if line.startswith(b"Pss:"):
            return int(line.split()[1])
    return one.rss
