"""A job record and a step as rows of the job table, and back."""

import json
from dataclasses import fields
from typing import Any

from shim.grammar.array import IndexSet
from shim.job.record import ArrayInfo, Job, Share, Step, Waits
from shim.job.request import Request
from shim.job.states import State
from shim.table.schema import JOB_COLUMNS, STEP_COLUMNS

_STATES = {state.word: state for state in State}
_DEFAULTS: dict[str, Any] = {name: getattr(Request(), name) for name in (f.name for f in fields(Request))}
_TUPLES = {f.name for f in fields(Request) if isinstance(_DEFAULTS[f.name], tuple)}


def exit_code_text(status: int) -> str:
    """A wait() status as Slurm writes it: ``3:0`` for exit 3, ``0:15`` for death by SIGTERM."""
    return f"{status >> 8 & 0xFF}:{status & 0x7F}"


def request_text(request: Request) -> str:
    """The request as JSON, without what is default."""
    given = {name: value for name, default in _DEFAULTS.items() if (value := getattr(request, name)) != default}
    return json.dumps(given)


def request_from(text: str) -> Request:
    """The request that ``request_text`` wrote. Options of another version that are unknown now are left out."""
    given = {name: value for name, value in json.loads(text).items() if name in _DEFAULTS}
    for name in _TUPLES & given.keys():
        given[name] = tuple(tuple(item) if isinstance(item, list) else item for item in given[name])
    return Request(**given)


def _column(value: Any) -> Any:
    """A value for a column: bytes of texts that are no UTF-8 become ``\\xe9``, as SQLite stores UTF-8 only."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode(errors="backslashreplace").decode()


def job_row(job: Job) -> tuple[Any, ...]:
    """The job's row, in the order of JOB_COLUMNS."""
    request, array = job.request, job.array
    values = (
        job.job_id,
        array.job_id if array else None,
        job.task_id,
        str(job.tasks) if job.tasks is not None else None,
        job.throttle,
        f"{array.minimum} {array.maximum} {array.step} {array.count}" if array else None,
        request.job_name,
        job.user_name,
        job.user_id,
        job.group_name,
        job.group_id,
        request.account,
        job.partition,
        request.qos,
        job.state.word,
        job.reason,
        job.priority,
        str(job.waits) if job.waits.terms else None,
        job.submit_time,
        job.eligible_time,
        job.accrue_time,
        job.start_time,
        job.end_time,
        job.time_limit,
        job.node_list,
        _shares_text(job.shares) if job.shares else None,
        exit_code_text(job.exit_status),
        job.exit_status,
        job.derived_exit_status,
        job.restarts,
        job.cancelled_by,
        job.handle,
        job.ending,
        job.suspend_time,
        job.suspended_for,
        job.het_job_id,
        job.het_job_offset,
        job.admin_comment,
        job.system_comment,
        job.next_step_id,
        job.batch_status,
        job.user_seconds,
        job.system_seconds,
        job.max_rss,
        int(job.warned),
        job.script_id,
        job.environment_id,
        job.request_id,
    )
    return tuple(map(_column, values))


def job_from(row: tuple[Any, ...], request: Request) -> Job:
    """The job record of a row in the order of JOB_COLUMNS."""
    value = dict(zip(JOB_COLUMNS, row, strict=True))
    array = None
    if value["array_shape"]:
        array = ArrayInfo(value["array_job_id"], *map(int, value["array_shape"].split()))
    return Job(
        job_id=value["job_id"],
        request=request,
        user_id=value["user_id"],
        user_name=value["user_name"],
        group_id=value["group_id"],
        group_name=value["group_name"],
        submit_time=value["submit_time"],
        script_id=value["script_id"],
        environment_id=value["environment_id"],
        request_id=value["request_id"],
        array=array,
        task_id=value["array_task_id"],
        tasks=IndexSet.parse(value["array_tasks"]) if value["array_tasks"] is not None else None,
        throttle=value["array_throttle"],
        state=_STATES[value["state"]],
        reason=value["reason"],
        priority=value["priority"],
        eligible_time=value["eligible_time"],
        accrue_time=value["accrue_time"],
        waits=Waits.parse(value["dependency"] or ""),
        partition=value["partition"],
        shares=_shares_from(value["shares"]),
        node_list=value["node_list"],
        time_limit=value["time_limit"],
        start_time=value["start_time"],
        end_time=value["end_time"],
        suspend_time=value["suspend_time"],
        suspended_for=value["suspended_for"],
        restarts=value["restarts"],
        exit_status=value["exit_status"],
        derived_exit_status=value["derived_exit_status"],
        cancelled_by=value["cancelled_by"],
        handle=value["handle"],
        ending=value["ending"],
        het_job_id=value["het_job_id"],
        het_job_offset=value["het_job_offset"],
        admin_comment=value["admin_comment"],
        system_comment=value["system_comment"],
        next_step_id=value["next_step_id"],
        batch_status=value["batch_status"],
        user_seconds=value["user_seconds"],
        system_seconds=value["system_seconds"],
        max_rss=value["max_rss"],
        warned=bool(value["warned"]),
    )


def step_row(step: Step) -> tuple[Any, ...]:
    """The step's row, in the order of STEP_COLUMNS."""
    values = {name: getattr(step, name) for name in STEP_COLUMNS}
    values["state"] = step.state.word
    return tuple(map(_column, values.values()))


def step_from(row: tuple[Any, ...]) -> Step:
    """The step of a row in the order of STEP_COLUMNS."""
    value = dict(zip(STEP_COLUMNS, row, strict=True))
    value["state"] = _STATES[value["state"]]
    return Step(**value)


def _shares_text(shares: tuple[Share, ...]) -> str:
    return json.dumps([[s.node, s.cpus, s.memory, list(s.gpus), s.gpu_type, s.tasks, s.gres] for s in shares])


def _shares_from(text: str | None) -> tuple[Share, ...]:
    if not text:
        return ()
    return tuple(
        Share(node, cpus, mem, tuple(gpus), kind, n, tuple((name, count) for name, count in gres))
        for node, cpus, mem, gpus, kind, n, gres in json.loads(text)
    )
