"""The files of a job as ``scontrol show job`` names them."""

import os

from shim.job.record import NO_TASK, Job

_DEFAULT = "slurm-%j.out"
_DEFAULT_OF_ARRAY = "slurm-%A_%a.out"


def std_out(job: Job, task_id: int | None = None) -> str:
    """The absolute name of the job's output file, as far as scontrol expands it.

    ``task_id`` is the task that is meant of the pending rest of an array.
    """
    return _absolute(job, job.request.std_out or (_DEFAULT_OF_ARRAY if job.array else _DEFAULT), task_id)


def std_err(job: Job, task_id: int | None = None) -> str:
    """The absolute name of the job's error file: its output file where none was asked for."""
    return _absolute(job, job.request.std_err, task_id) if job.request.std_err else std_out(job, task_id)


def std_in(job: Job, task_id: int | None = None) -> str:
    """The absolute name of the file the job reads."""
    return _absolute(job, job.request.std_in or "/dev/null", task_id)


def _absolute(job: Job, name: str, task_id: int | None) -> str:
    """Expand what scontrol expands (``%A %a %j %u %x``), and no more: the rest only a node would know."""
    index = job.task_id if task_id is None else task_id
    for pattern, value in (
        ("%A", job.array_job_id or job.job_id),
        ("%a", NO_TASK if index is None else index),
        ("%j", job.job_id),
        ("%u", job.user_name),
        ("%x", job.request.job_name),
    ):
        if pattern in name:
            name = name.replace(pattern, str(value))
    return os.path.join(job.request.work_dir, name)
