"""Whom a signal to a run reaches, and what else happens to a run from outside."""

import os

from shim.executor.base import Target
from shim.executor.local import processes, spool
from shim.executor.local.processes import Process


def targets(pid: int, start: int, target: Target, steps: set[int]) -> list[Process]:
    """The processes below a supervisor that a signal goes to, parents first. ``steps``: pids of the steps' tasks;
    what is named there and is not the run's is left alone.
    """
    if not processes.alive(pid, start):
        return []
    if target is Target.BATCH:
        return processes.children(pid)[:1]  # all others descend from the script, so it is the oldest
    below = processes.descendants(pid)
    return below if target is Target.ALL else _of_steps(below, steps)


def _of_steps(below: list[Process], steps: set[int]) -> list[Process]:
    reached = set(steps)
    for one in below:  # parents come first
        if one.parent in reached:
            reached.add(one.pid)
    return [one for one in below if one.pid in reached]


def orphans(mark: spool.Mark, state_dir: str, just_now: bool) -> list[Process]:
    """What is left of a run without its supervisor: whatever carries its environment, and its session. The session's
    number is proof only while it cannot have been given away, if the supervisor died ``just_now``.
    """
    marks = {b"SLURM_JOB_ID=%d" % mark.job_id, b"SLURMSHIM_STATE=" + os.fsencode(state_dir)}
    found = []
    for one in processes.everything():
        if one.start < mark.start or one.state in "ZX" or processes.is_service(one.pid):
            continue
        of_session = just_now and one.session == mark.pid
        if of_session or marks <= set(processes.read(f"/proc/{one.pid}/environ").split(b"\0")):
            found.append(one)
    return found


def add_notice(path: str, line: str) -> None:
    """Add a line to a job's error file, if it is still there."""
    if not path:
        return
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(fd, line.rstrip("\n").encode() + b"\n")
    except OSError:
        pass
    finally:
        os.close(fd)
