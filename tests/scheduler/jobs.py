"""Jobs for the scheduler to look at."""

from typing import Any

from shim.job.record import Job
from shim.job.request import Request


def make_job(number: int, **fields: Any) -> Job:
    """A plain job of one user."""
    return Job(
        job_id=number,
        request=Request(),
        user_id=1,
        user_name="jane",
        group_id=1,
        group_name="jane",
        **fields,
    )
