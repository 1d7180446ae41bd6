"""The job folder of a run: ``<spool>/job00015`` with the script and two records.

The records are symbolic links whose target is the text: the kernel makes a link whole or not at all, in one call, and
refuses to make it twice. ``supervisor`` is made by the process that is about to become the script; who makes it owns
the run, so no run can begin twice. ``exit`` is made by the supervisor when all processes of the run are gone.
"""

import posix

SCRIPT = "slurm_script"
_CLAIM = "supervisor"
_EXIT = "exit"
_TEXT_LIMIT = 3000


def folder(spool: str, job_id: int) -> str:
    """The job folder, named as slurmd names it."""
    return f"{spool}/job{job_id:05d}"


class Claim:
    """Who runs a run: its number, the supervisor (pid, start time, boot) and the script's pid."""

    __slots__ = ("boot", "pid", "restarts", "script", "start")

    def __init__(self, restarts: int, pid: int, start: int, boot: str, script: int) -> None:
        self.restarts = restarts
        self.pid = pid
        self.start = start
        self.boot = boot
        self.script = script

    def write(self, path: str) -> None:
        """Claim the run. Raises FileExistsError when it is claimed already."""
        posix.symlink(f"{self.restarts}:{self.script}:{self.pid}:{self.start}:{self.boot}", f"{path}/{_CLAIM}")

    @staticmethod
    def read(path: str) -> "Claim | None":
        """The claim in a job folder, None if there is none."""
        try:
            restarts, script, pid, start, boot = posix.readlink(f"{path}/{_CLAIM}").split(":")
        except FileNotFoundError:
            return None
        return Claim(int(restarts), int(pid), int(start), boot, int(script))


class Exit:
    """How a run ended: status as wait() gives it, times in epoch seconds, CPU in seconds, memory in KB."""

    __slots__ = ("end", "launch_failure", "max_rss", "out_of_memory", "restarts", "start", "status", "system", "user")

    def __init__(self, restarts: int, start: float) -> None:
        self.restarts = restarts
        self.status = 0
        self.start = start
        self.end = start
        self.user = 0.0
        self.system = 0.0
        self.max_rss = 0
        self.out_of_memory = False
        self.launch_failure = ""

    def text(self) -> str:
        """The record, read back by ``parse``."""
        return (
            f"{self.restarts} {self.status} {self.start:.6f} {self.end:.6f} {self.user:.6f} {self.system:.6f} "
            f"{self.max_rss} {self.out_of_memory:d} {self.launch_failure[:_TEXT_LIMIT]}"
        )

    @staticmethod
    def parse(text: str) -> "Exit":
        """The record from its text."""
        restarts, status, start, end, user, system, max_rss, out_of_memory, launch_failure = text.split(" ", 8)
        record = Exit(int(restarts), float(start))
        record.status = int(status)
        record.end = float(end)
        record.user = float(user)
        record.system = float(system)
        record.max_rss = int(max_rss)
        record.out_of_memory = out_of_memory == "1"
        record.launch_failure = launch_failure
        return record

    def write(self, path: str) -> None:
        """Record the end. Raises OSError (no space, or recorded already)."""
        posix.symlink(self.text(), f"{path}/{_EXIT}")

    @staticmethod
    def read(path: str) -> "Exit | None":
        """The record in a job folder, None if there is none."""
        try:
            return Exit.parse(posix.readlink(f"{path}/{_EXIT}"))
        except FileNotFoundError:
            return None


def began(path: str) -> float:
    """When the run was claimed, in epoch seconds."""
    return posix.lstat(f"{path}/{_CLAIM}").st_mtime


def write_script(path: str, script: bytes, run: str = "") -> None:
    """Write the script, under a name of its own first if another ``run`` may be at it."""
    target = f"{path}/{SCRIPT}"
    fd = posix.open(target + run, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o700)
    try:
        view = memoryview(script)
        while view:
            view = view[posix.write(fd, view) :]
    finally:
        posix.close(fd)
    if run:
        posix.rename(target + run, target)


def remove(path: str, restarts: int) -> None:
    """Remove what runs up to this one left behind, nothing of a later one."""
    claim, record = Claim.read(path), Exit.read(path)
    if max(claim.restarts if claim else -1, record.restarts if record else -1) > restarts:
        return
    try:
        for name in posix.listdir(path):
            posix.unlink(f"{path}/{name}")
        posix.rmdir(path)
    except FileNotFoundError:
        return
