"""srun: run tasks as a step of a job, which it allocates where there is none (srun(1))."""

import asyncio
import os
from collections.abc import Sequence

from shim.commands.call import Call, Exit
from shim.commands.client import look_at
from shim.commands.stepping.allocation import allocate
from shim.commands.stepping.size import step_request
from shim.commands.stepping.steps import Wanted, run_steps, step_name
from shim.commands.submission import command_line, place, report
from shim.job.errors import Errno
from shim.job.record import Job, Step
from shim.options.gather import CommandLine, Gathered, apply_environment
from shim.options.getopt import OptionError
from shim.options.joboption import Complaint, Fields, Source
from shim.options.table import options_of
from shim.options.verify import verify


async def run(call: Call) -> int:
    """Run the tasks that the caller describes. The exit code is srun's."""
    try:
        parts = components(call)
    except (Complaint, OptionError) as error:
        return report(call, error)
    if not parts[-1].command:
        call.err("srun: fatal: No command given to execute.")
        return 1
    for part in parts:
        part.command = part.command or parts[-1].command
    if "jobid" in parts[0].gathered.fields:
        job = existing(call, parts[0].gathered.fields)
        return (await _run(call, parts, [job] * len(parts)))[0]
    return await _allocated(call, parts)


async def _allocated(call: Call, parts: Sequence["Part"]) -> int:
    """Allocate, run, release. The exit code."""
    try:
        jobs = await allocate(call, [part.gathered for part in parts], os.path.basename(parts[0].command[0]))
    except (Complaint, OptionError) as error:
        return report(call, error)
    allocations = call.queue.allocations
    for part, job in zip(parts, jobs, strict=True):
        fields = part.gathered.fields
        fields["nodes_min"] = fields["nodes_max"] = len(job.shares)
        for name in _OF_THE_JOB:
            fields.pop(name, None)
        allocations.own(job, lambda _kind, _data: None)  # its step is told by itself
    try:
        code, steps = await _run(call, parts, jobs)
    except Exit:
        for job in jobs:
            allocations.release(job, 1 << 8)
        raise
    except (ConnectionError, asyncio.IncompleteReadError):
        for job in jobs:
            allocations.desert(job)
        raise
    for job, step in zip(jobs, steps, strict=True):
        allocations.release(job, step.exit_status)
    return code


_OF_THE_JOB = ("exclusive", "immediate", "exclude", "relative", "hold", "mem_per_cpu", "mem_per_node")
"""Options that have had their effect once the job runs."""


async def _run(call: Call, parts: Sequence["Part"], jobs: Sequence[Job]) -> tuple[int, list[Step]]:
    process = look_at(call.pid)
    wanted = []
    for part, job in zip(parts, jobs, strict=True):
        fields = part.gathered.fields
        fields.setdefault("work_dir", call.cwd)
        name = step_name(fields, part.command)
        wanted.append(Wanted(job, step_request(call, fields, job), fields, [part.command], name))
    return await run_steps(call, wanted, process.umask)


class Part:
    """One component of a call (``A : B``): its options and its command."""

    def __init__(self, gathered: Gathered, command: Sequence[str]) -> None:
        self.gathered = gathered
        self.command = command


def components(call: Call) -> list[Part]:
    """The components of the call. Raises Complaint or OptionError."""
    parts: list[Part] = []
    options = options_of("srun")
    here = place(call)
    for words in _split(call.argv):
        line = CommandLine("srun", tuple(words), command_line(call).plugins)
        gathered = parts[-1].gathered.next_component(options) if parts else Gathered()
        apply_environment(gathered, "srun", call.env, here)
        scan = line.options(words)
        for option, text in scan:
            gathered.apply(option, text, Source.COMMAND_LINE, here)
        fields = gathered.fields
        fields["submit_dir"] = call.cwd
        if gathered.sources.get("job-name") is Source.COMMAND_LINE:
            fields["step_name"] = fields["job_name"]
        for text in verify(gathered).lines:
            call.err(f"srun: {text}")
            fields["nodes_warned"] = True
        parts.append(Part(gathered, scan.operands))
    return parts


def _split(argv: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in argv:
        if word == ":":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def existing(call: Call, fields: Fields) -> Job:
    """The job that the options or the environment name. Raises Exit."""
    number = fields["jobid"]
    job = call.queue.job(int(number)) if number.isdigit() else None
    if job is None or not job.state.active:
        problem = Errno.INVALID_JOB_ID.text
        call.error(f"Unable to confirm allocation for job {number}: {problem}")
        call.err(f"srun: Check SLURM_JOB_ID environment variable. Expired or invalid job {number}")
        raise Exit(1)
    return job
