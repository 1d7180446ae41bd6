"""The end of a run: what the job becomes, and what follows from it."""

from typing import TYPE_CHECKING

from shim.controller import requeue, scratch
from shim.controller.launch import has_run
from shim.controller.steps import timestamp
from shim.executor.base import Ended
from shim.job.record import Job
from shim.job.states import Reason, State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

LAUNCH_FAILED = 53
"""The "signal" Slurm reports for a batch script that could not be launched (ExitCode 0:53)."""
TRY_AGAIN = 1.0
"""Seconds a job stays away from the queue when it could not be started: what kept it from starting may last."""
COMES_BACK = ("REQUEUE", "REQUEUE_HOLD", "SPECIAL_EXIT")
"""Endings of runs whose job goes back to the queue."""
HELD = ("REQUEUE_HOLD", "SPECIAL_EXIT")
"""Endings after which the job waits for a release."""
REASONS = {"TIMEOUT": Reason.TIME_LIMIT, "DEADLINE": Reason.DEADLINE}
"""Endings that have a reason of their own."""
OOM_SIGNAL = 125
"""The "signal" of a job that was killed for its memory (ExitCode 0:125)."""


def finished(queue: "Queue", ended: Ended) -> None:
    """An executor reports the end of a run; a report about an earlier run, or a second one, changes nothing."""
    job = queue.jobs.get(ended.job_id)
    if job is not None and has_run(queue, job):
        executor = queue.executor_of(job)
        queue.after_commit(lambda: executor.forget(ended.job_id, ended.restarts))
    run_over(queue, ended)


def script_over(queue: "Queue", ended: Ended) -> None:
    """A script has ended, and steps that it has left behind are being ended: how the job went is known already."""
    job = queue.jobs.get(ended.job_id)
    if job is None or job.restarts != ended.restarts or not job.state.active or job.ending:
        return
    job.batch_status = ended.exit_status
    for part in queue.components(job):
        state, part.reason, part.exit_status = _verdict(part, ended, "")
        part.ending, part.end_time = state.name, ended.end_time
        part.state = State.COMPLETING
        queue.no_timer(part)
        queue.changed(part)


def run_over(queue: "Queue", ended: Ended) -> None:
    """The job whose run has ended is over, or comes back."""
    job = queue.jobs.get(ended.job_id)
    if job is None or job.restarts != ended.restarts or not job.state.active:
        return
    if not job.request.batch:
        queue.allocations.lose(queue.components(job))
    job.start_time = ended.start_time or job.start_time
    if not job.script_over:
        job.batch_status = ended.exit_status
    job.user_seconds, job.system_seconds, job.max_rss = ended.user_seconds, ended.system_seconds, ended.max_rss
    end = job.end_time if job.ending and job.end_time else ended.end_time
    ending = job.ending
    lost = bool(ended.node_failure) and not ending and may_requeue(queue, job)
    for part in [part for part in queue.components(job) if part.state.active]:
        if ending in COMES_BACK or lost:
            if lost:
                part.state = State[ended.ending] if ended.ending else State.NODE_FAIL
            _release(queue, part, end)
            requeue.again(queue, part, hold=ending in HELD, special=ending == "SPECIAL_EXIT", lost=lost)
        elif part.script_over:
            conclude(queue, part, State[part.ending], part.reason, part.exit_status, end)
        else:
            conclude(queue, part, *_verdict(part, ended, ending), end)


def may_requeue(queue: "Queue", job: Job) -> bool:
    """Whether the job may run a second time (--requeue, JobRequeue); an allocation may not."""
    if not job.request.batch:
        return False
    return queue.config.job_requeue if job.request.requeue is None else job.request.requeue


def _verdict(job: Job, ended: Ended, ending: str) -> tuple[State, str, int]:
    status = ended.exit_status
    if ending := ending or ended.ending:
        state = State[ending]
        kept = job.reason if state is State.CANCELLED else Reason.NONE  # a hold, for one
        return state, REASONS.get(ending, kept), status
    if ended.node_failure:
        return State.NODE_FAIL, Reason.NODE_DOWN, 1
    if ended.launch_failure:
        return State.FAILED, Reason.LAUNCH_FAILURE, LAUNCH_FAILED
    if ended.out_of_memory:
        return State.OUT_OF_MEMORY, Reason.OUT_OF_MEMORY, OOM_SIGNAL
    if status & 0x7F:
        return State.FAILED, Reason.LAUNCH_FAILURE, status
    if status:
        return State.FAILED, Reason.NON_ZERO_EXIT, status
    return State.COMPLETED, Reason.NONE, 0


def conclude(queue: "Queue", job: Job, state: State, reason: str, status: int, end: float) -> None:
    """The job is over: free what it held, and tell everything that waits for it."""
    job.state, job.reason, job.exit_status = state, str(reason), status
    job.ending = ""
    _release(queue, job, end)
    if job.array:
        queue.arrays[job.array.job_id].unfinished -= 1
    queue.dependencies.parent_over(job)
    queue.endings.over(job)
    if queue.mailer:
        queue.mailer.on_change(job, "END")


def _release(queue: "Queue", job: Job, end: float) -> None:
    job.end_time = end
    if job.suspend_time:
        job.suspended_for += max(0.0, end - job.suspend_time)
        job.suspend_time = 0
    else:
        queue.dispatcher.free_resources(job)
    queue.running.discard(job)
    queue.no_timer(job)
    if job.array:
        queue.arrays[job.array.job_id].running -= 1
    queue.step_table.end_all(job, end)
    scratch.remove(queue, job)
    queue.changed(job)
    queue.dispatcher.resources_freed()


def not_started(queue: "Queue", job_id: int, restarts: int, reason: str) -> None:
    """A run could not begin through no fault of the job: it goes back to the queue under the same number."""
    job = queue.jobs.get(job_id)
    if job is None or job.restarts != restarts or not job.state.active:
        return
    if job.ending:
        for part in queue.components(job):
            conclude(queue, part, State.CANCELLED, Reason.NONE, 0, queue.now())
        return
    for part in queue.components(job):
        _release(queue, part, 0)
        part.state, part.shares, part.node_list = State.PENDING, (), ""
        part.start_time = 0
        queue.dependencies.watch(part)
        part.reason = reason
    queue.at(job, queue.now() + TRY_AGAIN, lambda: queue.line.place(job))


def time_out(queue: "Queue", job: Job) -> None:
    """The job has reached its time limit."""
    stop(queue, job, "TIMEOUT", " DUE TO TIME LIMIT")


def stop(queue: "Queue", job: Job, ending: str, why: str = "") -> None:
    """Begin to end a run; what it becomes once all its processes are gone is ``ending``."""
    now = queue.now()
    if job.request.batch:
        job = queue.components(job)[0]  # its script stands for all components
    for part in queue.components(job) if job.request.batch else [job]:
        part.ending = ending
        part.end_time = now
        part.state = State.COMPLETING
        part.reason = REASONS.get(ending, part.reason)
        queue.no_timer(part)
        queue.changed(part)
    stamp = timestamp(now)
    node = job.shares[0].node if job.shares else ""
    notice = f"slurmstepd: error: *** JOB {job.job_id} ON {node} CANCELLED AT {stamp}{why} ***"

    def end() -> None:
        if job.request.batch:
            queue.step_table.abort(job, why)
            queue.executor_of(job).terminate(job, notice, queue.config.kill_wait)
        else:
            queue.allocations.stop(job, why)

    queue.after_commit(end)
