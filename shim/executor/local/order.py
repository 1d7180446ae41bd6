"""One run as the controller orders it from a supervisor."""

import posix

_OUTPUT = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
_NOWHERE = "/dev/null"


class Order:
    """What ``executor.order_of`` packs; see ``shim.executor.base.Launch`` for the fields."""

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
        else:
            fds.append(fds[1])

    def variables(self) -> dict[bytes, bytes]:
        """The environment as a mapping."""
        pairs = [entry.partition(b"=") for entry in self.environment.split(b"\0")]
        return {name: value for name, _, value in pairs if name}
