"""Which runs of which jobs sacct shows: those in memory, and from the job table those that are over."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from shim.commands.display.steps import batch_step
from shim.commands.sacct.query import Query, Wanted
from shim.commands.sacct.rows import RUNNING, Run, flags_of, reason_of
from shim.grammar.hostlist import expand_hostlist
from shim.job.record import Job, Step
from shim.job.states import State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_CHUNK = 500  # ids in one SQL statement


def select(queue: "Queue", query: Query) -> list[Run]:
    """Return the runs that pass all filters, in the order in which they are shown."""
    records = [job for job in _candidates(queue, query) if _passes(job, query)]
    records.sort(key=lambda job: _order(job, bool(query.jobs)))
    if "duplicates" not in query.flags:
        records = list({job.job_id: job for job in records}.values())  # the last run of those that pass
    steps = _steps(queue, records)
    return [Run(job, steps.get((job.job_id, job.restarts), [])) for job in records]


def _order(job: Job, by_id: bool) -> tuple[bool, int, bool, int, int]:
    """By id, an array where its id stands, the pending rest last; asked for by id, arrays come after plain jobs."""
    array = job.array_job_id
    return (by_id and bool(array), array or job.job_id, job.tasks is not None, job.task_id or 0, job.restarts)


# -- where records come from -------------------------------------------------------------------------------------------


def _candidates(queue: "Queue", query: Query) -> Iterator[Job]:
    """Records that may be meant. What is in memory is newer than what the table says of it."""
    where, parameters = _condition(query)
    live = queue.jobs
    yield from (job for job in list(live.values()) if _may_be(job, query))
    yield from (job for job in queue.table.jobs(where, *parameters) if job.job_id not in live)
    if "duplicates" in query.flags or query.states is not None:
        yield from queue.table.jobs(where, *parameters, source="earlier_run")


def _condition(query: Query) -> tuple[str, list[float]]:
    """The SQL condition that leaves most records out; the rest is decided record by record."""
    if query.jobs is not None:
        ids = [wanted.job_id for wanted in query.jobs]
        marks = ",".join("?" * len(ids))
        return f"job_id in ({marks}) or array_job_id in ({marks}) or het_job_id in ({marks})", [*ids, *ids, *ids]
    return "submit_time < ? and (end_time = 0 or end_time >= ?)", [int(query.end) + 1, int(query.start)]


def _may_be(job: Job, query: Query) -> bool:
    if query.jobs is None:
        return True
    ids = {wanted.job_id for wanted in query.jobs}
    return not ids.isdisjoint({job.job_id, job.array_job_id, job.het_job_id})


def _steps(queue: "Queue", jobs: list[Job]) -> dict[tuple[int, int], list[Step]]:
    """The steps of each run, the batch script first."""
    known: dict[tuple[int, int], dict[str, Step]] = {}
    for job in jobs:
        batch = batch_step(job)
        known[job.job_id, job.restarts] = {batch.step_id: batch} if batch else {}
    started = sorted({job.job_id for job in jobs if job.shares})
    for at in range(0, len(started), _CHUNK):
        ids = started[at : at + _CHUNK]
        for step in queue.table.steps(f"job_id in ({','.join('?' * len(ids))})", *ids):
            known.get((step.job_id, step.restarts), {})[step.step_id] = step
    for job in jobs:
        if job.state.active:
            known[job.job_id, job.restarts] |= {step.step_id: step for step in queue.steps(job)}
    return {key: list(steps.values()) for key, steps in known.items()}


# -- filters -----------------------------------------------------------------------------------------------------------


def _passes(job: Job, query: Query) -> bool:
    return (
        _asked_for(job, query.jobs)
        and _in_time(job, query)
        and _of_owner(job, query)
        and _of_size(job, query)
        and _among(query.words("partition"), job.partition.split(","))
        and _among(query.words("name"), [job.request.job_name])
        and _among(query.words("accounts"), [job.request.account])
        and _among(query.words("qos"), [job.request.qos or "normal"])
        and _among(query.names("flags"), map(str.lower, flags_of(job)))
        and _among(query.names("reason"), [reason_of(job).lower()])
        and _among(query.words("wckeys"), [job.request.wckey])
        and _among(query.words("associations"), ["1"])
    )


def _among(wanted: frozenset[str] | None, values: Iterable[str]) -> bool:
    return wanted is None or any(value in wanted for value in values)


def _asked_for(job: Job, wanted: list[Wanted] | None) -> bool:
    return wanted is None or any(means(item, job) for item in wanted)


def means(wanted: Wanted, job: Job) -> bool:
    """True if this item of -j names the job. The pending rest of an array has no single tasks yet."""
    if wanted.task_id is not None:
        return job.array_job_id == wanted.job_id and job.task_id == wanted.task_id
    if wanted.offset is not None:
        return job.het_job_id == wanted.job_id and job.het_job_offset == wanted.offset
    whole = job.job_id if wanted.alone else job.het_job_id or job.job_id
    return wanted.job_id in {job.array_job_id or job.job_id, whole, job.job_id}


def _in_time(job: Job, query: Query) -> bool:
    """The record belongs to the window, or was in one of the states then (sacct man page, --state).

    Slurm counts in whole seconds: what happened within the last one of the window belongs to it.
    """
    start, end = int(query.start), int(query.end) + 1
    if query.states is not None:
        return any(_was(job, state, start, end) for state in query.states)
    if not start and query.jobs is not None and "endtime" not in query.given:
        return True
    # a job asked for by its ID belongs to the window from its submission on, others only once they may run
    since = job.eligible_time if query.jobs is None else job.submit_time
    if not since or since >= end:
        return False
    return job.pending or not job.end_time or job.end_time >= start


def _was(job: Job, state: State, start: float, end: float) -> bool:
    """True if the job was in that state at some time from ``start`` on, before ``end``."""
    if state is State.PENDING:
        if not job.eligible_time or job.eligible_time >= end:
            return False
        began = 0 if job.pending else job.start_time or job.end_time
        return not began or began >= start
    if state is State.RUNNING:
        if not job.start_time or job.pending or job.start_time >= end or not job.shares:
            return False
        return job.state in RUNNING or job.end_time >= start
    if state is State.SUSPENDED:
        return job.state is State.SUSPENDED
    if job.state is not state:
        return False
    return start <= job.end_time < end if job.end_time else state.active


def _of_owner(job: Job, query: Query) -> bool:
    return (query.users is None or job.user_id in query.users) and (
        query.groups is None or job.group_id in query.groups
    )


def _of_size(job: Job, query: Query) -> bool:
    if query.nodes is not None and (not job.node_list or query.nodes.isdisjoint(expand_hostlist(job.node_list))):
        return False
    return (
        _within(query.node_count, len(job.shares))
        and _within(query.cpu_count, sum(share.cpus for share in job.shares))
        and _within(query.time_limits, job.time_limit)
    )


def _within(bounds: tuple[int, int] | None, value: int) -> bool:
    return bounds is None or bounds[0] <= value <= bounds[1]
