"""What became of a run: from the guest's own record, or from dstack's reasons where the guest could not write one."""

import contextlib
from collections.abc import Mapping

from shim.executor.base import Ended
from shim.executor.dstack.model import NodeRun, Run
from shim.executor.dstack.payload import seconds

SKEW = 5.0
"""Seconds that the clock of a host may differ before its times are moved to ours."""

NO_CAPACITY = "failed_to_start_due_to_no_capacity"
_CANCELLED = {"terminated_by_user", "aborted_by_user"}
_PREEMPTED = {"interrupted_by_no_capacity"}  # a spot instance that was taken away
_TIMEOUT = {"max_duration_exceeded"}
_LAUNCH = {"creating_container_error", "executor_error", "volume_error", "ports_binding_failed"}
_EXITED = {"container_exited_with_error", "done_by_runner", "log_quota_exceeded"}
_KILLED = 9
_ENDINGS = {"timeout": "TIMEOUT", "stopped": "CANCELLED"}


def from_record(job_id: int, restarts: int, record: Mapping[str, str], seen_start: float, now: float) -> Ended:
    """The end as the guest wrote it down; ``seen_start`` and ``now`` are when we saw its start and end."""
    start, end = float(record["start"]), float(record["end"])
    if abs(end - now) > SKEW and abs(start - seen_start) > SKEW:
        start, end = seen_start, min(now, seen_start + (end - start))
    failure = record.get("failure", "")
    status = 0 if failure else int(record["exit"]) << 8 | int(record["signal"])
    return Ended(
        job_id,
        restarts,
        status,
        start,
        end,
        launch_failure=failure,
        ending=_ENDINGS.get(record.get("reason", ""), ""),
        user_seconds=_cpu(record, "user"),
        system_seconds=_cpu(record, "system"),
        max_rss=int(record.get("rss") or 0),
    )


def from_run(job_id: int, restarts: int, run: Run, started: float, now: float) -> Ended:
    """The end as dstack tells it, of a run whose guest is gone without a word."""
    node = next((node for node in run.nodes if node.reason not in ("", "terminated_by_server")), _first(run))
    reason = node.reason if node else run.reason
    message = f"{reason}: {node.message}" if node and node.message else reason
    status, ending, launch, lost = 0, "", "", ""
    if reason in _CANCELLED:
        ending, status = "CANCELLED", _KILLED
    elif reason in _PREEMPTED:
        ending, lost = "PREEMPTED", message
    elif reason in _TIMEOUT:
        ending, status = "TIMEOUT", _KILLED
    elif reason in _LAUNCH:
        launch = message
    elif reason in _EXITED and node:
        status = (node.exit_status or 0) << 8 if (node.exit_status or 0) > 0 else _KILLED
    else:
        lost = message or "the run ended without a reason"
    return Ended(job_id, restarts, status, started or now, now, launch_failure=launch, node_failure=lost, ending=ending)


def _first(run: Run) -> NodeRun | None:
    return run.nodes[0] if run.nodes else None


def _cpu(record: Mapping[str, str], name: str) -> float:
    with contextlib.suppress(ValueError):
        return seconds(record.get(name, ""))
    return 0.0
