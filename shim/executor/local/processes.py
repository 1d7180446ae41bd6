"""Processes as /proc shows them. A process is named by its pid and its start time, so that a recycled pid never passes
for the process that had it before (proc(5)).
"""

import posix

from shim.marks import SRUN

TICKS: int = posix.sysconf("SC_CLK_TCK")
PAGE_KB: int = posix.sysconf("SC_PAGE_SIZE") // 1024

_SERVICES = (
    b"from shim.controller.main import main",
    b"from shim.executor.local.starter import main",
    b"from shim.guest.pmix_server import main",
)


class Process:
    """One process: start time in clock ticks since boot, CPU time in ticks, resident memory in KB."""

    __slots__ = ("cpu", "name", "parent", "pid", "rss", "session", "start", "state")

    def __init__(self, pid: int, stat: bytes) -> None:
        fields = stat[stat.rindex(b")") + 2 :].split()
        self.pid = pid
        self.name = stat[stat.index(b"(") + 1 : stat.rindex(b")")]
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.cpu = int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
        self.start = int(fields[19])
        self.rss = int(fields[21]) * PAGE_KB


def read(path: str) -> bytes:
    """A small file of /proc, empty where it is gone or not ours."""
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while part := posix.read(fd, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        posix.close(fd)


def process(pid: int) -> Process | None:
    """The process of that pid now, None if there is none."""
    stat = read(f"/proc/{pid}/stat")
    return Process(pid, stat) if stat else None


def boot_id() -> str:
    """What tells this boot of the machine from others: twelve hexadecimal digits."""
    return read("/proc/sys/kernel/random/boot_id").decode().strip().replace("-", "")[:12]


def alive(pid: int, start: int) -> bool:
    """True while exactly this process runs (a zombie does not)."""
    found = process(pid)
    return found is not None and found.start == start and found.state not in "ZX"


def everything() -> list[Process]:
    """All processes of the machine."""
    found = (process(int(name)) for name in posix.listdir("/proc") if name.isdigit())
    return [one for one in found if one is not None]


def children(pid: int) -> list[Process]:
    """The children of a process, oldest first."""
    try:
        threads = posix.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    if _LISTS_CHILDREN:
        names = [name for thread in threads for name in read(f"/proc/{pid}/task/{thread}/children").split()]
        found = [one for one in (process(int(name)) for name in names) if one is not None and one.parent == pid]
    else:
        found = [one for one in everything() if one.parent == pid]
    found.sort(key=lambda one: (one.start, one.pid))
    return found


def is_service(pid: int) -> bool:
    """True for a controller, a starter, a supervisor, or the PMIx server of a step, which ends with its srun. A command
    of a job may have started a controller: it and all that runs below it belong to no job, wherever they stand in the
    tree of processes.
    """
    command = read(f"/proc/{pid}/cmdline")
    return any(service in command for service in _SERVICES)


def descendants(pid: int) -> list[Process]:
    """All processes below one that belong to its job, parents before their children."""
    families = None if _LISTS_CHILDREN else _families()
    found: list[Process] = []
    parent = pid
    at = 0
    while True:
        below = children(parent) if families is None else families.get(parent, [])
        found.extend(one for one in below if not is_service(one.pid))
        if at == len(found):
            return found
        parent = found[at].pid
        at += 1


def below_srun(below: list[Process]) -> set[int]:
    """Those of a run's processes (parents first) that are tasks of steps, or were started by tasks: the srun above them
    sees to their end.
    """
    clients = {one.pid for one in below if one.name == SRUN}
    found: set[int] = set()
    for one in below:
        if one.parent in clients or one.parent in found:
            found.add(one.pid)
    return found


def _families() -> dict[int, list[Process]]:
    by_parent: dict[int, list[Process]] = {}
    for one in everything():
        by_parent.setdefault(one.parent, []).append(one)
    return by_parent


def send_signal(target: Process, number: int) -> bool:
    """Send a signal to exactly this process; False if it is gone or not ours."""
    from _signal import pidfd_send_signal  # type: ignore[import-not-found]

    try:
        fd = posix.pidfd_open(target.pid)
    except OSError:
        return False
    try:
        if not alive(target.pid, target.start):
            return False
        pidfd_send_signal(fd, number)
        return True
    except OSError:
        return False
    finally:
        posix.close(fd)


_LISTS_CHILDREN = bool(read("/proc/self/stat")) and "children" in posix.listdir(f"/proc/self/task/{posix.getpid()}")
