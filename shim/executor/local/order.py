"""One run as the controller orders it from a supervisor."""

import posix
from time import monotonic, sleep

_PATIENCE = 2.0  # seconds
_LOOK_AGAIN = 0.02  # seconds
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
        fds.append(_open_output(self.std_out or _NOWHERE, mode))
        if self.std_err != self.std_out:
            fds.append(_open_output(self.std_err or _NOWHERE, mode))
        else:
            fds.append(fds[1])

    def variables(self) -> dict[bytes, bytes]:
        """The environment as a mapping."""
        pairs = [entry.partition(b"=") for entry in self.environment.split(b"\0")]
        return {name: value for name, _, value in pairs if name}


def _open_output(path: str, mode: int) -> int:
    """Open an output file, waiting a moment for its folder.

    Slurm takes up to three seconds to start a batch job (slurm.conf, batch_sched_delay), and clients such as submitit
    count on it: they make the folder, named after the job, once sbatch has told them the ID. Raises OSError.
    """
    last = monotonic() + _PATIENCE
    while True:
        try:
            return posix.open(path, mode, 0o666)
        except FileNotFoundError:
            if monotonic() >= last:
                raise
            sleep(_LOOK_AGAIN)
