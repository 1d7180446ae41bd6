"""How large a step is: from srun's options and the job it runs in to what the controller looks for."""

from collections.abc import Mapping
from typing import Any

from shim.commands.call import Call, Exit
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.tres import parse_gpus, parse_gres
from shim.job.record import Job
from shim.scheduler.stepplacement import StepRequest


def step_request(call: Call, fields: Mapping[str, Any], job: Job) -> StepRequest:
    """What the step needs. Prints srun's own warnings; raises Exit for what srun refuses without asking."""
    hosts = _hosts(fields.get("nodelist"))
    arbitrary = str(fields.get("distribution", "")).startswith("arbitrary")
    nodes, most = _nodes(call, fields, job, hosts)
    per_node = fields.get("ntasks_per_node", 0)
    tasks = fields.get("ntasks")
    if tasks is None:
        tasks = len(hosts) if arbitrary else nodes * (per_node or 1)
    elif arbitrary and tasks != len(hosts):
        call.error(f"You asked for {tasks} tasks but hostlist specified {len(hosts)} nodes")
        raise Exit(1)
    elif per_node and nodes and tasks > per_node * nodes:
        call.err(
            f"srun: Warning: can't honor --ntasks-per-node set to {per_node} which doesn't match the requested tasks "
            f"{tasks} with the number of requested nodes {nodes}. Ignoring --ntasks-per-node."
        )
        per_node = 0
    exact = bool(fields.get("exact") or fields.get("exclusive") or fields.get("cpus_per_task"))
    gpus = _gpus(_asked(fields, job))
    return StepRequest(
        ntasks=tasks,
        nodes_min=len(set(hosts)) if arbitrary else nodes,
        nodes_max=most,
        cpus_per_task=fields.get("cpus_per_task"),
        tasks_per_node=per_node,
        memory_per_node=fields.get("mem_per_node"),
        memory_per_cpu=fields.get("mem_per_cpu"),
        nodelist=hosts,
        exclude=frozenset(_hosts(fields.get("exclude"))),
        relative=_relative(call, fields, job, nodes),
        distribution=fields.get("distribution", ""),
        plane=fields.get("plane_size") or 0,
        exact=exact and not fields.get("whole"),
        overlap=bool(fields.get("overlap")),
        overcommit=bool(fields.get("overcommit")),
        **gpus,
    )


def _hosts(text: str | None) -> tuple[str, ...]:
    try:
        return expand_hostlist(text) if text else ()
    except GrammarError:
        return (str(text),)  # no node of the job has such a name


def _nodes(call: Call, fields: Mapping[str, Any], job: Job, hosts: tuple[str, ...]) -> tuple[int, int | None]:
    """The least and the largest number of nodes."""
    have = len(job.shares)
    least = fields.get("nodes_min") or max(1, len(set(hosts)))
    if not fields.get("nodes_min"):
        least = max(least, have) if not hosts and not fields.get("relative") else least
    most = fields.get("nodes_max") or None
    tasks = fields.get("ntasks")
    if tasks is not None and tasks < least:
        if not fields.get("nodes_warned"):
            call.err(f"srun: Warning: can't run {tasks} processes on {least} nodes, setting nnodes to {tasks}")
        least = most = tasks
    if least > have:
        call.error(f"Only allocated {have} nodes asked for {least}")
        raise Exit(1)
    return least, most


def _relative(call: Call, fields: Mapping[str, Any], job: Job, nodes: int) -> int:
    text = fields.get("relative")
    if text is None:
        return 0
    if not str(text).isdigit():
        call.error(f'Invalid numeric value "{text}" for --relative.')
        raise Exit(1)
    first, have = int(text), len(job.shares)
    if first + nodes > have:
        call.error(f"--relative and --nodes option incompatible with count of allocated nodes ({first}+{nodes}>{have})")
        raise Exit(1)
    return first


_GRES = ("gres", "gpus", "gpus_per_node", "gpus_per_task")


def _asked(fields: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
    """The options that ask for GPUs. In a job with all of its nodes to itself a step has what the job asked for."""
    if job.request.exclusive != "exclusive" or any(fields.get(name) for name in _GRES):
        return fields
    own = {name: getattr(job.request, name) for name in _GRES}
    return own if any(own.values()) else {"gres": "none"}


def _gpus(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The GPUs a step asks for."""
    per_node = 0
    kind = ""
    text = fields.get("gres") or ""
    if text.lower() == "none":
        return {"no_gres": True}
    others: dict[str, int] = {}
    for gres in parse_gres(text) if text else ():
        if gres.name == "gpu":
            per_node += gres.count
            kind = gres.type or kind
        else:
            others[gres.name] = others.get(gres.name, 0) + gres.count
    found = {"gpus": 0, "gpus_per_node": per_node, "gpus_per_task": 0}
    for name in ("gpus", "gpus_per_node", "gpus_per_task"):
        for gres in parse_gpus(fields[name]) if fields.get(name) else ():
            found[name] += gres.count
            kind = gres.type or kind
    return {**found, "gpu_type": kind, "gres": tuple(others.items())}
