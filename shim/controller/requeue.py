"""Running a job again under the same id (scontrol requeue; node failures)."""

from typing import TYPE_CHECKING

from shim.controller import finish
from shim.job.errors import Errno, SlurmError
from shim.job.record import NO_PRIORITY, Job
from shim.job.states import Reason, State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

LONGEST_DELAY = 600.0
"""Seconds that a job waits at most before it is tried again after its node has failed again and again."""


def requeue(queue: "Queue", job: Job, *, hold: bool, special: bool = False) -> None:
    """scontrol requeue, requeuehold. Raises SlurmError for a waiting job and one submitted with --no-requeue."""
    if not finish.may_requeue(queue, job) or not job.request.batch:
        raise SlurmError(Errno.DISABLED)
    if job.het_job_offset:
        raise SlurmError(Errno.NOT_HET_JOB_LEADER)
    if job.pending:
        raise SlurmError(Errno.JOB_PENDING)
    if job.state.active:
        ending = "SPECIAL_EXIT" if special else "REQUEUE_HOLD" if hold else "REQUEUE"
        if job.script_over:
            for part in queue.components(job):
                part.ending = ending
                queue.changed(part)
            return
        finish.stop(queue, job, ending, " DUE TO JOB REQUEUE")
        return
    for part in queue.components(job):
        if part.array and part.job_id in queue.jobs:
            queue.arrays[part.array.job_id].unfinished += 1
        again(queue, part, hold=hold, special=special)


def again(queue: "Queue", job: Job, *, hold: bool, special: bool = False, lost: bool = False) -> None:
    """Keep the run that is over for accounting and put the job back into the queue.

    ``lost``: the node failed; the first time it may have been chance, after that the job waits longer each time.
    """
    was = job.state if job.state.finished else State.REQUEUED
    job.state = was
    if queue.mailer:
        queue.mailer.on_change(job, "REQUEUE")
    snapshot = _copy(job)
    queue.write(lambda table: table.save_earlier_run(snapshot))
    now = queue.now()
    job.state = State.SPECIAL_EXIT if special else State.PENDING
    job.restarts += 1
    job.shares, job.node_list, job.handle, job.ending = (), "", "", ""
    job.start_time = job.end_time = job.suspended_for = 0
    job.exit_status = job.derived_exit_status = job.batch_status = 0
    job.user_seconds = job.system_seconds = job.max_rss = 0
    job.next_step_id = 0
    job.accrue_time = 0
    delay = queue.config.requeue_delay
    if lost and job.restarts > 1:
        delay = max(delay, min(2.0**job.restarts, LONGEST_DELAY))
    job.eligible_time = now + delay
    if hold:
        job.priority, job.reason = NO_PRIORITY, Reason.REQUEUED_HELD
    elif job.priority != NO_PRIORITY:  # else it was held while it ran, or before: it still is
        job.reason = Reason.BEGIN_TIME if delay else Reason.NONE
    queue.changed(job)
    queue.dependencies.watch(job)
    queue.after_commit(lambda: queue.line.place(job))


def _copy(job: Job) -> Job:
    """The record as it is now, to be written later."""
    return Job(**{name: getattr(job, name) for name in Job.__slots__})
