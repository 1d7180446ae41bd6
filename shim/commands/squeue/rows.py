"""The rows of squeue: which jobs are shown, what part of an array each row stands for, and in which order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from shim.grammar.indexset import DISPLAY_LIMIT, IndexSet
from shim.job.record import Job


@dataclass(slots=True)
class Row:
    """One line of squeue: a job, the pending rest of an array or a part of it, or one task of that rest."""

    job: Job
    reason: str
    partition: str
    task_id: int | None = None  # the array task this row stands for
    tasks: IndexSet | None = None  # the pending tasks of an array this row stands for
    task_text: str | None = None  # how ``tasks`` reads where that differs from the job's own list


def row_of(job: Job) -> Row:
    """The row of one record."""
    return Row(job, job.reason, job.partition, job.task_id, job.tasks or None)


def rows_of_tasks(job: Job, task_ids: IndexSet) -> Row | None:
    """The row for some tasks of the rest of an array (``-j 7_3,7_5``); None if it holds none of them."""
    part = (job.tasks or IndexSet()) & task_ids
    if not part:
        return None
    if len(part) == 1:
        return Row(job, job.reason, job.partition, part.first())
    return Row(job, job.reason, job.partition, None, part, part.display())


def in_table_order(jobs: Iterable[Job]) -> list[Job]:
    """The order in which Slurm's controller lists its records.

    Records are listed as they were made. When a task is split off an array, it keeps the place of the array's
    record, and what is left moves to the end; so the rest stands behind the last task that was split off.
    """
    newest: dict[int, int] = {}
    records = list(jobs)
    for job in records:
        if job.array and job.job_id > newest.get(job.array.job_id, 0):
            newest[job.array.job_id] = job.job_id
    if not newest:
        records.sort(key=_job_id)
        return records
    records.sort(key=lambda job: newest[job.job_id] + 0.5 if job.job_id in newest else job.job_id)
    return records


def _job_id(job: Job) -> int:
    return job.job_id


def combined(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """Fold pending tasks that have records of their own into the row of the rest of their array.

    Tasks whose name or partition was changed keep a row of their own (squeue man page, --array-unique).
    """
    rests = {row.job.array_job_id: row for row in rows if row.tasks is not None and row.job.pending}
    if not rests:
        return list(rows)
    folded: dict[int, list[int]] = {}
    kept = []
    for row in rows:
        rest = rests.get(row.job.array_job_id)
        if rest is None or not _folds_into(row, rest):
            kept.append(row)
            continue
        assert row.task_id is not None
        folded.setdefault(row.job.array_job_id, []).append(row.task_id)
        if row.reason not in rest.reason:
            rest.reason += f",{row.reason}"
    for array_job_id, task_ids in folded.items():
        rest = rests[array_job_id]
        rest.tasks = (rest.tasks or IndexSet()) | IndexSet.from_iterable(task_ids)
        rest.task_text = _runs_text(rest.tasks, DISPLAY_LIMIT if limit is None else limit)
    return kept


def _folds_into(row: Row, rest: Row) -> bool:
    return (
        row is not rest
        and row.task_id is not None
        and row.job.pending
        and row.partition == rest.partition
        and row.job.request.job_name == rest.job.request.job_name
    )


def _runs_text(tasks: IndexSet, limit: int) -> str:
    """A folded list names no throttle and no step, and ends before the first run that has no room left."""
    text = ""
    for first, last in tasks.runs():
        word = str(first) if first == last else f"{first}-{last}"
        longer = f"{text},{word}" if text else word
        if limit and len(longer) >= limit:
            break
        text = longer
    return text


def tasks_of(row: Row) -> Iterator[Row]:
    """One row for each pending task that ``row`` stands for (squeue man page, --array)."""
    return (Row(row.job, row.reason, row.partition, task_id) for task_id in row.tasks or ())


def by_partition(rows: Iterable[Row], wanted: Callable[[str], bool]) -> list[Row]:
    """One row for each partition a waiting job was submitted to (squeue man page, --priority)."""
    return [replace(row, partition=name) for row in rows for name in row.partition.split(",") if wanted(name)]
