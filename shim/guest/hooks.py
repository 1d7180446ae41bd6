"""Programs around a step and its tasks (srun(1), --prolog, --epilog, --task-prolog, --task-epilog)."""

from __future__ import annotations

import posix

from shim.guest.task import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK = 1 << 16


def run_around(program: bytes, environment: Mapping[bytes, bytes]) -> str:
    """srun's own prolog or epilog: runs to its end, whatever that is. What to say, "" for nothing."""
    try:
        posix.stat(program)
        if not posix.access(program, posix.X_OK):
            raise PermissionError(13, "Permission denied")
        pid = posix.posix_spawn(program, [program], environment)
    except OSError as error:
        return f"Access denied for {program.decode(errors='replace')}: {error.strerror}"
    posix.waitpid(pid, 0)
    return ""


def task_prolog(program: bytes, environment: dict[bytes, bytes]) -> bool:
    """Run a task's prolog in the task's place and do what it prints: ``export``, ``unset``, ``print``.

    False, after saying why, where it cannot be run.
    """
    name = program.decode(errors="replace")
    read, write = posix.pipe()
    try:
        actions = [(posix.POSIX_SPAWN_DUP2, write, 1)]
        if not posix.access(program, posix.X_OK):
            posix.stat(program)
            raise PermissionError(13, "Permission denied")
        pid = posix.posix_spawn(program, [program], environment, file_actions=actions)
    except OSError as error:
        complain(f"run_command: user task_prolog can not be executed ({name}) {error.strerror}")
        complain("user task_prolog did not exit normally. reason: Run command failed - configuration error")
        complain("--task-prolog failed status=1")
        return False
    finally:
        posix.close(write)
    output = b""
    while data := posix.read(read, _CHUNK):
        output += data
    posix.close(read)
    posix.waitpid(pid, 0)
    for line in output.splitlines():
        _obey(line.strip(), environment)
    return True


def _obey(line: bytes, environment: dict[bytes, bytes]) -> None:
    word, _, rest = line.partition(b" ")
    if word == b"export" and b"=" in rest:
        name, _, value = rest.partition(b"=")
        environment[name.strip()] = value
    elif word == b"unset":
        environment.pop(rest.strip(), None)
    elif word == b"print":
        posix.write(1, rest + b"\n")


def task_epilog(program: bytes, environment: Mapping[bytes, bytes]) -> None:
    """Run a task's epilog after its end; it has no standard streams."""
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    try:
        pid = posix.posix_spawn(
            program, [program], environment, file_actions=[(posix.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
        )
        posix.waitpid(pid, 0)
    except OSError:
        pass
    finally:
        posix.close(null)
