"""Taking jobs in: everything slurmctld checks at submission, and the record that comes of it."""

import asyncio
import grp
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shim.controller.asked import check_lengths, check_names
from shim.controller.modify import priority_for
from shim.grammar.array import ArraySpec
from shim.grammar.dependency import Kind, parse_dependency
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import fold_hostlist
from shim.job.errors import Errno, SlurmError
from shim.job.record import NO_PRIORITY, ArrayInfo, Job
from shim.job.request import UNLIMITED, Request
from shim.job.states import Reason
from shim.job.user import user_entry
from shim.scheduler.need import Need
from shim.scheduler.placement import candidates, check_possible, place

if TYPE_CHECKING:
    from shim.controller.queue import Queue


class Submitted(Protocol):
    """What a command hands in (shim.commands.submission.Submission)."""

    @property
    def request(self) -> Request:
        """The options."""

    @property
    def script(self) -> bytes:
        """The batch script."""

    @property
    def environment(self) -> bytes:
        """NAME=value, each ended by NUL."""

    @property
    def array(self) -> ArraySpec | None:
        """The tasks, None for a plain job."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is stored with a job besides its record."""

    script: bytes
    environment: bytes


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer to --test-only."""

    job_id: int
    start_time: float
    cpus: int
    node_list: str
    partition: str
    job: Job  # as it would be submitted


_APART = "the components of a heterogeneous job start together, so all on this machine or all on dstack"


def accept(queue: "Queue", submissions: Sequence[Submitted]) -> "dict[Job, asyncio.Future[None]]":
    """Check and enter the submissions as one: a plain job, an array, or the parts of a heterogeneous job.

    Each record comes with a future that tells when it is stored. Raises SlurmError; then nothing has changed but the
    job ids that were taken, as in Slurm.
    """
    job_ids = [queue.take_job_id() for _ in submissions]
    if any(one.request.of_no_nodes and not one.request.hold for one in submissions):
        raise SlurmError(Errno.INVALID_NODE_COUNT)
    jobs = _records(queue, submissions, job_ids)
    _check_count(queue, jobs)
    entered = {}
    for job, one in zip(jobs, submissions, strict=True):
        entered[job] = queue.enter(job, Texts(one.script, one.environment))
    return entered


def _records(queue: "Queue", submissions: Sequence[Submitted], job_ids: Sequence[int]) -> list[Job]:
    """A record for each submission, several as the components of one heterogeneous job. Raises SlurmError."""
    several = len(submissions) > 1
    jobs = [_record(queue, one, job_id, several) for one, job_id in zip(submissions, job_ids, strict=True)]
    if several:
        for offset, job in enumerate(jobs):
            job.het_job_id, job.het_job_offset = job_ids[0], offset
        if len({queue.executor_of(job).name for job in jobs}) > 1:
            raise SlurmError(Errno.NOT_SUPPORTED, text=_APART)
        queue.executor_of(jobs[0]).check_components(jobs)
    return jobs


def _tasks(job: Job) -> int:
    return len(job.tasks) if job.tasks is not None else 1


def _check_count(queue: "Queue", jobs: Sequence[Job]) -> None:
    """MaxJobCount: all jobs in memory, each task of an array counted. Counted anew only when it may be exceeded."""
    most = queue.config.max_job_count
    added = sum(map(_tasks, jobs))
    if queue.job_count + added > most:
        queue.job_count = sum(_tasks(job) for job in queue.jobs.values())
        if queue.job_count + added > most:
            raise SlurmError(Errno.MAX_JOBS)
    queue.job_count += added


def _record(queue: "Queue", submission: Submitted, job_id: int, component: bool) -> Job:
    request = submission.request
    config = queue.config
    if config.default_account and not request.account:
        request = replace(request, account=config.default_account)
    if len(submission.script) > config.max_script_size:
        raise SlurmError(Errno.PATHNAME_TOO_LONG)
    partition = _partition(queue, request)
    check_names(queue, request)
    check_lengths(request)
    if request.nice < 0 and queue.user_id != 0:
        raise SlurmError(Errno.INVALID_NICE)
    array = submission.array
    if array is not None and array.max >= config.max_array_size:
        raise SlurmError(Errno.INVALID_ARRAY)
    need = _need(queue, request, partition, component)
    if not request.hold:
        check_possible(need, queue.partition_nodes(partition))
    now = queue.now()
    user = user_entry(queue.user_id)
    job = Job(
        job_id=job_id,
        request=request,
        user_id=queue.user_id,
        user_name=user.pw_name,
        group_id=user.pw_gid,
        group_name=_group(user.pw_gid),
        submit_time=now,
        partition=partition,
        time_limit=_time_limit(queue, request, partition, now),
        priority=NO_PRIORITY if request.hold else _priority(queue, request),
        reason=Reason.HELD_USER if request.hold else Reason.NONE,
    )
    if array is not None:
        job.array = ArrayInfo(job_id, array.min, array.max, array.step, len(array.indices))
        job.tasks = array.indices
        job.throttle = array.throttle
    if request.dependency:
        try:
            dependency = parse_dependency(request.dependency)
        except GrammarError as error:
            raise SlurmError(Errno.INVALID_DEPENDENCY) from error
        if any(term.kind is Kind.EXPAND for term in dependency.terms):
            raise SlurmError(Errno.NOT_SUPPORTED)
        job.waits = queue.dependencies.resolve(dependency, job_id)
    return job


def _partition(queue: "Queue", request: Request) -> str:
    if not request.partition:
        default = next((p.name for p in queue.partitions.values() if p.default), None)
        if default is None:
            raise SlurmError(Errno.DEFAULT_PARTITION_NOT_SET)
        return default
    for name in request.partition.split(","):
        partition = queue.partitions.get(name)
        if partition is None:
            raise SlurmError(Errno.INVALID_PARTITION_NAME, f"invalid partition specified: {name}")
        if partition.state in ("INACTIVE", "DRAIN"):
            raise SlurmError(Errno.PARTITION_DOWN)
    return request.partition


def _need(queue: "Queue", request: Request, partitions: str, component: bool) -> Need:
    try:
        need = queue.need_in(request, partitions, component=component)
    except GrammarError as error:
        raise SlurmError(Errno.INVALID_GRES) from error
    for name in partitions.split(","):
        queue.executor_for(name).check(request, need, name)
    return need


def _group(group_id: int) -> str:
    try:
        return grp.getgrgid(group_id).gr_name
    except KeyError:
        return str(group_id)


def _priority(queue: "Queue", request: Request) -> int:
    if request.priority is not None and queue.user_id == 0:
        return request.priority
    return priority_for(request.nice)


def _time_limit(queue: "Queue", request: Request, names: str, now: float) -> int:
    """The limit in minutes: asked for, or the partition's default, within the deadline."""
    partitions = [queue.partitions[name] for name in names.split(",")]
    limit = request.time_limit
    if limit is None:
        default = partitions[0].default_time
        limit = default if default is not None else partitions[0].max_time
    begin, deadline = max(request.begin, int(now)), request.deadline
    if deadline:
        if deadline < int(now):
            raise SlurmError(Errno.INVALID_TIME_LIMIT)
        if request.begin > deadline:
            raise SlurmError(Errno.INCOMPATIBLE_BEGIN_DEADLINE)
        left = int(deadline - begin) // 60
        if request.time_min and request.time_min > left:
            raise SlurmError(Errno.INVALID_TIME_MIN)
        if request.time_limit is None or (request.time_min and request.time_limit > left):
            limit = min(limit, left)
    if request.time_min and limit < request.time_min:
        raise SlurmError(Errno.INVALID_TIME_MIN)
    most = max(p.max_time for p in partitions)
    if queue.config.enforce_part_limits and limit > most and most < UNLIMITED:
        raise SlurmError(Errno.INVALID_TIME_LIMIT)
    return limit


def estimate(queue: "Queue", submissions: Sequence[Submitted]) -> list[Estimate]:
    """When and where each part would start if it were submitted now; dependencies are not looked at, as in Slurm."""
    plain = [
        _Plain(replace(one.request, dependency="", hold=False), one.script, one.environment, one.array)
        for one in submissions
    ]
    jobs = _records(queue, plain, [queue.take_job_id() for _ in plain])
    return [_estimate(queue, job) for job in jobs]


def _estimate(queue: "Queue", job: Job) -> Estimate:
    need = queue.need_in(job.request, job.partition, component=bool(job.het_job_id))
    for name in job.partition.split(","):
        nodes = candidates(need, queue.dispatcher.partition_nodes(name))
        shares = place(need, [node.copy_room() for node in nodes if node.usable])
        start = queue.now()
        if shares is None:
            start, shares = queue.dispatcher.when_free(need, nodes)
        if shares:
            node_list = fold_hostlist([share.node for share in shares])
            cpus = sum(share.cpus for share in shares)
            return Estimate(job.job_id, max(start, job.request.begin), cpus, node_list, name, job)
    raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class _Plain:
    request: Request
    script: bytes
    environment: bytes
    array: ArraySpec | None
