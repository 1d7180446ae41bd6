"""The commands that act on jobs: hold, release, requeue, suspend, resume, top, notify, wait_job."""

import asyncio
import re

from shim.commands.scontrol.operation import Operation, operate
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.targets import Target, components, named, parse_job_id, split_jobs
from shim.controller.launch import output_paths
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from shim.job.states import State

_BY_NAME = re.compile(r"(?:job)?name=(.*)", re.IGNORECASE)
_NO_FILE = "the output of this job comes from dstack's log: no line can be added"
_POLL = 0.5  # seconds between two looks at a job that somebody waits for
_BY_ID = re.compile(r"(?:job(?:id)?=)?(.*)", re.IGNORECASE)


# -- hold and release --------------------------------------------------------------------------------------------------


def hold(session: Session, words: list[str]) -> None:
    """``hold``: by root an administrator's hold, else the user's own."""
    _hold_words(session, words, admin=session.user_id == 0)


def user_hold(session: Session, words: list[str]) -> None:
    """``uhold`` and ``holdu``: a hold that the user can undo, whoever asks for it."""
    _hold_words(session, words, admin=False)


def _hold_words(session: Session, words: list[str], *, admin: bool) -> None:
    queue, user_id = session.queue, session.user_id
    _each_word(session, words, lambda t: queue.hold(t.job, t.tasks, user_id=user_id, admin=admin))


def release(session: Session, words: list[str]) -> None:
    """``release``: undo a hold."""
    queue, user_id = session.queue, session.user_id
    _each_word(session, words, lambda t: queue.release(t.job, t.tasks, user_id=user_id))


def _each_word(session: Session, words: list[str], operation: Operation) -> None:
    """Hold or release: each word is a list of jobs, of which the last error is said again."""
    for word in words:
        error = None
        if by_name := _BY_NAME.fullmatch(word):
            jobs = [str(job.display_id) for job in named(session.queue, by_name[1], session.user_id)]
        else:
            jobs = split_jobs(_stripped(word))
        for job in jobs:
            for one in components(session.queue, job):
                error = operate(session, one, operation) or error
        if error:
            session.fail(f"slurm_suspend error: {error.text}")


def _stripped(word: str) -> str:
    """The word without ``JobId=``."""
    match = _BY_ID.fullmatch(word)
    return match[1] if match else word


# -- requeue, suspend, resume ------------------------------------------------------------------------------------------


def _each_job(
    session: Session,
    words: list[str],
    operation: Operation,
    *,
    component: Errno = Errno.INVALID_JOB_ID,
    whole: bool = False,
) -> None:
    """Do something to each job. ``component``: what a word that names one component is answered."""
    for word in words:
        for job in split_jobs(_stripped(word)):
            if "+" in job:
                session.refuse(SlurmError(component), suffix=f" for job {job}")
            else:
                operate(session, job, operation, whole=whole)


def requeue(session: Session, words: list[str]) -> None:
    """``requeue``: run again from the top; with ``incomplete`` tasks that have ended stay as they are."""
    _requeue(session, words, hold=False)


def requeue_hold(session: Session, words: list[str]) -> None:
    """``requeuehold``: requeue, and hold; with ``State=SpecialExit`` in state SPECIAL_EXIT."""
    _requeue(session, words, hold=True)


_INCOMPLETE, _SPECIAL = "incomplete", "state=specialexit"


def _requeue(session: Session, words: list[str], *, hold: bool) -> None:
    """The words begin with options, the list of jobs follows."""
    options: set[str] = set()
    while words and words[0].lower() in (_INCOMPLETE, _SPECIAL):
        options.add(words[0].lower())
        words = words[1:]
    queue, user_id = session.queue, session.user_id

    def run_again(target: Target) -> None:
        if _INCOMPLETE in options and (target.job.pending or target.job.state.finished):
            return
        queue.requeue(target.job, user_id=user_id, hold=hold, special=hold and _SPECIAL in options)

    _each_job(session, words, run_again, whole=not hold)


def suspend(session: Session, words: list[str]) -> None:
    """``suspend``: stop all processes of running jobs."""
    queue, user_id = session.queue, session.user_id
    _each_job(session, words, lambda t: queue.suspend(t.job, user_id=user_id), component=_part_of_suspension(session))


def resume(session: Session, words: list[str]) -> None:
    """``resume``: let suspended jobs go on."""
    queue, user_id = session.queue, session.user_id
    _each_job(session, words, lambda t: queue.resume(t.job, user_id=user_id), component=_part_of_suspension(session))


def _part_of_suspension(session: Session) -> Errno:
    return Errno.ACCESS_DENIED if session.user_id else Errno.NOT_WHOLE_HET_JOB


# -- the rest ----------------------------------------------------------------------------------------------------------


def top(session: Session, words: list[str]) -> None:
    """``top A,B``: A before B before all others of the user, by priority."""
    queue, text = session.queue, words[0]
    if session.user_id != 0:  # as in Slurm without enable_user_top
        session.refuse(SlurmError(Errno.ACCESS_DENIED), suffix=f" for job {text}")
        return
    priority = max((job.priority for job in queue.jobs.values() if job.pending), default=0)
    for word in reversed(split_jobs(_stripped(text))):
        priority += 1
        changes: dict[str, object] = {"priority": priority}

        def put_first(target: Target, changes: dict[str, object] = changes) -> None:
            if not target.job.pending or target.job.held:
                raise SlurmError(Errno.JOB_NOT_PENDING if not target.job.pending else Errno.JOB_HELD)
            queue.update(target.job, target.tasks, changes, user_id=session.user_id)

        _each_job(session, [word], put_first)


def notify(session: Session, words: list[str]) -> None:
    """``notify``: a line for the error file of a running batch job, or from the srun or salloc of another."""
    job_id = parse_job_id(words[0].partition(".")[0])
    if job_id is None:
        session.fail(f"Invalid job_id {words[0]}job notify failure: No error")
        return
    try:
        for target in job_id.targets(session.queue):
            _notify(session, target.job, " ".join(words[1:]))
    except SlurmError as error:
        session.refuse(error, prefix="job notify failure: ")


def _notify(session: Session, job: Job, text: str) -> None:
    if job.state.finished:
        raise SlurmError(Errno.ALREADY_DONE)
    if not job.request.batch:
        session.queue.allocations.notify(job, text)
        return
    if job.pending:
        raise SlurmError(Errno.DISABLED)
    if not session.queue.executor_of(job).shares_files:
        raise SlurmError(Errno.NOT_SUPPORTED, text=_NO_FILE)
    path = output_paths(job)[2]
    try:
        with open(path, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"slurmstepd: error: {text}\n")
    except OSError as error:
        raise SlurmError(Errno.NOT_SUPPORTED, text=f"{path}: {error.strerror}") from error


async def wait_job(session: Session, words: list[str]) -> None:
    """``wait_job``: return when the nodes of a job are ready, which they are as soon as it runs."""
    job_id = parse_job_id(words[0])
    if job_id is None:
        session.fail(f"Invalid job_id {words[0]}")
        return
    while (job := session.queue.job(job_id.job_id)) and not job.state.finished:
        if job.pending:
            session.fail(f"scontrol: Job {job_id.job_id} no longer running")
            return
        if job.state is not State.CONFIGURING:
            session.call.err(f"scontrol: Nodes are ready for job {job_id.job_id}")
            return
        if session.call.closed():
            return
        await asyncio.sleep(_POLL)
    session.fail(f"scontrol: Problem running job {job_id.job_id}")
