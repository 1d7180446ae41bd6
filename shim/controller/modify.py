"""Changing jobs: hold and release, suspend and resume, and the fields that scontrol update can change."""

import signal as signals
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from shim.controller.asked import check_names
from shim.executor.base import Target
from shim.grammar.array import IndexSet
from shim.grammar.dependency import parse_dependency
from shim.grammar.errors import GrammarError
from shim.job.errors import Errno, SlurmError
from shim.job.record import NO_PRIORITY, Job
from shim.job.request import Request
from shim.job.states import Reason, State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

BASE_PRIORITY = 1000
NICE_LIMIT = 2147483645
"""Largest adjustment of --nice (sbatch man page)."""

_NOT_SUSPENDED = "a run of dstack keeps its hosts and its time limit; scancel --signal=STOP and CONT stop it there"
_LIMIT_IS_SET = "the time limit of a run of dstack cannot be raised"

_REQUEST_FIELDS = {f.name for f in fields(Request)}
_SIZE_FIELDS = {
    "nodes_min", "nodes_max", "ntasks", "ntasks_per_node", "cpus_per_task", "mincpus", "mem_per_node", "mem_per_cpu",
    "mem_per_gpu", "gres", "gpus", "gpus_per_node", "gpus_per_task", "nodelist", "exclude", "constraint", "exclusive",
    "tmp", "partition", "prefer",
}  # fmt: skip
_WHILE_RUNNING = {"time_limit", "comment", "job_name", "requeue", "admin_comment", "system_comment", "nice", "throttle",
                  "priority", "mail_type", "mail_user", "qos", "deadline"}  # fmt: skip


def priority_for(nice: int) -> int:
    """The priority of a job without a hold: FIFO at equal values, lowered by --nice."""
    return max(1, BASE_PRIORITY - nice) if nice > 0 else BASE_PRIORITY - nice


def part(queue: "Queue", job: Job, tasks: IndexSet | None) -> list[Job]:
    """The records that an operation on some tasks of an array's rest is about; splits them off where needed."""
    if tasks is None or job.tasks is None:
        return [job]
    return queue.dispatcher.split_all(job, job.tasks & tasks) if job.tasks - tasks else [job]


def hold(queue: "Queue", job: Job, tasks: IndexSet | None, *, admin: bool) -> None:
    """scontrol hold and uhold. A running job is marked, to no effect unless it is requeued."""
    if job.decided:
        raise SlurmError(Errno.JOB_FINISHED)
    for record in part(queue, job, tasks):
        queue.line.leave(record)
        record.priority = NO_PRIORITY
        record.reason = Reason.HELD_ADMIN if admin else Reason.HELD_USER
        queue.changed(record)
        if record.het_job_offset:
            queue.line.place(record)  # the others wait with it


def release(queue: "Queue", job: Job, tasks: IndexSet | None, *, user_id: int) -> None:
    """scontrol release. An administrator's hold, and Slurm's own, only an administrator can undo."""
    if job.decided:
        raise SlurmError(Errno.JOB_FINISHED)
    if job.reason in (Reason.HELD_ADMIN, Reason.BAD_CONSTRAINTS) and user_id != 0:
        raise SlurmError(Errno.ACCESS_DENIED)
    for record in part(queue, job, tasks):
        if record.priority != NO_PRIORITY:
            continue
        queue.line.leave(record)
        if record.request.of_no_nodes:  # as in Slurm it stays held
            record.reason = Reason.BAD_CONSTRAINTS
        else:
            record.priority = priority_for(record.request.nice)
            record.reason = Reason.NONE
        if record.state is State.SPECIAL_EXIT:
            record.state = State.PENDING
        queue.changed(record)
        queue.line.place(record)


def suspend(queue: "Queue", job: Job, *, user_id: int) -> None:
    """scontrol suspend, an administrator's business as in Slurm. To a job that is suspended it changes nothing."""
    _check_suspension(job, user_id)
    if job.state is State.SUSPENDED:
        return
    if job.state is not State.RUNNING:
        raise SlurmError(Errno.DISABLED)
    executor = queue.executor_of(job)
    if executor.remote:
        raise SlurmError(Errno.NOT_SUPPORTED, text=_NOT_SUSPENDED)
    executor.signal(job, signals.SIGSTOP, Target.ALL)
    for record in queue.components(job):
        queue.no_timer(record)
        queue.dispatcher.free_resources(record)
        record.state = State.SUSPENDED
        record.suspend_time = queue.now()
        queue.changed(record)
    queue.dispatcher.resources_freed()


def resume(queue: "Queue", job: Job, *, user_id: int) -> None:
    """scontrol resume. As in Slurm the job runs again at once, whether its CPUs are free or not."""
    _check_suspension(job, user_id)
    if job.state is not State.SUSPENDED:
        raise SlurmError(Errno.JOB_NOT_SUSPENDED)
    for record in queue.components(job):
        record.suspended_for += queue.now() - record.suspend_time
        record.suspend_time = 0
        record.state = State.RUNNING
        queue.dispatcher.hold_resources(record)
        queue.dispatcher.watch_limit(record)
        queue.changed(record)
    queue.executor_of(job).signal(job, signals.SIGCONT, Target.ALL)


def _check_suspension(job: Job, user_id: int) -> None:
    if user_id != 0:
        raise SlurmError(Errno.ACCESS_DENIED)
    if job.het_job_offset:
        raise SlurmError(Errno.NOT_WHOLE_HET_JOB)
    if job.decided:
        raise SlurmError(Errno.ALREADY_DONE)
    if job.pending:
        raise SlurmError(Errno.JOB_PENDING)


def update(queue: "Queue", job: Job, tasks: IndexSet | None, changes: dict[str, Any], *, user_id: int) -> None:
    """Change fields, all or none. Keys are Request's fields, or ``throttle``, ``priority``, ``admin_comment``.

    ``dependency`` is text as --dependency takes it, times are epoch seconds, ``time_limit`` minutes.
    """
    if job.decided:
        raise SlurmError(Errno.JOB_FINISHED)
    if job.state.active and set(changes) - _WHILE_RUNNING:
        raise SlurmError(Errno.JOB_NOT_PENDING)
    if job.state.active and changes.get("time_limit", 0) > job.time_limit and user_id != 0:
        raise SlurmError(Errno.ACCESS_DENIED)
    if job.state.active and changes.get("time_limit", 0) > job.time_limit and queue.executor_of(job).remote:
        raise SlurmError(Errno.NOT_SUPPORTED, text=_LIMIT_IS_SET)
    if user_id != 0 and changes.get("nice", 0) < 0:
        raise SlurmError(Errno.ACCESS_DENIED)
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in changes.values()):
        raise SlurmError(Errno.NOT_SUPPORTED)  # no field of a job is as large, nor has the job table room for it
    request = replace(job.request, **{key: value for key, value in changes.items() if key in _REQUEST_FIELDS})
    if set(changes) & _SIZE_FIELDS:
        _check_size(queue, job, request)
    waits = None
    if "dependency" in changes:
        waits = _dependency(queue, job, changes["dependency"])
    if "throttle" in changes:
        throttle(queue, job, int(changes["throttle"]))
    for record in part(queue, job, tasks):
        _apply(queue, record, request, changes)
        if waits is not None:
            queue.dependencies.set(record, waits)
        if record.pending:
            queue.line.place(record)


def _check_size(queue: "Queue", job: Job, request: Request) -> None:
    partition = request.partition or job.partition
    unknown = [name for name in partition.split(",") if name not in queue.partitions]
    if unknown:
        raise SlurmError(Errno.INVALID_PARTITION_NAME)
    try:
        need = queue.need_in(request, partition, component=bool(job.het_job_id))
    except GrammarError as error:
        raise SlurmError(Errno.INVALID_GRES) from error
    for name in partition.split(","):
        queue.executor_for(name).check(request, need, name)
    check_names(queue, request)


def _dependency(queue: "Queue", job: Job, text: str) -> Any:
    try:
        wanted = parse_dependency(text)
    except GrammarError as error:
        raise SlurmError(Errno.INVALID_DEPENDENCY) from error
    waits = queue.dependencies.resolve(wanted, job.array_job_id or job.job_id)
    if queue.dependencies.would_circle(job, waits):
        raise SlurmError(Errno.CIRCULAR_DEPENDENCY)
    return waits


def _apply(queue: "Queue", job: Job, request: Request, changes: dict[str, Any]) -> None:
    queue.line.leave(job)
    if "job_name" in changes and job.request.job_name != request.job_name:
        queue.dependencies.renamed(job, request.job_name)
    job.request = request
    job.request_id = 0
    queue.needs.pop(job.job_id, None)
    if "partition" in changes:
        job.partition = request.partition
    if "time_limit" in changes:
        job.time_limit = changes["time_limit"]
        if job.state is State.RUNNING:
            queue.no_timer(job)
            queue.dispatcher.watch_limit(job)
    if "nice" in changes and not job.held:
        job.priority = priority_for(request.nice)
    if "priority" in changes:
        job.priority = int(changes["priority"])
        job.request = replace(request, nice=0)
    if "admin_comment" in changes:
        job.admin_comment = changes["admin_comment"]
    if "system_comment" in changes:
        job.system_comment = changes["system_comment"]
    queue.changed(job)


def throttle(queue: "Queue", job: Job, limit: int) -> None:
    """ArrayTaskThrottle= of an array: 0 lifts it. It holds for the whole array."""
    if job.array is None:
        raise SlurmError(Errno.INVALID_JOB_ID)
    for record in queue.array_records(job.array.job_id):
        if not record.state.finished and record.throttle != limit:
            record.throttle = limit
            queue.changed(record)
    queue.dispatcher.resources_freed()
