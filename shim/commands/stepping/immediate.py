"""--immediate of srun and salloc: how long they wait for an allocation, how they give up (salloc(1), --immediate)."""

from collections.abc import Mapping, Sequence

from shim.commands.call import Call, Exit
from shim.controller import cancel
from shim.job.errors import Errno
from shim.job.record import Job
from shim.job.states import HOLDS, Reason

AT_ONCE = 1
"""Seconds that are no time at all: what --immediate alone means."""

_BARRED = (*HOLDS, Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.DEP_NEVER)
"""Reasons to wait that free nodes would not end."""

_CODE = "SLURM_EXIT_IMMEDIATE"
"""The variable that tells the exit code of what is not there in time (salloc(1))."""

_LATE = {"srun": Errno.NODES_BUSY.text, "salloc": "Connection timed out"}


def patience(fields: Mapping[str, object]) -> int:
    """Seconds that the client waits for its allocation, 0 for as long as it takes."""
    if "immediate" not in fields:
        return 0
    seconds = str(fields["immediate"] or AT_ONCE)
    return int(seconds) if seconds.isdecimal() else 0


def refused(call: Call, jobs: Sequence[Job], failure: str) -> Exit:
    """The job cannot start at once: it has failed. ``failure``: how the command begins to tell of a wrong request."""
    barred = any(job.reason in _BARRED for job in jobs)
    for job in jobs:
        cancel.fail_at_once(call.queue, job)
    if barred:
        call.error(f"{failure}: {Errno.INVALID_DEPENDENCY.text}")
    else:
        _tell_busy(call, Errno.NODES_BUSY.text)
    return Exit(1 if barred else call.exit_code(_CODE))


def late(call: Call) -> Exit:
    """The job, which has been cancelled, did not start in time."""
    _tell_busy(call, _LATE[call.command])
    return Exit(call.exit_code(_CODE))


def _tell_busy(call: Call, why: str) -> None:
    call.error(f"Unable to allocate resources: {why}")
