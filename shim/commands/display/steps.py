"""The steps of a job, the batch script among them: the job record keeps its accounting."""

from typing import TYPE_CHECKING

from shim.job.record import Job, Step
from shim.job.states import Reason, State

if TYPE_CHECKING:
    from shim.controller.queue import Queue


def live_steps(queue: "Queue", job: Job) -> list[Step]:
    """The steps of a job that run now, the batch script first."""
    batch = batch_step(job) if job.state.active and not job.script_over else None
    steps = queue.steps(job)
    return steps if batch is None or any(step.step_id == "batch" for step in steps) else [batch, *steps]


def batch_step(job: Job) -> Step | None:
    """The accounting of the job's batch script; None while it has not started, or if it has none."""
    if not (job.request.batch and job.shares and job.start_time) or job.pending or job.het_job_offset:
        return None  # the script of a heterogeneous job runs in its first component
    first = job.shares[0]
    return Step(
        job_id=job.job_id,
        restarts=job.restarts,
        step_id="batch",
        name="batch",
        state=_batch_state(job),
        start_time=job.start_time,
        end_time=job.end_time if job.state not in {State.RUNNING, State.SUSPENDED} else 0,
        exit_status=_batch_status(job),
        ntasks=1,
        cpus=first.cpus,
        memory=first.memory,
        node_list=first.node,
        nodes=1,
        user_seconds=job.user_seconds,
        system_seconds=job.system_seconds,
        max_rss=job.max_rss,
        gpus=len(first.gpus),
    )


def _batch_status(job: Job) -> int:
    """How the script ended; one that could not be launched, or had no memory left, ended as its job did."""
    if job.state is State.OUT_OF_MEMORY:
        return job.exit_status
    return job.batch_status or (job.exit_status if job.reason == Reason.LAUNCH_FAILURE else 0)


def _batch_state(job: Job) -> State:
    if job.state.active and not job.script_over:
        return State.RUNNING
    if job.state is State.OUT_OF_MEMORY:
        return State.OUT_OF_MEMORY
    status = _batch_status(job)
    if status & 0x7F:
        return State.CANCELLED
    return State.FAILED if status else State.COMPLETED


def layout(step: Step) -> str:
    """How the tasks of a step are spread over its nodes where srun was not told: see srun man page, --distribution."""
    if not step.step_id.isdecimal():
        return "Unknown"
    return "Cyclic" if step.ntasks <= step.nodes else "Block"
