"""The job folder of a run, ``<spool>/job00015``: the script, and a mark that says who runs it and how far it is.

The mark is a symbolic link. Its target names the supervisor, its name is the state of the run:

    run:15:0                      ordered; its process is not there yet
    run:15:0:4711                 the script runs as process 4711
    exit:15:0:0:1795549037.1:...  over, and all its processes are gone

A supervisor prepares its folder aside and renames it to the job folder. That claims the run, for a folder that holds
something is never replaced, and whoever looks finds it complete. Each further step is a rename of the mark: atomic, and
possible on a full disk. With the controller's leave, the folder of a run that is over becomes that of the supervisor's
next run; making and deleting files for each run would cost more than all else (ext4 looks at every inode that was freed
in the last minutes before it takes one).
"""

import posix
from resource import struct_rusage

SCRIPT = "slurm_script"
_ASIDE = "new."
_RUN, _EXIT = "run", "exit"
_ENTRIES = 2
_TEXT_LIMIT = 100


def folder(spool: str, job_id: int) -> str:
    """The job folder, named as slurmd names it."""
    return f"{spool}/job{job_id:05d}"


class Exit:
    """How a run ended: status as wait() gives it, times in epoch seconds, CPU in seconds, memory in KB."""

    __slots__ = ("end", "launch_failure", "max_rss", "out_of_memory", "start", "status", "system", "user")

    def __init__(self, start: float) -> None:
        self.status = 0
        self.start = start
        self.end = start
        self.user = 0.0
        self.system = 0.0
        self.max_rss = 0
        self.out_of_memory = False
        self.launch_failure = ""

    def count(self, usage: struct_rusage) -> None:
        """Add what a process that has ended has used."""
        self.user += usage.ru_utime
        self.system += usage.ru_stime
        self.max_rss = max(self.max_rss, usage.ru_maxrss)

    def text(self) -> str:
        """The record as part of a file name, read back by ``parse``."""
        failure = self.launch_failure.replace("/", " ")[:_TEXT_LIMIT]
        return (
            f"{self.status}:{self.start:.6f}:{self.end:.6f}:{self.user:.6f}:{self.system:.6f}:"
            f"{self.max_rss}:{self.out_of_memory:d}:{failure}"
        )

    @staticmethod
    def parse(text: str) -> "Exit":
        """The record from its text."""
        status, start, end, user, system, max_rss, out_of_memory, launch_failure = text.split(":", 7)
        record = Exit(float(start))
        record.status = int(status)
        record.end = float(end)
        record.user = float(user)
        record.system = float(system)
        record.max_rss = int(max_rss)
        record.out_of_memory = out_of_memory == "1"
        record.launch_failure = launch_failure
        return record


def ordered(job_id: int, restarts: int) -> str:
    """The mark of a run that is about to begin."""
    return f"{_RUN}:{job_id}:{restarts}"


def running(job_id: int, restarts: int, script: int) -> str:
    """The mark of a run whose script is that process."""
    return f"{_RUN}:{job_id}:{restarts}:{script}"


def ended(job_id: int, restarts: int, record: Exit) -> str:
    """The mark of a run that is over."""
    return f"{_EXIT}:{job_id}:{restarts}:{record.text()}"


class Mark:
    """A mark as found: whose run, its supervisor (pid, start, boot), the script's pid (0: not there yet), its end."""

    __slots__ = ("boot", "exit", "job_id", "name", "pid", "restarts", "script", "start")

    def __init__(self, name: str, supervisor: str) -> None:
        pid, start, self.boot = supervisor.split(":")
        self.name = name
        self.pid = int(pid)
        self.start = int(start)
        state, job_id, restarts, *rest = name.split(":", 3)
        self.job_id = int(job_id)
        self.restarts = int(restarts)
        self.exit = Exit.parse(rest[0]) if state == _EXIT else None
        self.script = int(rest[0]) if state == _RUN and rest else 0


def read(path: str) -> Mark | None:
    """The mark in a job folder, None if there is no such folder."""
    while True:
        try:
            names = [name for name in posix.listdir(path) if name.startswith((_RUN, _EXIT))]
            if not names:
                return None
            return Mark(names[0], posix.readlink(f"{path}/{names[0]}"))
        except FileNotFoundError:  # the mark was renamed meanwhile, or there is no folder
            if not _exists(path):
                return None


def _exists(path: str) -> bool:
    try:
        posix.stat(path)
    except FileNotFoundError:
        return False
    return True


class Folder:
    """A supervisor's job folder, from one run to the next."""

    current: str
    """The mark it bears."""

    def __init__(self, spool: str, supervisor: str, pid: int) -> None:
        self._aside = f"{spool}/{_ASIDE}{pid}"
        self._supervisor = supervisor
        self._forget()

    def _forget(self) -> None:
        self._path = ""
        self.current = ""
        self._script = b""
        self._script_state = (0, 0, 0)

    def prepare(self, script: bytes, mark: str, recycle: bool) -> None:
        """A folder with that script and mark, nobody's yet. Raises OSError."""
        if self._path and (recycle or self._path == self._aside):
            try:
                if len(posix.listdir(self._path)) != _ENTRIES:
                    raise FileExistsError  # the job before has put something there
                self.mark(mark)
                if script != self._script or self._script_state != _identity(self.script):
                    self._write(self._path, script)
                return
            except (FileExistsError, FileNotFoundError):
                remove(self._path)
        self._forget()
        self._remove_aside()
        posix.mkdir(self._aside, 0o700)
        self._write(self._aside, script)
        posix.symlink(self._supervisor, f"{self._aside}/{mark}")
        self._path, self.current = self._aside, mark

    def publish(self, path: str) -> bool:
        """Claim the run whose folder this is; False if it is claimed already. Raises OSError."""
        try:
            posix.rename(self._path, path)
        except OSError as error:
            if not _exists(path):
                raise error
            return False
        self._path = path
        return True

    def mark(self, mark: str) -> None:
        """Note how far the run is. Raises FileNotFoundError if the run is not this supervisor's any more."""
        posix.rename(f"{self._path}/{self.current}", f"{self._path}/{mark}")
        self.current = mark

    def try_mark(self, mark: str) -> bool:
        """Note how far the run is; False if the script has removed its folder."""
        try:
            self.mark(mark)
        except OSError:
            return False
        return True

    @property
    def script(self) -> str:
        """The path of the script."""
        return f"{self._path}/{SCRIPT}"

    def marked(self, mark: str) -> None:
        """Take note of a mark that the script's process has set."""
        self.current = mark

    def _write(self, path: str, script: bytes) -> None:
        new, target = f"{path}/{SCRIPT}.new", f"{path}/{SCRIPT}"
        fd = posix.open(new, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC, 0o700)
        try:
            view = memoryview(script)
            while view:
                view = view[posix.write(fd, view) :]
        finally:
            posix.close(fd)
        posix.rename(new, target)
        self._script = script
        self._script_state = _identity(target)

    def _remove_aside(self) -> None:
        if _exists(self._aside):
            remove(self._aside)


def _identity(path: str) -> tuple[int, int, int]:
    """What changes when a script changes itself."""
    found = posix.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_mode


def seize(path: str, mark: Mark) -> bool:
    """Take a run from a dead supervisor, so that a process it may have forked does not become the script any more.
    False if that process was faster.
    """
    try:
        posix.rename(f"{path}/{mark.name}", f"{path}/{running(mark.job_id, mark.restarts, mark.script)}")
    except FileNotFoundError:
        return False
    return True


def began(path: str) -> float:
    """When the run was ordered at the earliest, in epoch seconds."""
    return posix.stat(path).st_mtime


def remove(path: str) -> None:
    """Remove a job folder, whatever a job has put there; what cannot be removed stays."""
    try:
        for name in posix.listdir(path):
            try:
                posix.unlink(f"{path}/{name}")
            except IsADirectoryError:
                remove(f"{path}/{name}")
        posix.rmdir(path)
    except OSError:
        return


def leftovers(spool: str) -> list[tuple[str, int, int]]:
    """All folders below the spool: path, job id and 0, or 0 and the pid of the supervisor that made it aside."""
    found = []
    for name in posix.listdir(spool):
        if name.startswith("job"):
            found.append((f"{spool}/{name}", int(name[3:]), 0))
        elif name.startswith(_ASIDE):
            found.append((f"{spool}/{name}", 0, int(name[len(_ASIDE) :])))
    return found
