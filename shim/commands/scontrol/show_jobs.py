"""``scontrol show job`` and ``show step``: which records are meant."""

import re

from shim.commands import jobfields
from shim.commands.display.steps import live_steps
from shim.commands.display.times import TimeFormat
from shim.commands.forecasts import Forecasts
from shim.commands.scontrol.allocation import cpu_ids
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.show_job import JobView, Showing, show_job
from shim.commands.scontrol.show_step import ShownStep, show_step
from shim.commands.scontrol.targets import parse_job_id
from shim.commands.squeue.rows import in_table_order
from shim.grammar.indexset import DISPLAY_LIMIT, IndexSet
from shim.job.errors import Errno
from shim.job.record import Job

_STEP = re.compile(r"(?P<job>\d+(?:_\d+)?)(?:\.(?P<step>\w+))?")


def show_jobs(session: Session, text: str | None) -> None:
    """Print the records of one job, of an array, or of all jobs."""
    showing = _showing(session)
    if text is None or text == "0":
        jobs = in_table_order(session.queue.jobs.values())
        session.tell_records(len(jobs))
        if not jobs:
            session.out("No jobs in the system\n")
        _print(session, jobs, showing)
        return
    if text.endswith(("_", "+")):  # as Slurm reads an index that is not there
        text += "0"
    job_id = parse_job_id(text)
    if job_id is None or not {"[", "*"}.isdisjoint(text):
        session.fail(f"scontrol_print_job error: {Errno.INVALID_JOB_ID.text}")
        return
    records = session.queue.find(job_id.job_id)
    if not records:
        session.fail(f"slurm_load_jobs error: {Errno.INVALID_JOB_ID.text}")
        return
    session.tell_records(len(records))
    if job_id.tasks is not None:
        _show_task(session, text, job_id.job_id, job_id.tasks.first(), showing)
    elif job_id.offset is not None or records[0].het_job_id:
        parts = [job for job in session.queue.jobs.values() if job.het_job_id == job_id.job_id] or records
        parts = [job for job in parts if job_id.offset in (None, job.het_job_offset)]
        if not parts:
            _not_found(session, text)
        _print(session, parts, showing)
    else:
        _print(session, _with_own_id_first(records, job_id.job_id), showing)


def _with_own_id_first(records: list[Job], job_id: int) -> list[Job]:
    """The record that goes by the array's id comes first, whether it is the rest or the last task."""
    return sorted(records, key=lambda job: job.job_id != job_id)


def _show_task(session: Session, text: str, job_id: int, task_id: int, showing: Showing) -> None:
    records = session.queue.find(job_id, task_id)
    if not records:
        _not_found(session, text)
        return
    _print(session, records, showing, task_id)


def _not_found(session: Session, text: str) -> None:
    session.exit_code = 1
    session.out(f"Job {text} not found\n")


def _print(session: Session, jobs: list[Job], showing: Showing, task_id: int | None = None) -> None:
    if session.yaml:
        _print_yaml(session, jobs)
        return
    numbers = cpu_ids(session.queue.running) if showing.details else {}
    for job in jobs:
        mates = [one.job_id for one in session.queue.components(job)] if job.het_job_id else []
        view = JobView(job, showing, numbers.get(job.job_id, {}), task_id, IndexSet.from_iterable(mates).display())
        session.out(show_job(view))


def _print_yaml(session: Session, jobs: list[Job]) -> None:
    """What the engine is told to run, one document for each job."""
    queue = session.queue
    firsts = dict.fromkeys(queue.components(job)[0] for job in jobs)
    documents = [queue.executor_of(job).describe(queue.components(job)) for job in firsts]
    if not all(documents):
        session.fail("--yaml: jobs that run on this machine have no task of dstack")
    else:
        session.out("---\n".join(documents))


def _showing(session: Session) -> Showing:
    env = session.call.env
    time = TimeFormat(env)
    if time.error:
        session.call.error(time.error)
    limit = jobfields.list_limit(env)
    return Showing(
        config=session.queue.config,
        now=session.queue.now(),
        forecasts=Forecasts(session.queue),
        time=time,
        oneliner=session.oneliner,
        details=session.details,
        index_limit=DISPLAY_LIMIT if limit is None else limit,
    )


def show_steps(session: Session, text: str | None) -> None:
    """Print the running steps of all jobs, of one job, or one step."""
    match = _STEP.fullmatch(text) if text else None
    time, queue = TimeFormat(session.call.env), session.queue
    if match is None:  # as in Slurm, what is no step id is no restriction
        jobs = sorted(queue.running, key=lambda job: job.job_id)
    else:
        job_id = parse_job_id(match["job"])
        assert job_id is not None
        jobs = queue.find(job_id.job_id, job_id.tasks.first() if job_id.tasks else None)
        if not jobs:
            session.fail(f"slurm_get_job_steps error: {Errno.INVALID_JOB_ID.text}")
            return
    wanted = match["step"] if match else None
    if wanted and not wanted.isdecimal():
        wanted = "0"  # what scontrol makes of 12.batch
    steps = [
        ShownStep(job, step, time, session.oneliner)
        for job in jobs
        for step in live_steps(queue, job)
        if wanted in (None, step.step_id)
    ]
    session.tell_records(len(steps))
    if not steps and not match:
        session.out("No job steps in the system\n")
    if not steps and match:
        session.exit_code = 1
        session.out(f"Job step {match['job']}.{wanted or ''} not found\n")
    for shown in steps:
        session.out(show_step(shown))
