"""The steps of running jobs: what srun asks for inside a job, as the controller sees it."""

import time
from typing import TYPE_CHECKING

from shim.job.record import Job, Step
from shim.job.states import State

if TYPE_CHECKING:
    from shim.controller.queue import Queue


class Steps:
    """The live steps of one queue."""

    def __init__(self, queue: "Queue") -> None:
        self.queue = queue
        self.live: dict[int, list[Step]] = {}

    def of(self, job_id: int) -> list[Step]:
        """The steps of a job that run now."""
        return self.live.get(job_id, [])

    def pids(self, job_id: int) -> tuple[int, ...]:
        """The processes of all tasks of a job's steps."""
        return tuple(pid for step in self.of(job_id) for pid in step.pids)

    def begin(self, job: Job, step: Step) -> None:
        """A step has started."""
        self.live.setdefault(job.job_id, []).append(step)
        self.queue.write(lambda table: table.save_steps([step]))

    def end(self, step: Step, status: int, end: float, state: State | None = None) -> None:
        """A step is over."""
        steps = self.live.get(step.job_id, [])
        if step in steps:
            steps.remove(step)
            if not steps:
                del self.live[step.job_id]
        step.exit_status, step.end_time = status, end
        step.state = state or (State.FAILED if status else State.COMPLETED)
        job = self.queue.jobs.get(step.job_id)
        if job and status > job.derived_exit_status:  # the worst of its steps (sacct man page, DerivedExitCode)
            job.derived_exit_status = status
            self.queue.changed(job)
        self.queue.write(lambda table: table.save_steps([step]))

    def end_all(self, job: Job, end: float) -> None:
        """The job is over: so are its steps."""
        for step in list(self.of(job.job_id)):
            self.end(step, 15, end, State.CANCELLED)


def timestamp(when: float) -> str:
    """Local time as slurmstepd writes it into notices."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when))
