"""From a forked supervisor to the batch script: descriptors, limits, folder, claim, exec.

Whatever fails here ends the process the way slurmstepd ends it, with its message on the job's standard error.
"""

import posix
import resource
from _signal import SIG_DFL, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ, signal  # type: ignore[import-not-found]

from shim.executor.local import spool

_OUTPUT = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
_NOWHERE = "/dev/null"
_FALLBACK = "/tmp"  # where slurmstepd goes when the work folder is not there
_SHEBANG_LENGTH = 256


class Order:
    """One run as the controller orders it."""

    __slots__ = (
        "append", "arguments", "environment", "job_id", "limits", "memory_limit", "recycle", "restarts", "script",
        "spool", "std_err", "std_in", "std_out", "umask", "work_dir",
    )  # fmt: skip

    def __init__(self, message: object) -> None:
        assert isinstance(message, tuple)
        (
            self.job_id, self.restarts, self.spool, self.recycle, self.script, self.arguments, self.environment,
            self.work_dir, self.std_out, self.std_err, self.std_in, self.append, self.umask, self.limits,
            self.memory_limit,
        ) = message  # fmt: skip

    def open_files(self, fds: list[int]) -> None:
        """Open standard input, output and error of the script. Raises OSError where Slurm fails the launch."""
        mode = _OUTPUT if self.append else _OUTPUT | posix.O_TRUNC
        fds.append(posix.open(self.std_in or _NOWHERE, posix.O_RDONLY | posix.O_CLOEXEC))
        fds.append(posix.open(self.std_out or _NOWHERE, mode, 0o666))
        if self.std_err != self.std_out:
            fds.append(posix.open(self.std_err or _NOWHERE, mode, 0o666))


def become_script(order: Order, folder: spool.Folder, fds: list[int]) -> None:
    """Become the batch script. Never returns."""
    code = 1
    try:
        posix.setpgid(0, 0)
        for target, fd in enumerate((fds[0], fds[1], fds[-1])):
            posix.dup2(fd, target)
        for number in (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ):
            signal(number, SIG_DFL)
        _set_limits(order.limits)
        _enter(order.work_dir)
        environment = dict(_variables(order.environment))
        pid = posix.getpid()
        environment[b"SLURM_TASK_PID"] = b"%d" % pid
        folder.mark(spool.running(order.job_id, order.restarts, pid))  # fails if the run was given up
        code = _execute(folder.script, order.arguments, environment)
    finally:
        posix._exit(code)


def _execute(path: str, arguments: tuple[str, ...], environment: dict[bytes, bytes]) -> int:
    try:
        posix.execve(path, [path, *arguments], environment)
    except OSError as error:
        _complain(f"execve(): {_culprit(path, error)}: {error.strerror}")
        return error.errno or 1


def _variables(block: bytes) -> list[tuple[bytes, bytes]]:
    pairs = (entry.partition(b"=") for entry in block.split(b"\0"))
    return [(name, value) for name, _, value in pairs if name]


def _set_limits(limits: list[tuple[str, int, int]]) -> None:
    """The submitter's soft limits, as far as this process may have them; the hard ones stay (slurm.conf,
    PropagateResourceLimits).
    """
    for name, soft, _ in limits:
        number = getattr(resource, name)
        now, hard = resource.getrlimit(number)
        if soft == now:
            continue
        unlimited = resource.RLIM_INFINITY
        higher = hard != unlimited and (soft == unlimited or soft > hard)
        try:
            resource.setrlimit(number, (soft, soft if higher else hard))
        except (ValueError, OSError):
            _complain(f"Can't propagate {name} of {_limit_text(soft)} from submit host: Operation not permitted")


def _limit_text(value: int) -> str:
    return "unlimited" if value == resource.RLIM_INFINITY else str(value)


def _enter(work_dir: str) -> None:
    try:
        posix.chdir(work_dir)
    except OSError as error:
        for _ in range(2):  # slurmstepd says so once for the job and once for its task
            _complain(f"couldn't chdir to `{work_dir}': {error.strerror}: going to {_FALLBACK} instead")
        posix.chdir(_FALLBACK)


def _culprit(path: str, error: OSError) -> str:
    """What exec could not run: the interpreter where the script is there."""
    if isinstance(error, FileNotFoundError):
        fd = posix.open(path, posix.O_RDONLY)
        head = posix.read(fd, _SHEBANG_LENGTH)
        if head.startswith(b"#!"):
            return f"bad interpreter({head[2:].split(bytes([10]))[0].decode(errors='surrogateescape')})"
    return path


def _complain(text: str) -> None:
    posix.write(2, f"slurmstepd: error: {text}\n".encode(errors="surrogateescape"))
