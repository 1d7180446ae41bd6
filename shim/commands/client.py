"""What the kernel knows of the process that called a command: limits, umask, session (proc(5))."""

import re
from dataclasses import dataclass
from pathlib import Path

from shim.commands.call import Call

_PROPAGATED = {  # Slurm's names and those of /proc/PID/limits, in Slurm's order
    "CPU": "Max cpu time",
    "FSIZE": "Max file size",
    "DATA": "Max data size",
    "STACK": "Max stack size",
    "CORE": "Max core file size",
    "RSS": "Max resident set",
    "NPROC": "Max processes",
    "NOFILE": "Max open files",
    "MEMLOCK": "Max locked memory",
    "AS": "Max address space",
}
LIMITS = tuple(_PROPAGATED)
"""The resource limits that --propagate knows (sbatch(1), --propagate)."""

UNLIMITED = -1
"""resource.RLIM_INFINITY."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was when it called. Limits are (soft, hard), `UNLIMITED` for none; ``nice`` is -20 to 19."""

    limits: dict[str, tuple[int, int]]
    umask: int
    session: int
    nice: int

    __hash__ = None  # type: ignore[assignment]


def caller(call: Call) -> Process:
    """The process that made a call; of one on another machine only the umask is known. Raises OSError if it is gone."""
    if call.umask is not None:
        return Process(limits={}, umask=call.umask, session=0, nice=0)
    return look_at(call.pid)


def look_at(pid: int, proc: str = "/proc") -> Process:
    """Read what there is about a process. Raises OSError if it is gone."""
    folder = Path(proc) / str(pid)
    status = (folder / "status").read_text()
    # the name of the program, in parentheses, may hold anything: the numbers come after the last one
    numbers = (folder / "stat").read_text().rpartition(")")[2].split()
    umask = re.search(r"^Umask:\s*([0-7]+)$", status, re.MULTILINE)
    return Process(
        limits=_limits((folder / "limits").read_text()),
        umask=int(umask[1], 8) if umask else 0o022,
        session=int(numbers[3]),
        nice=int(numbers[16]),
    )


def _limits(table: str) -> dict[str, tuple[int, int]]:
    limits = {}
    for name, words in _PROPAGATED.items():
        match = re.search(rf"^{words}\s+(\S+)\s+(\S+)", table, re.MULTILINE)
        if match:
            limits[name] = _number(match[1]), _number(match[2])
    return limits


def _number(text: str) -> int:
    return UNLIMITED if text == "unlimited" else int(text)
