"""sdiag: what the controller has done since it began (sdiag man page)."""

import time

from shim.commands.arguments import read_arguments, refuse
from shim.commands.call import Call, Exit
from shim.commands.display.clusters import own_cluster
from shim.job.states import State
from shim.options.accounting import SDIAG

_RULE = "*" * 55
_FAILED = {State.FAILED, State.TIMEOUT, State.NODE_FAIL, State.OUT_OF_MEMORY, State.BOOT_FAIL, State.DEADLINE}


async def run(call: Call) -> int:
    """Run one call of sdiag."""
    try:
        arguments = read_arguments(call, SDIAG)
        if "reset" in arguments.flags:
            raise refuse(call, "resetting counts, which are those of the job table,")
        clusters = arguments.given.get("clusters")
        if clusters and not own_cluster(call, clusters, no_header=True):
            return 1
        call.out(_report(call))
    except Exit as end:
        return end.code
    return 0


def _report(call: Call) -> str:
    """The report. Nothing is said of what is not counted here: threads, agents, RPCs and the scheduler's cycles."""
    queue, now = call.queue, call.queue.now()
    counts = queue.table.states_since(queue.begun)
    pending = sum(job.pending for job in queue.jobs.values())
    running = len(queue.running)
    over = {state: count for state, count in counts.items() if state.finished}
    lines = [
        _RULE,
        f"sdiag output at {time.ctime(now)} ({int(now)})",
        f"Data since      {time.ctime(queue.begun)} ({int(queue.begun)})",
        _RULE,
        "",
        f"Jobs submitted: {sum(counts.values())}",
        f"Jobs started:   {queue.table.started_since(queue.begun)}",
        f"Jobs completed: {counts.get(State.COMPLETED, 0)}",
        f"Jobs canceled:  {counts.get(State.CANCELLED, 0)}",
        f"Jobs failed:    {sum(count for state, count in over.items() if state in _FAILED)}",
        "",
        f"Job states ts:  {time.ctime(now)} ({int(now)})",
        f"Jobs pending:   {pending}",
        f"Jobs running:   {running}",
        "",
    ]
    return "\n".join(lines)
