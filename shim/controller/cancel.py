"""scancel: cancelling and signalling jobs, and single tasks of arrays that still wait."""

import signal as signals
from typing import TYPE_CHECKING

from shim.controller import finish
from shim.executor.base import Target
from shim.grammar.array import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from shim.job.states import Reason, State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_NO_SIGNALS = "no signal reaches a job on dstack that shares no files with its submit host"


def cancel(
    queue: "Queue", job: Job, tasks: IndexSet | None, *, user_id: int, signal: int, target: Target | None
) -> None:
    """SIGKILL without a target cancels; any other signal is delivered. Raises SlurmError as slurmctld refuses.

    ``tasks`` names pending tasks of an array's rest; None means the whole record.
    """
    if job.het_job_offset and job.request.batch:
        job = queue.components(job)[0]  # they end together
        if job.state.finished or job.state is State.COMPLETING:
            return
    if job.state.finished:
        raise SlurmError(Errno.ALREADY_DONE)
    kills = signal == signals.SIGKILL and target in (None, Target.FULL)
    if job.pending:
        if not kills:
            raise SlurmError(Errno.TRANSITION_STATE_NO_UPDATE)
        if job.tasks is not None and tasks is not None and (job.tasks - tasks):
            drop_tasks(queue, job, tasks)
        else:
            if job.tasks is not None and tasks is not None:
                job.tasks = job.tasks - tasks  # as in Slurm the record that is left names none of them
            for part in list(queue.components(job)):
                if part.pending:
                    end_pending(queue, part, State.CANCELLED, by=user_id)
        return
    if job.state is State.COMPLETING:
        if not kills or job.ending not in finish.COMES_BACK:
            raise SlurmError(Errno.ALREADY_DONE)
        job.ending = "CANCELLED"  # it is being ended already, but shall not come back
        job.cancelled_by = user_id
        queue.changed(job)
        return
    if kills:
        for part in queue.components(job):
            part.cancelled_by = user_id
        finish.stop(queue, job, "CANCELLED")
        return
    _deliver(queue, job, signal, target or Target.STEPS)


def _deliver(queue: "Queue", job: Job, signal: int, target: Target) -> None:
    executor = queue.executor_of(job)
    if not executor.shares_files:
        raise SlurmError(Errno.NOT_SUPPORTED, text=_NO_SIGNALS)
    if signal == signals.SIGSTOP and job.state is State.RUNNING:
        job.state = State.STOPPED
        queue.changed(job)
    elif signal == signals.SIGCONT and job.state is State.STOPPED:
        job.state = State.RUNNING
        queue.changed(job)
    executor.signal(job, signal, target)


def drop_tasks(queue: "Queue", rest: Job, tasks: IndexSet) -> None:
    """Some pending tasks of an array are cancelled: they vanish without a record, as in Slurm."""
    assert rest.tasks is not None and rest.array is not None
    rest.tasks = rest.tasks - tasks
    array_id = rest.array.job_id
    queue.arrays[array_id].lost = True
    queue.write(lambda table: table.save_array_loss(array_id))
    queue.changed(rest)
    queue.dependencies.tasks_over({array_id})


def end_pending(queue: "Queue", job: Job, state: State, *, by: int = -1, reason: str = "") -> None:
    """A job that waits ends without having run; its reason stays what it was, as in Slurm."""
    queue.line.leave(job)
    queue.dependencies.unwatch(job)
    job.cancelled_by = by
    job.reason = reason or job.reason
    job.state = state
    job.end_time = queue.now()
    if job.array:
        array = queue.arrays[job.array.job_id]
        if job.is_array_rest:
            array.lost = True
            queue.write(lambda table: table.save_array_loss(array.info.job_id))
        else:
            array.unfinished -= 1
    queue.changed(job)
    queue.dependencies.parent_over(job)
    queue.endings.over(job)
    if queue.mailer:
        queue.mailer.on_change(job, "END")


def fail_at_once(queue: "Queue", job: Job) -> None:
    """There is no room now for a job that would not wait (--immediate)."""
    job.exit_status = 1 << 8
    end_pending(queue, job, State.FAILED, reason=Reason.NONE)


def miss_deadline(queue: "Queue", job: Job) -> None:
    """The job's --deadline has come while it waited."""
    if job.pending:
        end_pending(queue, job, State.DEADLINE, reason=Reason.DEADLINE)
