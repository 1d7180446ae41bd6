"""Starting the batch script: descriptors, limits, folder, mark, exec.

There are two ways. Any script can be started by a fork of the supervisor, whose child sets everything up and then
executes it; whatever fails there ends the process the way slurmstepd ends it, with its message on the job's standard
error. But a Python process is costly to fork: a third more than all that bash does for an empty script. Where nothing
needs to be set up in the child, the script is spawned, which copies no memory. The one thing a spawned script cannot be
given is its own process id in SLURM_TASK_PID; bash is told to set it (bash(1), BASH_ENV), others are forked.
"""

import posix
from _signal import SIG_DFL, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ, signal  # type: ignore[import-not-found]

from shim.executor.local import limits, spool
from shim.executor.local.order import Order

HELPER = "task_pid.sh"
"""Below the spool: what bash reads first."""
HELPER_TEXT = b"builtin export SLURM_TASK_PID=$$; builtin unset BASH_ENV\n"

_BASH = (b"#!/bin/bash\n", b"#!/usr/bin/bash\n", b"#!/usr/bin/env bash\n", b"#! /bin/bash\n")
_SWAYS_BASH = (b"BASH_ENV", b"SHELLOPTS", b"BASHOPTS", b"POSIXLY_CORRECT", b"BASH_FUNC_builtin%%")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,=")
_IGNORED_BY_SUPERVISORS = (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ)
_FALLBACK = "/tmp"  # where slurmstepd goes when the work folder is not there
_SHEBANG_LENGTH = 256


def start(order: Order, folder: spool.Folder, fds: list[int]) -> int:
    """Start the script with these standard files. Returns its pid. Raises OSError if no process can be made."""
    environment = order.variables()
    pid = _spawn(order, folder, fds, environment) if _can_be_spawned(order, environment) else 0
    if pid:
        folder.try_mark(spool.running(order.job_id, order.restarts, pid))
        return pid
    pid = posix.fork()
    if not pid:
        _become_script(order, folder, fds, environment)
    folder.marked(spool.running(order.job_id, order.restarts, pid))
    return pid


def _can_be_spawned(order: Order, environment: dict[bytes, bytes]) -> bool:
    return (
        order.script.startswith(_BASH)
        and not any(name in environment for name in _SWAYS_BASH)
        and limits.met(order.limits)
        and _PLAIN.issuperset(order.spool)  # bash expands the value of BASH_ENV
    )


def _spawn(order: Order, folder: spool.Folder, fds: list[int], environment: dict[bytes, bytes]) -> int:
    """Spawn the script; 0 if that fails, for the other way has the words for it."""
    try:
        posix.chdir(order.work_dir)
        return posix.posix_spawn(
            folder.script,
            [folder.script, *order.arguments],
            {**environment, b"BASH_ENV": f"{order.spool}/{HELPER}".encode()},
            file_actions=[(posix.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(fds)],
            setpgroup=0,
            setsigdef=_IGNORED_BY_SUPERVISORS,
        )
    except OSError:
        return 0
    finally:
        posix.chdir("/")


def _become_script(order: Order, folder: spool.Folder, fds: list[int], environment: dict[bytes, bytes]) -> None:
    """Become the batch script. Never returns."""
    code = 1
    try:
        posix.setpgid(0, 0)
        for target, fd in enumerate(fds):
            posix.dup2(fd, target)
        for number in _IGNORED_BY_SUPERVISORS:
            signal(number, SIG_DFL)
        for complaint in limits.adopt(order.limits):
            _complain(complaint)
        _enter(order.work_dir)
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
