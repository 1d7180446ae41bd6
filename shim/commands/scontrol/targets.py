"""The jobs that a word of a command line means: ``12``, ``12_3``, ``12_[1-3,7]``, ``jobname=n``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shim.controller.queue import Queue
from shim.grammar.array import parse_array
from shim.grammar.errors import GrammarError
from shim.grammar.indexset import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job

_JOB_ID = re.compile(r"(?P<job_id>\d+)(?:_(?P<tasks>\d+|\[[^]]*\]|\*)|\+(?P<offset>\d+))?")
_BETWEEN_JOBS = re.compile(r",(?![^[]*\])")


@dataclass(frozen=True)
class Target:
    """One record, or with ``tasks`` a part of the rest of an array, that an operation is about."""

    job: Job
    tasks: IndexSet | None = None

    @property
    def task_text(self) -> str:
        """The array tasks, as Slurm names them in its answers."""
        if self.job.task_id is not None:
            return str(self.job.task_id)
        tasks = self.tasks if self.tasks is not None else self.job.tasks
        return tasks.display(0) if tasks is not None else ""


@dataclass(frozen=True)
class JobId:
    """A job id as it was written: of a job, an array, some tasks of an array, or a part of a heterogeneous job."""

    text: str
    job_id: int
    tasks: IndexSet | None = None
    offset: int | None = None

    def targets(self, queue: Queue) -> list[Target]:
        """The records it means, the rest of an array first. Raises SlurmError for a job that is not known."""
        records = queue.find(self.job_id)
        if not records:
            raise SlurmError(Errno.INVALID_JOB_ID)
        if self.offset is not None:
            return self._part(queue)
        if self.tasks is None:
            return [Target(job) for job in records]
        if not records[0].array:
            raise SlurmError(Errno.INVALID_JOB_ID)
        return list(self._of_tasks(records))

    def _part(self, queue: Queue) -> list[Target]:
        parts = [job for job in queue.jobs.values() if job.het_job_id == self.job_id]
        wanted = [job for job in parts if job.het_job_offset == self.offset]
        if not wanted and not parts and self.offset == 0:
            wanted = queue.find(self.job_id)
        if not wanted:
            raise SlurmError(Errno.INVALID_JOB_ID)
        return [Target(job) for job in wanted]

    def _of_tasks(self, records: list[Job]) -> Iterator[Target]:
        assert self.tasks is not None
        for job in records:
            if job.tasks is not None:
                if part := job.tasks & self.tasks:
                    yield Target(job, part)
            elif job.task_id in self.tasks:
                yield Target(job)


def parse_job_id(text: str) -> JobId | None:
    """Read one job id; None for text that is none."""
    match = _JOB_ID.fullmatch(text)
    if not match:
        return None
    tasks = None
    if match["tasks"] and match["tasks"] != "*":
        try:
            tasks = parse_array(match["tasks"].strip("[]")).indices
        except GrammarError:
            return None
    return JobId(text, int(match["job_id"]), tasks, int(match["offset"]) if match["offset"] else None)


def split_jobs(text: str) -> list[str]:
    """Take a list of job ids apart at its commas, those in brackets left alone."""
    return [word for word in _BETWEEN_JOBS.split(text) if word]


def components(queue: Queue, word: str) -> list[str]:
    """The id of a heterogeneous job means each of its components, the first first; any other word itself."""
    job = queue.job(int(word)) if word.isdecimal() else None
    if job is None or job.het_job_id != job.job_id:
        return [word]
    return [f"{job.het_job_id}+{part.het_job_offset}" for part in queue.components(job)]


def named(queue: Queue, name: str, user_id: int | None = None) -> list[Job]:
    """The unfinished jobs of that name, those of arrays by their records."""
    return [
        job
        for job in list(queue.jobs.values())
        if job.request.job_name == name and not job.state.finished and user_id in (None, job.user_id)
    ]
