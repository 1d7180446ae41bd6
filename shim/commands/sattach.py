"""sattach: the layout of a running step; its input and output are its own srun's here (sattach man page)."""

import re

from shim.commands.arguments import read_arguments, refuse
from shim.commands.call import Call, Exit
from shim.commands.scontrol.targets import parse_job_id
from shim.grammar.hostlist import expand_hostlist
from shim.job.errors import Errno
from shim.job.record import Step
from shim.options.accounting import SATTACH

_STEP = re.compile(r"(?P<job>\d+(?:_\d+)?)\.(?P<step>\w+)")


async def run(call: Call) -> int:
    """Run one call of sattach."""
    try:
        arguments = read_arguments(call, SATTACH)
        if len(arguments.operands) != 1:
            raise _usage(call, "too many parameters")
        match = _STEP.fullmatch(arguments.operands[0])
        if not match:
            raise _usage(call, "Failed to parse stepid from command line options")
        step = _find(call, match["job"], match["step"])
        if "layout" not in arguments.flags:
            raise refuse(call, "attaching to the input and output of a step")
        call.out(_layout(step))
    except Exit as end:
        return end.code
    return 0


def _usage(call: Call, text: str) -> Exit:
    call.error(text)
    call.out("Usage: sattach [options] <jobid.stepid>\n")
    return Exit(1)


def _find(call: Call, job: str, step_id: str) -> Step:
    job_id = parse_job_id(job)
    assert job_id is not None
    task_id = job_id.tasks.first() if job_id.tasks else None
    for record in call.queue.find(job_id.job_id, task_id):
        for step in call.queue.steps(record):
            if step.step_id == step_id:
                return step
    call.error(f"Could not get job step info: {Errno.INVALID_JOB_ID.text}")
    raise Exit(1)


def _layout(step: Step) -> str:
    """Which task runs on which node: tasks are dealt out in blocks, the first nodes getting one more."""
    nodes = expand_hostlist(step.node_list)
    each, more = divmod(step.ntasks, len(nodes))
    lines = ["Job step layout:", f"\t{step.ntasks} tasks, {len(nodes)} nodes ({step.node_list})", ""]
    first = 0
    for number, node in enumerate(nodes):
        count = each + (number < more)
        tasks = "".join(f"{task} " for task in range(first, first + count))
        lines.append(f"\tNode {number} ({node}), {count} task(s): {tasks}")
        first += count
    return "\n".join(lines) + "\n"
