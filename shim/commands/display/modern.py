"""The layout of Slurm 23.11 (data_parser v0.0.40) for ``--json`` and ``--yaml``, made from that of 22.05.

Numbers that may be unset or infinite become objects, states and flags become lists, exit codes are told in full.
"""

import signal
from typing import Any

from shim.commands.display.layouts import MODERN

Document = dict[str, Any]

_NUMBERS = """accrue_time array_job_id array_task_id array_max_tasks cores_per_socket billable_tres cpus_per_task
cpu_frequency_minimum cpu_frequency_maximum cpu_frequency_governor deadline delay_boot eligible_time end_time het_job_id
het_job_offset last_sched_evaluation max_cpus max_nodes tasks_per_core tasks_per_node tasks_per_socket tasks_per_board
cpus node_count tasks memory_per_cpu memory_per_node minimum_cpus_per_node minimum_tmp_disk_per_node preempt_time
pre_sus_time priority resize_time sockets_per_node start_time submit_time suspend_time time_minimum threads_per_core
core_spec thread_spec"""
_QUEUE_NUMBERS = frozenset(_NUMBERS.split())
"""What may be unset in a record of squeue (UINT*_NO_VAL of its parser)."""


def frame(version: str, cluster: str) -> Document:
    """The head of a document; ``version`` is Slurm's, such as 22.05.8."""
    major, minor, micro = (*version.split("."), "0", "0")[:3]
    return {
        "meta": {
            "plugin": {"type": "", "name": "", "data_parser": f"data_parser/{MODERN}", "accounting_storage": ""},
            "slurm": {
                "version": {"major": major, "micro": micro, "minor": minor},
                "release": version,
                "cluster": cluster,
            },
        },
        "errors": [],
        "warnings": [],
    }


def number(value: float | None, *, infinite: bool = False) -> Document:
    """A number that may be unset (None) or infinite."""
    return {"set": value is not None and not infinite, "infinite": infinite, "number": value or 0}


def queued(job: Document) -> Document:
    """A record of ``squeue --json``."""
    unlimited = job["time_limit"] is None
    return {
        **{key: number(value) if key in _QUEUE_NUMBERS else value for key, value in job.items()},
        "job_state": [job["job_state"]],
        "exit_code": _exit_code(job["exit_code"]),
        "derived_exit_code": _exit_code(job["derived_exit_code"]),
        "hold": job["priority"] == 0,
        "nice": job["nice"] or 0,
        "profile": [job["profile"]] if job["profile"] else ["NOT_SET"],
        "shared": [job["shared"]] if job["shared"] else [],
        "time_limit": number(job["time_limit"], infinite=unlimited),
    }


def accounted(job: Document, status: int, derived_status: int) -> Document:
    """A record of ``sacct --json``, with the wait() statuses that its exit codes were made of."""
    array, association, time = job["array"], job["association"], job["time"]
    return {
        **job,
        "array": {
            **array,
            "limits": {"max": {"running": {"tasks": array["limits"]["max"]["running"]["tasks"] or 0}}},
            "task_id": number(array["task_id"]),
            "task": array["task"] or "",
        },
        "association": {**association, "partition": association["partition"] or ""},
        "comment": {key: text or "" for key, text in job["comment"].items()},
        "container": job["container"] or "",
        "derived_exit_code": _exit_code(derived_status),
        "exit_code": _exit_code(status),
        "het": {**job["het"], "job_offset": number(job["het"]["job_offset"])},
        "hold": job["priority"] == 0,
        "kill_request_user": job["kill_request_user"] or "",
        "priority": number(job["priority"]),
        "required": {
            "CPUs": job["required"]["CPUs"],
            "memory_per_cpu": number(None),
            "memory_per_node": number(job["required"]["memory"]),
        },
        "reservation": {"id": 0, "name": ""},
        "state": {**job["state"], "current": [job["state"]["current"]]},
        "time": {**time, "limit": number(time["limit"], infinite=time["limit"] is None)},
    }


def accounted_step(step: Document, status: int) -> Document:
    """A step of a record of ``sacct --json``."""
    time, cpu = step["time"], step["CPU"]
    frequency = cpu["requested_frequency"]
    return {
        **step,
        "CPU": {
            "requested_frequency": {key: number(value) for key, value in frequency.items()},
            "governor": ",".join(cpu["governor"]),
        },
        "exit_code": _exit_code(status),
        "kill_request_user": step["kill_request_user"] or "",
        "pid": str(step["pid"] or ""),
        "state": [step["state"]],
        "step": {"id": f"{step['step']['job_id']}.{step['step']['id']}", "name": step["step"]["name"]},
        "time": {**time, "end": number(time["end"]), "start": number(time["start"])},
    }


def _exit_code(status: int) -> Document:
    """A wait() status."""
    killed = status & 0x7F
    code = None if killed else status >> 8 & 0xFF
    word = "SIGNALED" if killed else "ERROR" if code else "SUCCESS"
    name = signal.Signals(killed).name.removeprefix("SIG") if killed in set(signal.Signals) else ""
    return {
        "status": [word],
        "return_code": number(code),
        "signal": {"id": number(killed or None), "name": name},
    }
