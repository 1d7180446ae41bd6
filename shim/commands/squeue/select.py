"""Which jobs squeue shows: its filters, and the tasks of arrays that were asked for by id (squeue man page)."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from shim.commands.idlist import JobId
from shim.commands.squeue.query import Query
from shim.commands.squeue.rows import Row, in_table_order, row_of, rows_of_tasks
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.indexset import IndexSet
from shim.job.record import Job
from shim.job.states import WAITING, State

SHOWN_STATES = WAITING | {State.CONFIGURING, State.RUNNING, State.SUSPENDED, State.STOPPED, State.COMPLETING}

if TYPE_CHECKING:
    from shim.controller.queue import Queue
"""The states that are shown unless --states says otherwise."""

Test = Callable[[Job], bool]


class UnknownJobError(Exception):
    """The one job that was asked for is not, or no longer, known."""


def select(queue: "Queue", query: Query) -> list[Row]:
    """The rows that pass all filters. Raises UnknownJobError."""
    tests = _tests(query)
    if query.jobs is None:
        return [_whole(queue, job) for job in _passing(in_table_order(queue.jobs.values()), tests)]
    wanted = _wanted_tasks(query.jobs)
    rows = (_row(queue, job, wanted) for job in _passing(_records(queue, query.jobs), tests))
    return [row for row in rows if row is not None]


def _passing(jobs: list[Job], tests: Iterable[Test]) -> list[Job]:
    """The jobs that pass all tests; one after the other, as that is how ten thousand jobs pass fastest."""
    for test in tests:
        jobs = [job for job in jobs if test(job)]
    return jobs


def _records(queue: "Queue", ids: list[JobId]) -> list[Job]:
    """The records that ids name, in the order the controller lists them: of one array, the newest tasks first."""
    if len(ids) != 1:
        found = {job.job_id: job for wanted in ids for job in queue_records(queue, wanted.job_id)}
        return in_table_order(found.values())
    records = queue_records(queue, ids[0].job_id)
    if not records:
        raise UnknownJobError
    if records[0].het_job_id:
        return records
    head = [job for job in records if job.job_id == ids[0].job_id]
    others = [job for job in records if job.job_id != ids[0].job_id]
    return head + sorted(others, key=lambda job: -job.job_id)


def queue_records(queue: "Queue", job_id: int) -> list[Job]:
    """All records that a number names: the job of that id, the records of its array, its components."""
    job = queue.job(job_id)
    records = queue.array_records(job_id)
    if job is not None and job.het_job_id == job_id:
        return queue.components(job)
    return [job, *records] if job is not None and job not in records else records


def _wanted_tasks(ids: Iterable[JobId]) -> dict[int, list[int] | None]:
    """The tasks that were asked for, by job; None: the whole job."""
    wanted: dict[int, list[int] | None] = {}
    for name in ids:
        tasks = wanted.setdefault(name.job_id, [])
        if name.task_id is None:
            wanted[name.job_id] = None
        elif tasks is not None:
            tasks.append(name.task_id)
    return wanted


def _whole(queue: "Queue", job: Job) -> Row:
    """The row of one record. The last task of an array that others were split off from is shown as a single task."""
    if job.tasks is not None and len(job.tasks) == 1 and len(queue.array_records(job.array_job_id)) > 1:
        return Row(job, job.reason, job.partition, job.tasks.first())
    return row_of(job)


def _row(queue: "Queue", job: Job, wanted: Mapping[int, list[int] | None]) -> Row | None:
    if any(wanted.get(number, ()) is None for number in (job.job_id, job.array_job_id, job.het_job_id)):
        return _whole(queue, job)
    task_ids = wanted.get(job.array_job_id)
    if not task_ids:
        return None
    if job.tasks is not None:
        return rows_of_tasks(job, IndexSet.from_iterable(task_ids))
    return row_of(job) if job.task_id in task_ids else None


def _tests(query: Query) -> list[Test]:
    """One test for each filter of the query."""
    tests: list[Test] = [_state_test(query)]
    nodes = query.nodes
    if query.users is not None:
        users = frozenset(query.users)
        tests.append(lambda job: job.user_id in users)
    if nodes is not None:
        tests.append(lambda job: bool(job.node_list) and not nodes.isdisjoint(expand_hostlist(job.node_list)))
    partitions = query.words("partitions")
    if partitions is not None:
        tests.append(lambda job: any(name in partitions for name in job.partition.split(",")))
    for option, value in TEXTS.items():
        words = query.words(option)
        if words is not None:
            tests.append(_text_test({word.lower() for word in words}, value))
    licenses = query.words("licenses")
    if licenses is not None:
        tests.append(lambda job: any(name in licenses for name in _license_names(job.request.licenses)))
    reservation = query.given.get("reservation")
    if reservation is not None:
        tests.append(lambda job: job.request.reservation == reservation)
    return tests


TEXTS: dict[str, Callable[[Job], str]] = {
    "accounts": lambda job: job.request.account,
    "name": lambda job: job.request.job_name,
    "qos": lambda job: job.request.qos or "normal",
}
"""Filters that compare texts whatever their case."""


def _state_test(query: Query) -> Test:
    if query.all_states:
        return lambda _job: True
    states = SHOWN_STATES if query.states is None else frozenset(query.states)
    return lambda job: job.state in states


def _text_test(words: set[str], value: Callable[[Job], str]) -> Test:
    return lambda job: value(job).lower() in words


def _license_names(licenses: str) -> list[str]:
    return [word.split(":")[0].split("@")[0] for word in licenses.split(",")]
