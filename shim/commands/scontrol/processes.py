"""``scontrol pidinfo`` and ``listpids``: which processes belong to which job."""

import re
from pathlib import Path

from shim.commands.scontrol.session import Session
from shim.commands.scontrol.targets import parse_job_id
from shim.job.record import Job
from shim.job.request import UNLIMITED

_JOB_ID = re.compile(rb"(?:^|\0)SLURM_JOB_ID=(\d+)")
_STEP = re.compile(r"(?P<job>\d+(?:_\d+)?)(?:\.(?P<step>\w+))?")


def pid_info(session: Session, words: list[str]) -> None:
    """``pidinfo``: the job of a process of this machine, and how long it may still run."""
    job = _job_of(session, words[0])
    if job is None:
        session.fail("Failed to locate job for requested pid")
        return
    queue = session.queue
    left = "UNLIMITED"
    end = "UNLIMITED"
    if job.time_limit != UNLIMITED:
        seconds = int(job.start_time + job.suspended_for + job.time_limit * 60 - queue.now())
        end, left = str(int(queue.now()) + seconds), str(seconds)
    session.out(f"Slurm JobId={job.job_id} ends at {end}\nJob remaining time is {left}\n")


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
    """``listpids``: the processes of running steps, with local and global task numbers."""
    match = _STEP.fullmatch(words[0]) if words else None
    jobs = sorted(session.queue.running, key=lambda job: job.job_id)
    if match:
        job_id = parse_job_id(match["job"])
        assert job_id is not None
        jobs = session.queue.find(job_id.job_id, job_id.tasks.first() if job_id.tasks else None)
    wanted = match["step"] if match else None
    steps = [
        (job, step) for job in jobs for step in session.queue.steps(job) if wanted in (None, step.step_id) and step.pids
    ]
    if not steps and match:
        node = words[1] if len(words) > 1 else "(null)"
        if wanted:
            session.fail(f"StepId={words[0]} does not exist on node {node}.")
        elif not jobs:
            session.fail(f"JobId={words[0]} does not exist on node {node}.")
        else:
            session.fail(f"There are no steps for job {words[0]} on node {node}.")
    session.out(f"{'PID':<8} {'JOBID':<8} {'STEPID':<8} {'LOCALID':<7} GLOBALID\n")
    for job, step in steps:
        for number, pid in enumerate(step.pids):
            session.out(f"{pid:<8} {job.job_id:<8} {step.step_id:<8} {number:<7} {number:<8}\n")
