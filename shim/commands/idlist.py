"""Job and step ids as squeue reads them: lists of ``12``, ``12_3``, ``12.0``."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobId:
    """One id of a list. ``task_id`` is None for a whole array or a plain job, ``step`` empty for a whole job."""

    job_id: int
    task_id: int | None = None
    step: str = ""

    def __str__(self) -> str:
        return str(self.job_id) if self.task_id is None else f"{self.job_id}_{self.task_id}"


class IdError(ValueError):
    """An id that cannot be read; the text is that id."""


def parse_job_ids(text: str) -> list[JobId]:
    """Read a list of jobs, separated by commas. Raises IdError.

    Digits count as far as they go, as in strtol(): ``12x`` and ``12 13`` are job 12, ``12_x`` is its task 0 (squeue
    man page, --jobs).
    """
    return [_parse(word) for word in text.split(",") if word]


def parse_step_ids(text: str) -> list[JobId]:
    """Read a list of steps, ``job[_task].step`` each. Raises IdError."""
    ids = []
    for word in filter(None, text.split(",")):
        name, dot, step = word.partition(".")
        if not dot:
            raise IdError(word)
        job = _parse(name)
        ids.append(JobId(job.job_id, job.task_id, step))
    return ids


def _parse(word: str) -> JobId:
    job_id = _leading_number(word)
    if not job_id:
        raise IdError(word)
    rest = re.sub(r"^\s*\+?\d+", "", word)
    return JobId(job_id, _leading_number(rest[1:]) if rest.startswith("_") else None)


def _leading_number(text: str) -> int:
    match = re.match(r"\s*\+?(\d+)", text)
    return int(match[1]) if match else 0
