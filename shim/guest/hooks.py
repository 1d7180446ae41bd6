"""Programs around a step and its tasks (srun(1), --prolog, --epilog, --task-prolog, --task-epilog)."""

from __future__ import annotations

import posix

from shim.guest.task import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK = 1 << 16


def run_around(program: bytes, environment: Mapping[bytes, bytes]) -> int:
    """srun's own prolog or epilog: runs to its end. How it ended, 1 for a signal. Raises OSError if it cannot run."""
    _check(program)
    pid = posix.posix_spawn(program, [program], environment)
    code = posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
    return code if code >= 0 else 1


def task_prolog(program: bytes, environment: dict[bytes, bytes]) -> int:
    """Run a task's prolog in the task's place and do what it prints: ``export``, ``unset``, ``print``.

    0, or after saying why not, the exit code of a task that is not to begin.
    """
    name = program.decode(errors="replace")
    if not program.startswith(b"/"):
        complain(f"run_command: user task_prolog is not fully qualified pathname ({name})")
        return _prolog_cannot_run()
    read, write = posix.pipe()
    try:
        actions = [(posix.POSIX_SPAWN_DUP2, write, 1)]
        _check(program)
        pid = posix.posix_spawn(program, [program], environment, file_actions=actions)
    except OSError as error:
        complain(f"run_command: user task_prolog can not be executed ({name}) {error.strerror}")
        return _prolog_cannot_run()
    finally:
        posix.close(write)
    output = b""
    while data := posix.read(read, _CHUNK):
        output += data
    posix.close(read)
    code = posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
    if code:
        complain(f"--task-prolog failed status={code}")
        return abs(code)
    for line in output.splitlines():
        _obey(line.strip(), environment)
    return 0


def _check(program: bytes) -> None:
    """Raise OSError for a program that is not there, or not to be run."""
    posix.stat(program)
    if not posix.access(program, posix.X_OK):
        raise PermissionError(13, "Permission denied")


def _prolog_cannot_run() -> int:
    complain("user task_prolog did not exit normally. reason: Run command failed - configuration error")
    complain("--task-prolog failed status=1")
    return 1


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
    name = program.decode(errors="replace")
    if not program.startswith(b"/") or not posix.access(program, posix.X_OK):
        complain(f"Could not run user task_epilog [{name}]: access denied")
        complain("TaskEpilog failed status=-1")
        return
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    try:
        pid = posix.posix_spawn(
            program, [program], environment, file_actions=[(posix.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
        )
        status = posix.waitpid(pid, 0)[1]
    except OSError:
        status = 127 << 8
    finally:
        posix.close(null)
    if status:
        complain(f"TaskEpilog failed status={status}")
