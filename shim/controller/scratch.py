"""A folder of its own for each running job ($SLURM_TMPDIR), where the configuration asks for it."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shim.job.record import Job

if TYPE_CHECKING:
    from shim.controller.queue import Queue


def make(queue: "Queue", job: Job) -> None:
    """Make the job's folder, for its user alone. Raises OSError where that cannot be."""
    if queue.config.scratch:
        folder = Path(queue.config.scratch, str(job.job_id))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def remove(queue: "Queue", job: Job) -> None:
    """Remove the job's folder with all that is in it, beside the event loop: it may be large."""
    if queue.config.scratch:
        folder = Path(queue.config.scratch, str(job.job_id))
        queue.loop.run_in_executor(None, lambda: shutil.rmtree(folder, ignore_errors=True))
