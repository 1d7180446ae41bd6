"""The files of a job as ``scontrol show job`` names them."""

from shim.job.record import NO_TASK, Job

_DEFAULT = "slurm-%j.out"
_DEFAULT_OF_ARRAY = "slurm-%A_%a.out"


def std_out(job: Job) -> str:
    """The absolute name of the job's output file, as far as scontrol expands it."""
    return _absolute(job, job.request.std_out or (_DEFAULT_OF_ARRAY if job.array else _DEFAULT))


def std_err(job: Job) -> str:
    """The absolute name of the job's error file: its output file where none was asked for."""
    return _absolute(job, job.request.std_err) if job.request.std_err else std_out(job)


def std_in(job: Job) -> str:
    """The absolute name of the file the job reads."""
    return _absolute(job, job.request.std_in or "/dev/null")


def _absolute(job: Job, name: str) -> str:
    """Expand what scontrol expands (``%A %a %j %u %x``), and no more: the rest only a node would know."""
    for pattern, value in (
        ("%A", job.array_job_id or job.job_id),
        ("%a", NO_TASK if job.task_id is None else job.task_id),
        ("%j", job.job_id),
        ("%u", job.user_name),
        ("%x", job.request.job_name),
    ):
        if pattern in name:
            name = name.replace(pattern, str(value))
    return name if name.startswith("/") else f"{job.request.work_dir}/{name}"
