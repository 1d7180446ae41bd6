"""salloc: allocate nodes and run a command or a shell here while they are allocated (salloc(1))."""

import asyncio
import marshal
import os
from collections.abc import Mapping, Sequence
from typing import Any

from shim.commands.call import Call, Exit
from shim.commands.stepping.allocation import allocate, configured
from shim.commands.stepping.order import FORMAT, asks_memory
from shim.commands.submission import check, command_line, place, report
from shim.grammar.errors import GrammarError
from shim.grammar.signal import signal_number
from shim.job.environment import allocation_environment
from shim.job.record import Job
from shim.job.user import user_entry
from shim.options.gather import Gathered, gather_allocation
from shim.options.getopt import OptionError
from shim.options.joboption import Complaint

_DEFAULT_NAME = "interactive"


async def run(call: Call) -> int:
    """Allocate what the caller describes and have it run its command. The exit code is salloc's."""
    try:
        components, command = gather_allocation(command_line(call), call.env, place(call))
        for gathered in components:
            gathered.fields["submit_dir"] = call.cwd
            check(call, gathered)
        kill = _kill_signal(call, components[0].fields)
        jobs = await allocate(call, components, _DEFAULT_NAME)
    except (Complaint, OptionError) as error:
        return report(call, error)
    fields = components[0].fields
    job = jobs[0]
    _say(call, fields, f"Granted job allocation {job.job_id}")
    await configured(call, jobs, fields)
    if fields.get("bell") and call.stdout_tty and not fields.get("no_bell"):
        call.out("\a")
    if fields.get("no_shell"):
        return 0
    return await _with_command(call, components, jobs, command or _shell(call), kill)


def _say(call: Call, fields: Mapping[str, Any], text: str) -> None:
    if not fields.get("quiet"):
        call.err(f"salloc: {text}")


def _shell(call: Call) -> list[str]:
    """The user's shell."""
    return [call.env.get("SHELL") or user_entry(call.queue.user_id).pw_shell]


def _kill_signal(call: Call, fields: Mapping[str, Any]) -> int:
    """What the command gets when the allocation is revoked: 0 for nothing, -1 for what suits the session."""
    text = fields.get("kill_command")
    if text is None:
        return 0
    if text == "":
        return -1
    try:
        return int(signal_number(text))
    except GrammarError:
        call.error(f"Invalid signal name {text}")
        raise Exit(1) from None


async def _with_command(
    call: Call, components: Sequence[Gathered], jobs: Sequence[Job], command: Sequence[str], kill: int
) -> int:
    """Have the client run its command; give the allocation back. The exit code."""
    assert call.hear is not None
    fields, allocations = components[0].fields, call.queue.allocations
    for job in jobs:
        allocations.own(job, call.tell)
    order = {
        "do": "command",
        "job": str(jobs[0].job_id),
        "restarts": jobs[0].restarts,
        "argv": [os.fsencode(word) for word in command],
        "environment": _environment(call, jobs),
        "cwd": os.fsencode(fields.get("work_dir") or call.cwd),
        "quiet": bool(fields.get("quiet")),
        "kill_command": kill,
        "failure": call.failure,
    }
    call.tell(b"S", marshal.dumps(order, FORMAT))
    try:
        return await serve(call, jobs, quiet=bool(fields.get("quiet")))
    except (ConnectionError, asyncio.IncompleteReadError):
        for job in jobs:
            allocations.desert(job)
        raise


async def serve(call: Call, jobs: Sequence[Job], *, quiet: bool) -> int:
    """Wait for the command's end; give the allocation back. The exit code."""
    assert call.hear is not None
    kind = b""
    while kind != b"S":
        kind, payload = await call.hear()
        if kind == b"G":  # somebody wants the nodes back; the command may go on without
            if not quiet:
                call.err(f"salloc: Job allocation {jobs[0].job_id} has been revoked.")
            for job in jobs:
                call.queue.allocations.release(job, 0)
    result = marshal.loads(payload)
    if not result.get("revoked") and not quiet:
        call.err(f"salloc: Relinquishing job allocation {jobs[0].job_id}")
    for job in jobs:
        call.queue.allocations.release(job, result["status"] or result["code"] << 8)
    return int(result["code"])


def _environment(call: Call, jobs: Sequence[Job]) -> dict[bytes, bytes]:
    variables: dict[str, str] = {}
    inherited = {name.encode() for name in call.env}
    for job in jobs:
        own = allocation_environment(job, call.queue.config, inherited)
        if not asks_memory(job):
            own.pop("SLURM_MEM_PER_CPU", None)
        if job.het_job_id:
            offset = job.het_job_offset
            variables |= {f"{name}_HET_GROUP_{offset}": value for name, value in own.items()}
            variables |= {"SLURM_HET_SIZE": str(len(jobs))}
        if job is jobs[0]:
            variables |= own
    variables["SLURMSHIM_STATE"] = str(call.queue.state_dir)
    return {os.fsencode(name): os.fsencode(value) for name, value in variables.items()}
