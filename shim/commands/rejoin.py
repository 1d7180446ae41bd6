"""What a client calls whose controller has gone while its tasks ran: it goes on with this one."""

import asyncio

from shim.commands import salloc
from shim.commands.call import Call
from shim.commands.stepping import steps as stepping
from shim.job.record import Job, Step


async def run(call: Call) -> int:
    """Take over the steps, or the allocation, of a client. The exit code of its command."""
    restarts, kind, *names = call.argv
    queue = call.queue
    jobs = [job for name in names if (job := queue.job(int(name.split(".")[0]))) and job.restarts == int(restarts)]
    if kind == "command":
        for job in jobs:
            queue.allocations.own(job, call.tell)
        return await salloc.serve(call, jobs, quiet=False)
    steps = [_step(call, name, int(restarts)) for name in names]
    for job, step in zip(jobs, steps, strict=False):
        queue.step_table.adopt(step, call.tell)
        if not job.request.batch:
            queue.allocations.own(job, lambda _kind, _data: None)
    try:
        code = await stepping.serve(call, steps)
    except (ConnectionError, asyncio.IncompleteReadError):
        for job in _allocated(jobs):
            queue.allocations.desert(job)
        raise
    for job, step in zip(jobs, steps, strict=False):
        if not job.request.batch:
            queue.allocations.release(job, step.exit_status)
    return code


def _allocated(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if not job.request.batch]


def _step(call: Call, name: str, restarts: int) -> Step:
    """The step as the job table has it."""
    job_id, _, step_id = name.partition(".")
    where = "job_id = ? and restarts = ? and step_id = ?"
    for step in call.queue.table.steps(where, int(job_id), restarts, step_id):
        return step
    return Step(int(job_id), restarts, step_id, "", start_time=call.queue.now())
