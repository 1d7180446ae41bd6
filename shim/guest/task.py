"""From a forked client to a task of a step: descriptors, folder, environment, exec.

Whatever fails here ends the task the way slurmstepd ends it, with its message on the task's standard error.
"""

from __future__ import annotations

import posix
from _signal import SIG_DFL, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGXFSZ, signal  # type: ignore[import-not-found]
from errno import EACCES, ENOENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FALLBACK = b"/tmp"  # where slurmstepd goes when the work folder is not there


class Start:
    """How one task begins. ``argv`` and ``environment`` are bytes; ``fds`` are its streams 0, 1 and 2."""

    __slots__ = (
        "argv",
        "cpus",
        "environment",
        "fds",
        "files",
        "folder",
        "group",
        "keep",
        "note",
        "prolog",
        "terminal",
        "umask",
    )

    def __init__(
        self,
        argv: Sequence[bytes],
        environment: Mapping[bytes, bytes],
        fds: tuple[int, int, int],
        folder: bytes,
        umask: int,
        group: int,
    ) -> None:
        self.argv = argv
        self.environment = environment
        self.fds = fds
        self.folder = folder
        self.umask = umask
        self.group = group  # the process group of the step on this node, 0 to begin it
        self.cpus: Sequence[int] = ()
        self.note = b""  # about its binding, with %d for the process
        self.keep: int = -1  # a descriptor to hand on
        self.terminal = b""  # of --pty
        self.prolog = b""
        self.files: tuple[int, int] | None = None  # limits of open files to go back to


def start(task: Start) -> int:
    """Fork the task. Its process."""
    pid = posix.fork()
    if pid:
        if not task.terminal:  # which begins a session of its own
            _join(pid, task.group)
        return pid
    code = 1
    try:
        code = _become(task)
    except OSError as error:
        complain(f"task could not be started: {error.strerror}")
    finally:
        posix._exit(code)


def _join(pid: int, group: int) -> None:
    """Put a task into its process group from here, too, so that the group is there whoever comes first."""
    try:
        posix.setpgid(pid, group)
    except OSError:
        return  # it has done so itself and become its program, or has ended


def _become(task: Start) -> int:
    if task.terminal:
        posix.setsid()
        fd = posix.open(task.terminal, posix.O_RDWR)  # becomes the controlling terminal
        task.fds = (fd, fd, fd)
    else:
        posix.setpgid(0, task.group)
    held = [posix.dup(fd) for fd in task.fds]
    for target, fd in enumerate(held):
        posix.dup2(fd, target)
    if task.keep >= 0:
        posix.set_inheritable(task.keep, True)
    for number in (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGXFSZ):
        signal(number, SIG_DFL)
    if task.files:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, task.files)
    posix.umask(task.umask)
    _enter(task.folder)
    if task.cpus:
        _bind(task)
    environment = dict(task.environment)
    environment[b"SLURM_TASK_PID"] = b"%d" % posix.getpid()
    if task.prolog:
        from shim.guest.hooks import task_prolog

        if code := task_prolog(task.prolog, environment):
            return code
    return execute(task.argv, environment)


def _enter(folder: bytes) -> None:
    try:
        posix.chdir(folder)
    except OSError as error:
        for _ in range(2):  # slurmstepd says so once for the step and once for its task
            complain(f"couldn't chdir to `{folder.decode(errors='replace')}': {error.strerror}: going to /tmp instead")
        posix.chdir(_FALLBACK)


def _bind(task: Start) -> None:
    try:
        posix.sched_setaffinity(0, task.cpus)
    except (OSError, ValueError) as error:
        complain(f"sched_setaffinity: {error}")
    if task.note:
        mask = sum(1 << cpu for cpu in posix.sched_getaffinity(0))
        posix.write(2, task.note % (posix.getpid(), b"0x%X" % mask))


def execute(argv: Sequence[bytes], environment: Mapping[bytes, bytes]) -> int:
    """Become the program; the exit code of the task where that fails."""
    name = argv[0]
    failure: OSError | None = None
    for path in candidates(name, environment):
        try:
            posix.execve(path, [path, *argv[1:]], environment)
        except OSError as error:
            if failure is None or failure.errno == ENOENT:
                failure = error
            if error.errno not in (ENOENT, EACCES):
                break
    text = failure.strerror if failure else "No such file or directory"
    complain(f"execve(): {name.decode(errors='replace')}: {text}")
    return (failure.errno if failure else ENOENT) or 1


def candidates(name: bytes, environment: Mapping[bytes, bytes]) -> list[bytes]:
    """Where a program may be: its path, below the folders of the PATH, or here (srun(1), EXECUTABLE PATHS)."""
    if b"/" in name:
        return [name]
    path = environment.get(b"PATH")
    if path is None:
        return []
    return [*((folder or b".") + b"/" + name for folder in path.split(b":")), name]


def complain(text: str) -> None:
    """A line on this process's standard error, as slurmstepd writes it."""
    posix.write(2, f"slurmstepd: error: {text}\n".encode(errors="surrogateescape"))
