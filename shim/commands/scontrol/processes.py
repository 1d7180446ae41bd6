"""``scontrol pidinfo`` and ``listpids``: which processes belong to which job."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shim.commands.scontrol.session import Session
from shim.commands.scontrol.targets import parse_job_id
from shim.job.record import Job
from shim.job.request import UNLIMITED

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_YEAR = 365 * 24 * 60
"""Minutes that Slurm reckons with where a job has no limit."""

_JOB_ID = re.compile(rb"(?:^|\0)SLURM_JOB_ID=(\d+)")
_STEP = re.compile(r"(?P<job>\d+(?:_\d+)?)(?:\.(?P<step>\d+))?")


@dataclass(frozen=True)
class _Process:
    """A process of a step; ``task`` is its number in the step, ``-`` for what a task has started."""

    pid: int
    job_id: int
    step: str
    task: str


def pid_info(session: Session, words: list[str]) -> None:
    """``pidinfo``: the job of a process of this machine, and how long it may still run."""
    job = _job_of(session, words[0])
    if job is None:
        session.fail("Failed to locate job for requested pid")
        return
    minutes = job.time_limit if job.time_limit != UNLIMITED else _YEAR
    end = int(job.start_time + job.suspended_for) + 60 * minutes
    session.out(
        f"Slurm JobId={job.job_id} ends at {time.ctime(end)}\n"
        f"Job remaining time is {end - int(session.queue.now())} seconds\n"
    )


def _job_of(session: Session, pid: str) -> Job | None:
    """The running job that a process was started by: it, or one of its ancestors, was given the job's id."""
    number = int(pid) if pid.isdecimal() else 0
    while number > 1:
        try:
            match = _JOB_ID.search(Path(f"/proc/{number}/environ").read_bytes())
            if match:
                job = session.queue.job(int(match[1]))
                return job if job and job.state.active else None
            stat = Path(f"/proc/{number}/stat").read_text()
        except OSError:
            return None
        number = int(stat.rpartition(")")[2].split()[1])
    return None


def list_pids(session: Session, words: list[str]) -> None:
    """``listpids``: the processes of running steps and scripts, those of tasks with local and global numbers."""
    word, node = words[0] if words else "", words[1] if len(words) > 1 else ""
    running = sorted(session.queue.running, key=lambda job: job.job_id)
    known = [process for job in running if _is_on(job, node) for process in _processes(session.queue, job)]
    match = _STEP.fullmatch(word)
    found = known
    if not word:
        if not known:
            session.fail("No job steps exist on this node.")
    elif not match and "." not in word:
        session.fail(f'"{word}" does not look like a jobid')
        return
    elif not match:
        found = []
        session.fail(f'"{word}" does not look like a stepid', code=0)
    else:
        found = _of(session.queue, known, match["job"], match["step"])
        if not found:
            session.fail(_missing(word, bool(match["step"]), node or "(null)", bool(known)))
    session.out(f"{'PID':<8} {'JOBID':<8} {'STEPID':<8} {'LOCALID':<7} GLOBALID\n")
    for one in found:
        session.out(f"{one.pid:<8} {one.job_id:<8} {one.step:<8} {one.task:<7} {one.task:<8}\n")


def _is_on(job: Job, node: str) -> bool:
    return not node or any(share.node == node for share in job.shares)


def _of(queue: "Queue", known: list[_Process], job: str, step: str | None) -> list[_Process]:
    """The processes of a job, or of an array task, or of one step of it."""
    job_id = parse_job_id(job)
    assert job_id is not None
    jobs = queue.find(job_id.job_id, job_id.tasks.first() if job_id.tasks else None)
    ids = {one.job_id for one in jobs}
    return [one for one in known if one.job_id in ids and step in (None, one.step)]


def _missing(word: str, step: bool, node: str, others: bool) -> str:
    """What is said of a job or step that has no processes there, while ``others`` have."""
    if step:
        return f"StepId={word} does not exist on node {node}."
    return (
        f"There are no steps for job {word} on node {node}."
        if others
        else f"JobId={word} does not exist on node {node}."
    )


def _processes(queue: "Queue", job: Job) -> list[_Process]:
    """The processes of a job's steps, then those of its script, as far as its engine shows them."""
    found: list[_Process] = []
    executor = queue.executor_of(job)
    for step in queue.steps(job):
        if step.pids:
            usage = executor.usage(job, step.pids)
            found += _numbered(job, step.step_id, step.pids, usage.pids if usage else ())
    if job.request.batch and (usage := executor.usage(job)):
        of_steps = {one.pid for one in found}
        pids = [pid for pid in usage.pids if pid not in of_steps]
        found += _numbered(job, "batch", pids[:1], pids)
    return found


def _numbered(job: Job, step: str, tasks: Sequence[int], pids: Sequence[int]) -> list[_Process]:
    """The tasks by their numbers, then what they have started."""
    numbered = [_Process(pid, job.job_id, step, str(number)) for number, pid in enumerate(tasks)]
    return numbered + [_Process(pid, job.job_id, step, "-") for pid in pids if pid not in tasks]
