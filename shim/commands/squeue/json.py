"""``squeue --json`` and ``--yaml``: all jobs in the layout of Slurm 22.05 (its OpenAPI plugin v0.0.38), or of 23.11.

Filters and formats are ignored, as in 22.05; in the newer layout filters hold.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from shim.commands import jobfields
from shim.commands.display.document import json_stream, yaml_stream
from shim.commands.display.modern import frame, queued
from shim.commands.display.size import requested_tres, size_of
from shim.commands.jobfields import expected_end, expected_start
from shim.commands.scontrol.allocation import cpu_ids, share_gres
from shim.grammar.indexset import IndexSet
from shim.job.record import Job
from shim.job.request import UNLIMITED, Request

if TYPE_CHECKING:
    from shim.controller.queue import Queue

Document = dict[str, Any]


def json_report(queue: "Queue", jobs: Iterable[Job], *, modern: bool) -> Iterator[str]:
    """The jobs as JSON, a part for each job."""
    return json_stream(_frame(queue, modern), "jobs", _jobs(queue, jobs, modern))


def yaml_report(queue: "Queue", jobs: Iterable[Job], *, modern: bool) -> Iterator[str]:
    """The jobs as YAML, a part for each job."""
    yield from yaml_stream(_frame(queue, modern), "jobs", _jobs(queue, jobs, modern))
    yield "\n"


def _frame(queue: "Queue", modern: bool) -> Document:
    version = queue.config.version
    if modern:
        return frame(version, queue.config.cluster_name)
    major, minor, micro = (int(part) if part.isdecimal() else 0 for part in (*version.split("."), "0", "0")[:3])
    meta = {
        "plugin": {"type": "openapi/v0.0.38", "name": "Slurm OpenAPI v0.0.38"},
        "Slurm": {"version": {"major": major, "micro": micro, "minor": minor}, "release": version},
    }
    return {"meta": meta, "errors": []}


def _jobs(queue: "Queue", jobs: Iterable[Job], modern: bool) -> Iterator[Document]:
    numbers = cpu_ids(queue.running)
    for job in jobs:
        record = _job(queue, job, numbers.get(job.job_id, {}))
        yield queued(record) if modern else record


def _job(queue: "Queue", job: Job, numbers: dict[str, str]) -> Document:
    """One record, its keys in the plugin's order."""
    config, now, request = queue.config, queue.now(), job.request
    size = size_of(job, config)
    extra = request.extra
    started = bool(job.shares)
    per_node = request.mem_per_node
    held = {} if not (started and job.state.active) else {"job_resources": _resources(job, numbers)}
    return {
        "account": request.account,
        "accrue_time": int(jobfields.accrue_time(job)),
        "admin_comment": job.admin_comment,
        "array_job_id": job.array_job_id,
        "array_task_id": job.task_id,
        "array_max_tasks": job.throttle,
        "array_task_string": jobfields.task_list(job.tasks, job.throttle) if job.tasks is not None else "",
        "association_id": 0,
        "batch_features": extra.get("batch", ""),
        "batch_flag": request.batch,
        "batch_host": job.shares[0].node if started else "",
        "flags": _flags(job),
        "burst_buffer": extra.get("bb", ""),
        "burst_buffer_state": "",
        "cluster": config.cluster_name,
        "cluster_features": request.cluster_constraint,
        "command": jobfields.command_line(request),
        "comment": request.comment,
        "container": extra.get("container", ""),
        "contiguous": request.contiguous,
        "core_spec": request.core_spec,
        "thread_spec": request.thread_spec,
        "cores_per_socket": request.cores_per_socket,
        "billable_tres": float(size.tres.billing) if started else None,
        "cpus_per_task": None,
        "cpu_frequency_minimum": None,
        "cpu_frequency_maximum": None,
        "cpu_frequency_governor": None,
        "cpus_per_tres": f"gres:gpu:{request.cpus_per_gpu}" if request.cpus_per_gpu else "",
        "deadline": request.deadline,
        "delay_boot": 60 * int(extra.get("delay_boot") or 0),
        "dependency": jobfields.dependency_text(job.waits),
        "derived_exit_code": job.derived_exit_status,
        "eligible_time": int(jobfields.eligible_time(job)),
        "end_time": int(expected_end(job, now)),
        "excluded_nodes": request.exclude,
        "exit_code": job.exit_status,
        "features": request.constraint,
        "federation_origin": "",
        "federation_siblings_active": "",
        "federation_siblings_viable": "",
        "gres_detail": [share_gres(share) for share in job.shares if share.gpus or share.gres],
        "group_id": job.group_id,
        "group_name": job.group_name,
        "job_id": job.job_id,
        **held,
        "job_state": job.state.word,
        "last_sched_evaluation": int(job.last_sched_eval),
        "licenses": request.licenses,
        "max_cpus": 0,
        "max_nodes": request.nodes_max or request.nodes_min or 0 if job.pending else 0,
        "mcs_label": extra.get("mcs_label", ""),
        "memory_per_tres": f"gres:gpu:{request.mem_per_gpu}" if request.mem_per_gpu else "",
        "name": request.job_name,
        "nodes": job.node_list,
        "nice": request.nice or None,
        "tasks_per_core": request.ntasks_per_core,
        "tasks_per_node": request.ntasks_per_node or 0,
        "tasks_per_socket": request.ntasks_per_socket,
        "tasks_per_board": 0,
        "cpus": size.cpus,
        "node_count": size.nodes,
        "tasks": size.tasks,
        "het_job_id": job.het_job_id,
        "het_job_id_set": "",
        "het_job_offset": job.het_job_offset,
        "partition": job.partition,
        "prefer": request.prefer,
        "memory_per_node": per_node,
        "memory_per_cpu": jobfields.min_memory(request, config) if per_node is None else None,
        "minimum_cpus_per_node": jobfields.min_cpus(request),
        "minimum_tmp_disk_per_node": request.tmp or 0,
        "preempt_time": 0,
        "pre_sus_time": 0,
        "priority": job.priority,
        "profile": extra.get("profile"),
        "qos": request.qos or jobfields.DEFAULT_QOS,
        "reboot": False,
        "required_nodes": request.nodelist,
        "requeue": config.job_requeue if request.requeue is None else request.requeue,
        "resize_time": 0,
        "restart_cnt": job.restarts,
        "resv_name": request.reservation,
        "shared": _shared(request),
        "show_flags": ["SHOW_ALL", "SHOW_DETAIL", "SHOW_LOCAL"],
        "sockets_per_board": 0,
        "sockets_per_node": request.sockets_per_node,
        "start_time": int(expected_start(job, now)),
        "state_description": "",
        "state_reason": job.reason,
        "standard_error": request.std_err,
        "standard_input": request.std_in or "/dev/null",
        "standard_output": request.std_out,
        "submit_time": int(job.submit_time),
        "suspend_time": int(job.suspend_time),
        "system_comment": job.system_comment,
        "time_limit": None if job.time_limit == UNLIMITED else job.time_limit,
        "time_minimum": request.time_min or 0,
        "threads_per_core": request.threads_per_core,
        "tres_bind": f"gpu:{extra['gpu_bind']}" if extra.get("gpu_bind") else "",
        "tres_freq": f"gpu:{extra['gpu_freq']}" if extra.get("gpu_freq") else "",
        "tres_per_job": jobfields.tres_of_gpus(request.gpus),
        "tres_per_node": jobfields.tres_per_node(request),
        "tres_per_socket": jobfields.tres_of_gpus(request.gpus_per_socket),
        "tres_per_task": jobfields.tres_of_gpus(request.gpus_per_task),
        "tres_req_str": str(requested_tres(queue.need(job), queue.config)),
        "tres_alloc_str": str(size.tres) if started else "",
        "user_id": job.user_id,
        "user_name": job.user_name,
        "wckey": request.wckey,
        "current_working_directory": request.work_dir,
    }


def _flags(job: Job) -> list[str]:
    request = job.request
    flags = {
        "JOB_WAS_RUNNING": bool(job.shares) and job.state.active,
        "JOB_CPUS_SET": request.cpus_per_task is not None,
        "JOB_MEM_SET": request.mem_per_node is not None or request.mem_per_cpu is not None,
    }
    return [name for name, is_set in flags.items() if is_set]


def _shared(request: Request) -> str | None:
    if request.exclusive:
        return {"exclusive": "none", "user": "user", "mcs": "mcs"}[request.exclusive]
    return "shared" if request.oversubscribe else None


def _resources(job: Job, numbers: dict[str, str]) -> Document:
    """What a running job holds of each node, core by core."""
    return {
        "nodes": job.node_list,
        "allocated_cores": job.cpus,
        "allocated_hosts": len(job.shares),
        "allocated_nodes": [
            {
                "sockets": {
                    "0": {"cores": {str(core): "allocated" for core in IndexSet.parse(numbers.get(share.node, ""))}}
                },
                "nodename": share.node,
                "cpus_used": 0,
                "memory_used": 0,
                "memory_allocated": share.memory,
            }
            for share in job.shares
        ],
    }
