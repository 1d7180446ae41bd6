"""What a client calls whose controller has gone while its tasks ran, or it waited: it goes on with this one."""

import asyncio
from dataclasses import replace

from shim.commands import salloc, sbatch, srun
from shim.commands.call import Call
from shim.commands.stepping import steps as stepping
from shim.controller import laststeps
from shim.job.record import Job


async def run(call: Call) -> int:
    """Take over the steps, or the allocation, of a client. The exit code of its command."""
    restarts, kind, *names = call.argv
    queue = call.queue
    if kind == "wait":
        return await _wait(call, *names)
    if kind == "job":
        sbatch.may_wait_on(call, int(names[0]))
        return await sbatch.wait(call, int(names[0]))
    jobs = [job for name in names if (job := queue.job(int(name.split(".")[0]))) and job.restarts == int(restarts)]
    if kind == "command":
        for job in jobs:
            queue.allocations.own(job, call.tell)
        return await salloc.serve(call, jobs, quiet=False)
    steps = [step for name in names if (step := laststeps.find(queue, name, int(restarts)))]
    if len(steps) != len(names) or len(jobs) != len(names):
        return 1  # the job is over: so are its steps
    line = queue.executor_of(jobs[0]).reach(jobs[0], call, names[0] if kind == "relay" else "")
    for job, step in zip(jobs, steps, strict=True):
        queue.step_table.adopt(step, line.tell)
        if not job.request.batch:
            queue.allocations.own(job, call.tell, by_step=True)
    try:
        code = await stepping.serve(call, line, steps)
    except (ConnectionError, asyncio.IncompleteReadError):
        for job in _allocated(jobs):
            queue.allocations.desert(job)
        raise
    for job, step in zip(jobs, steps, strict=True):
        if not job.request.batch:
            queue.allocations.release(job, step.exit_status)
    return code


async def _wait(call: Call, jobs: str, command: str, *argv: str) -> int:
    """Go on with a call of srun or salloc that waited, for the jobs it had been given."""
    resumed = tuple(map(int, filter(None, jobs.split(","))))
    again = replace(call, command=command, argv=list(argv), resumed=resumed)
    code = await (salloc.run if command == "salloc" else srun.run)(again)
    await call.queue.flushed()
    return code


def _allocated(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if not job.request.batch]
