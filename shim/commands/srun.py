"""srun: run tasks as a step of a job, which it allocates where there is none (srun(1))."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from shim.commands.call import Call, Exit
from shim.commands.client import caller
from shim.commands.stepping.allocation import allocate, configured
from shim.commands.stepping.hetgroup import spread
from shim.commands.stepping.parts import Part, parts_of
from shim.commands.stepping.size import step_request
from shim.commands.stepping.steps import Wanted, run_steps
from shim.commands.submission import report
from shim.job.errors import Errno
from shim.job.record import Job, Step
from shim.options.getopt import OptionError
from shim.options.joboption import Complaint, Fields


async def run(call: Call) -> int:
    """Run the tasks that the caller describes. The exit code is srun's."""
    try:
        parts = parts_of(call)
        fields = parts[0].gathered.fields
        if "jobid" in fields and not fields.get("test_only"):
            return (await _run(call, spread(call, parts, existing(call, fields))))[0]
        return await _allocated(call, parts)
    except (Complaint, OptionError) as error:
        return report(call, error)


def existing(call: Call, fields: Fields) -> Job:
    """The job that the options or the environment name. Raises Exit."""
    number = int(fields["jobid"])
    job = call.queue.job(number)
    if job is None:
        call.error(f"Unable to confirm allocation for job {number}: {Errno.INVALID_JOB_ID.text}")
    elif job.decided:
        call.error(f"Slurm job {number} has expired")
    elif job.pending:
        call.error(f"Unable to confirm allocation for job {number}: {Errno.JOB_PENDING.text}")
        raise Exit(call.failure)
    else:
        return job
    call.err(f"srun: Check SLURM_JOB_ID environment variable. Expired or invalid job {number}")
    raise Exit(call.failure)


_OF_THE_JOB = ("exclusive", "immediate", "exclude", "relative", "hold", "mem_per_cpu", "mem_per_node")
"""Options that have had their effect once the job runs."""


async def _allocated(call: Call, parts: Sequence[Part]) -> int:
    """Allocate, run, release. The exit code. Raises Exit, Complaint or OptionError."""
    jobs = await allocate(call, [part.gathered for part in parts], parts[0].program)
    await configured(call, jobs, parts[0].gathered.fields)
    allocations = call.queue.allocations
    for part, job in zip(parts, jobs, strict=True):
        fields = part.gathered.fields
        fields["nodes_min"] = fields["nodes_max"] = len(job.shares)
        for name in _OF_THE_JOB:
            fields.pop(name, None)
        allocations.own(job, call.tell, by_step=True)
    try:
        code, steps = await _run(call, list(zip(parts, jobs, strict=True)))
    except (ConnectionError, asyncio.IncompleteReadError):
        for job in jobs:
            allocations.desert(job)
        raise
    except Exception:
        for job in jobs:
            allocations.release(job, 1 << 8)
        raise
    for job, step in zip(jobs, steps, strict=True):
        allocations.release(job, step.exit_status)
    return code


async def _run(call: Call, parts: Sequence[tuple[Part, Job]]) -> tuple[int, list[Step]]:
    wanted: list[Wanted] = []
    for part, job in parts:
        fields = part.gathered.fields
        request = step_request(call, fields, job)
        if any(one.job is job for one in wanted):  # the steps of one call do not wait for each other
            request = replace(request, overlap=True)
        programs = part.programs(call, request.ntasks)
        wanted.append(Wanted(job, request, fields, programs, fields.get("step_name") or part.program))
    return await run_steps(call, wanted, caller(call).umask)
