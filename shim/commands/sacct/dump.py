"""``sacct --json`` and ``--yaml`` in the layout of Slurm 22.05 (its OpenAPI plugin dbv0.0.38), or of 23.11."""

import signal
from typing import TYPE_CHECKING, Any

from shim.commands.display.document import to_json, to_yaml
from shim.commands.display.meta import openapi_meta
from shim.commands.display.modern import accounted, accounted_step, frame
from shim.commands.display.steps import layout
from shim.commands.display.times import TimeFormat
from shim.commands.display.tres import Tres
from shim.commands.sacct.rows import Row, Run, Showing, accounted_state
from shim.grammar.hostlist import expand_hostlist
from shim.job.record import Step
from shim.job.request import UNLIMITED

if TYPE_CHECKING:
    from shim.controller.queue import Queue

Document = dict[str, Any]

_IDS = {"cpu": 1, "mem": 2, "energy": 3, "node": 4, "billing": 5, "gres/gpu": 1001}
_FIRST_TYPED_GRES = 1002
_ENERGY = [{"type": "energy", "name": None, "id": _IDS["energy"], "count": 0}]
_GOVERNORS = ["Conservative", "Performance", "PowerSave", "OnDemand", "UserSpace"]


def document(queue: "Queue", runs: list[Run], *, modern: bool = False) -> Document:
    """The runs as nested dictionaries, ready to be written."""
    showing = Showing(queue.config, queue.now(), TimeFormat({}))
    rows = (Row(run.job, showing, steps=run.steps) for run in runs)
    if modern:
        return {"jobs": [_modern(row) for row in rows], **frame(queue.config.version, queue.config.cluster_name)}
    meta = openapi_meta(queue.config.version, "dbv0.0.38", "Slurm OpenAPI DB v0.0.38")
    return {"meta": meta, "errors": [], "jobs": [_job(row) for row in rows]}


def json_report(queue: "Queue", runs: list[Run], *, modern: bool = False) -> str:
    """The runs as JSON."""
    return to_json(document(queue, runs, modern=modern))


def yaml_report(queue: "Queue", runs: list[Run], *, modern: bool = False) -> str:
    """The runs as YAML."""
    return to_yaml(document(queue, runs, modern=modern)) + "\n"


def _modern(row: Row) -> Document:
    """One run in the newer layout."""
    record = accounted(_job(row), row.job.exit_status, row.derived_exit_status)
    steps = zip(record["steps"], row.steps, strict=True)
    return {**record, "steps": [accounted_step(made, step.exit_status) for made, step in steps]}


def _job(row: Row) -> Document:
    """One run, its keys in the plugin's order."""
    job, request = row.job, row.job.request
    cluster = row.showing.config.cluster_name
    return {
        "account": request.account,
        "comment": {
            "administrator": job.admin_comment or None,
            "job": request.comment or None,
            "system": job.system_comment or None,
        },
        "allocation_nodes": len(job.shares),
        "array": {
            "job_id": job.array_job_id,
            "limits": {"max": {"running": {"tasks": job.throttle}}},
            "task": job.tasks.display() if job.tasks is not None else None,
            "task_id": job.task_id,
        },
        "association": {"account": request.account, "cluster": cluster, "partition": None, "user": job.user_name},
        "cluster": cluster,
        "constraints": request.constraint,
        "container": request.extra.get("container") or None,
        "derived_exit_code": _exit_code(row.derived_exit_status),
        "time": {
            "elapsed": row.elapsed,
            "eligible": int(job.eligible_time),
            "end": int(row.end),
            "start": int(row.start),
            "submission": int(job.submit_time),
            "suspended": row.suspended,
            "system": _cpu_time(row.system_seconds),
            "limit": None if job.time_limit == UNLIMITED else job.time_limit,
            "total": _cpu_time(row.user_seconds + row.system_seconds),
            "user": _cpu_time(row.user_seconds),
        },
        "exit_code": _exit_code(job.exit_status),
        "flags": ["CLEAR_SCHEDULING", *(["STARTED_ON_SCHEDULE"] if job.shares else [])],
        "group": job.group_name,
        "het": {"job_id": job.het_job_id, "job_offset": job.het_job_offset if job.het_job_id else None},
        "job_id": job.job_id,
        "name": request.job_name,
        "mcs": {"label": ""},
        "nodes": job.node_list or "None assigned",
        "partition": job.partition,
        "priority": job.priority,
        "qos": request.qos or "normal",
        "required": {"CPUs": row.requested.cpus, "memory": row.requested.memory},
        "kill_request_user": None,
        "reservation": {"id": 0, "name": 0},
        "state": {"current": accounted_state(job).word, "reason": job.reason if job.pending else "None"},
        "steps": [_step(Row(job, row.showing, step), step) for step in row.steps],
        "tres": {"allocated": _tres(row.allocated), "requested": _tres(row.requested)},
        "user": job.user_name,
        "wckey": {"wckey": request.wckey, "flags": []},
        "working_directory": request.work_dir,
    }


def _step(row: Row, step: Step) -> Document:
    """One step of a run."""
    named = not step.step_id.isdecimal()
    return {
        "nodes": {"list": list(expand_hostlist(step.node_list)), "count": step.nodes, "range": step.node_list},
        "tres": {
            "requested": {"max": [], "min": [], "average": _ENERGY, "total": _ENERGY},
            "consumed": {"max": [], "min": [], "average": _ENERGY, "total": _ENERGY},
            "allocated": _tres(row.allocated),
        },
        "time": {
            "elapsed": row.elapsed,
            "end": int(row.end),
            "start": int(row.start),
            "suspended": row.suspended,
            "system": _cpu_time(step.system_seconds),
            "total": _cpu_time(step.user_seconds + step.system_seconds),
            "user": _cpu_time(step.user_seconds),
        },
        "exit_code": _exit_code(step.exit_status),
        "tasks": {"count": step.ntasks},
        "pid": None,
        "CPU": {
            "requested_frequency": {"min": 0, "max": 0} if named else {"min": None, "max": None},
            "governor": [] if named else _GOVERNORS,
        },
        "kill_request_user": None,
        "state": step.state.word,
        "statistics": {"CPU": {"actual_frequency": 0}, "energy": {"consumed": 0}},
        "step": {
            "job_id": step.job_id,
            "het": {"component": None},
            "id": step.step_id if named else int(step.step_id),
            "name": step.name,
        },
        "task": {"distribution": layout(step)},
    }


def _exit_code(status: int) -> Document:
    """A wait() status. (Slurm 22.05 calls every code a success; later releases, and this, tell the truth.)"""
    number = status & 0x7F
    if number:
        return {
            "status": "SIGNALED",
            "return_code": None,
            "signal": {"signal_id": number, "name": signal.strsignal(number) or str(number)},
        }
    code = status >> 8 & 0xFF
    return {"status": "ERROR" if code else "SUCCESS", "return_code": code}


def _cpu_time(seconds: float) -> Document:
    whole, fraction = divmod(int(seconds * 1_000_000), 1_000_000)
    return {"seconds": whole, "microseconds": fraction}


def _tres(tres: Tres) -> list[Document]:
    """Amounts as the plugin lists them, by their numbers."""
    listed = []
    typed = _FIRST_TYPED_GRES
    for name, text in tres.items(memory=str(tres.memory)):
        kind, _, detail = name.partition("/")
        number = _IDS.get(name)
        if number is None:
            number, typed = typed, typed + 1
        listed.append({"type": kind, "name": detail or None, "id": number, "count": int(text)})
    return listed
