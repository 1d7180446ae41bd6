"""The order that a client carries out: a step with all its tasks, ready to be started."""

import marshal
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shim.commands.call import Call
from shim.commands.stepping.mpi import mpi_kind
from shim.grammar.export import Export, ExportMode, parse_export
from shim.grammar.filename import expand_filename
from shim.job.environment import (
    DEFAULT_TMPDIR,
    OTHER_MAKERS,
    allocation_environment,
    nodes_environment,
    of_any_maker,
    step_environment,
    task_environment,
)
from shim.job.layout import StepLayout, joined
from shim.job.record import Job, Step
from shim.options.files import absolute

FORMAT = 2
"""The version of marshal that both sides write."""

_NOT_INHERITED = ("SLURM_MPI_TYPE",)
"""Variables that only a step of that kind has."""

_OF_A_NODE = ("CUDA_VISIBLE_DEVICES", *OTHER_MAKERS, "SLURM_GPUS_ON_NODE")
"""Variables about the batch host's devices: a step has its own, or none."""

_PRESERVED = ("SLURM_JOB_NUM_NODES", "SLURM_NNODES", "SLURM_NTASKS", "SLURM_NPROCS")
"""What --preserve-env hands on as the caller has it."""

_NEVER_OUTSIDE = ("SLURM_GPU", "SLURM_MEM_PER_")  # prefixes: srun without a job does not tell its tasks what it asked
_ONLY_INSIDE = ("SLURM_DISTRIBUTION", "SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0", "SLURM_NODE_ALIASES")
_KEPT_BY_NONE = ("SLURM", "SPANK_")  # prefixes; the variables that lead the commands to their queue go along

NULL = "/dev/null"


@dataclass(frozen=True, slots=True)
class Component:
    """One step about to start. ``programs`` holds a command for each task, or one for all of them."""

    job: Job
    step: Step
    layout: StepLayout
    fields: Mapping[str, Any]
    programs: Sequence[Sequence[str]]
    extras: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # by rank: binding and the like

    def program(self, rank: int) -> Sequence[str]:
        """The command of one task."""
        return self.programs[rank if len(self.programs) > 1 else 0]


def make_order(call: Call, components: Sequence[Component]) -> bytes:
    """The marshalled order for one step, or for the steps of several components (``A : B``)."""
    first = components[0]
    fields = first.fields
    names: dict[str, int] = {}
    tasks: list[tuple[Any, ...]] = []
    shared: set[bytes | int] = set()
    offset = first_node = 0
    whole = joined([component.layout for component in components])
    for number, component in enumerate(components):
        for node_index, node in enumerate(component.layout.nodes):
            position = names.setdefault(node.name, len(names))
            any_maker = of_any_maker(node.name, call.queue.config)
            for local_id, rank in enumerate(node.ranks):
                own = task_environment(whole, first_node + node_index, local_id, any_maker=any_maker)
                streams, common = _streams(component, node_index, rank)
                shared.update(common)
                argv = [os.fsencode(word) for word in component.program(rank)]
                extra = dict(component.extras.get(rank, {}))
                own |= extra.pop("environment", {})
                tasks.append((offset + rank, position, number, argv, _encoded(own), streams, extra))
        offset += component.layout.ntasks
        first_node += len(component.layout.nodes)
    tasks.sort(key=lambda task: task[0])
    order = {
        "do": "step",
        "names": list(names),
        "steps": [f"{part.job.job_id}.{part.step.step_id}" for part in components],
        "tasks": tasks,
        "shared": frozenset(shared),
        "environment": _base(call, fields),
        "drop": [name.encode() for name in (*_OF_A_NODE, *_NOT_INHERITED)],
        "common": [_encoded(_common(call, part, whole) | _nodes_of(components)) for part in components],
        "cwd": os.fsencode(fields.get("work_dir") or call.cwd),
        "umask": first.layout.umask,
        "stdin": _common_input(call, fields),
        "append": fields.get("open_mode") == "a",
        "label": bool(fields.get("label")),
        "unbuffered": bool(fields.get("unbuffered") or fields.get("pty")),
        "pty": bool(fields.get("pty")),
        "quiet": fields.get("quiet", 0) and 1,
        "verbose": fields.get("verbose", 0),
        "kill_on_bad_exit": fields.get("kill_on_bad_exit", "0") != "0",
        "wait": fields.get("wait_seconds", 0),
        "kill_wait": float(call.queue.config.kill_wait),
        "disable_status": bool(fields.get("disable_status")),
        "quit_on_interrupt": bool(fields.get("quit_on_interrupt")),
        "prolog": _program(fields.get("prolog")),
        "epilog": _program(fields.get("epilog")),
        "task_prolog": _program(fields.get("task_prolog")),
        "task_epilog": _program(fields.get("task_epilog")),
        "pmi": _mpi(call, first),
        "tmp_dir": call.queue.config.tmp_dir,
        "state": os.fsencode(call.queue.state_dir),
        "restarts": first.job.restarts,
    }
    return marshal.dumps(order, FORMAT)


def _program(name: str | None) -> bytes:
    return os.fsencode(name) if name and name.lower() != "none" else b""


def _encoded(variables: Mapping[str, str]) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in variables.items()}


# -- environment -----------------------------------------------------------------------------------------------------


def _base(call: Call, fields: Mapping[str, Any]) -> dict[bytes, bytes] | None:
    """What --export lets through of the caller's environment; None for all of it as it is."""
    text = fields.get("export")
    if text is None or text.upper() == "ALL":
        return None
    export = parse_export(text)
    base = {name: value for name, value in call.env.items() if _goes_along(export, name)}
    base.update(export.assignments)
    return _encoded(base)


def _goes_along(export: Export, name: str) -> bool:
    return export.mode is ExportMode.ALL or name in export.names or name.startswith(_KEPT_BY_NONE)


def asks_memory(job: Job) -> bool:
    """Whether the user named an amount of memory: without it, salloc and srun set no variable for it."""
    request = job.request
    return any(size is not None for size in (request.mem_per_cpu, request.mem_per_node, request.mem_per_gpu))


def _nodes_of(components: Sequence[Component]) -> dict[str, str]:
    """What the tasks of a heterogeneous job see of it: the nodes of the components that the step runs in."""
    jobs = dict.fromkeys(component.job for component in components)
    if not components[0].job.het_job_id:
        return {}
    return nodes_environment([share for job in jobs for share in job.shares])


def _common(call: Call, component: Component, whole: StepLayout) -> dict[str, str]:
    """What all tasks of a step have besides the environment they start from.

    The components of a heterogeneous job go by the id of the first, and ``whole`` is the step over all of them.
    """
    job = call.queue.components(component.job)[0]
    layout = replace(whole, cpus_per_task=component.layout.cpus_per_task)
    environment = step_environment(layout, job)
    if call.env.get("SLURM_JOB_ID") != str(job.job_id):
        inherited = {name.encode() for name in call.env}
        allocation = allocation_environment(job, call.queue.config, inherited)
        allocation = {name: text for name, text in allocation.items() if not name.startswith(_NEVER_OUTSIDE)}
        identity = {
            "SLURM_JOB_GID": str(job.group_id),
            "SLURM_JOB_UID": str(job.user_id),
            "SLURM_JOB_USER": job.user_name,
            "SLURM_PRIO_PROCESS": "0",
        }
        environment = {**allocation, **identity, **environment}
        for name in _ONLY_INSIDE if not layout.distribution else _ONLY_INSIDE[1:]:
            environment.pop(name, None)
    elif component.job.shares and component.job.shares[0].gpus:
        environment["SLURM_JOB_GPUS"] = ",".join(map(str, component.job.shares[0].gpus))
    if step_name := component.fields.get("step_name"):
        environment["SLURM_JOB_NAME"] = step_name
    if per_node := component.fields.get("ntasks_per_node"):
        environment["SLURM_NTASKS_PER_NODE"] = str(per_node)
    if "SRUN_DEBUG" in environment and component.fields.get("export", "ALL").upper() != "ALL":
        del environment["SRUN_DEBUG"]
    if "TMPDIR" not in call.env or component.fields.get("export"):
        environment.setdefault("TMPDIR", DEFAULT_TMPDIR)
    if component.fields.get("preserve_env"):
        environment |= {name: call.env[name] for name in _PRESERVED if name in call.env}
    if kind := _mpi(call, component):
        environment["SLURM_MPI_TYPE"] = kind
    environment["SLURMSHIM_STATE"] = str(call.queue.state_dir)
    return environment


def _mpi(call: Call, component: Component) -> str:
    """How the ranks of a step find one another. What the site has as a default is for tasks on this machine."""
    queue = call.queue
    here = queue.executor_of(component.job) is queue.executors.get("local")
    return mpi_kind(component.fields, queue.config.mpi_default if here else "none")


# -- files -----------------------------------------------------------------------------------------------------------


def _streams(
    component: Component, node_index: int, rank: int
) -> tuple[tuple[bytes, bytes | int, bytes | int], set[bytes | int]]:
    """Standard input, output and error of one task, and which of the outputs all tasks share."""
    fields = component.fields
    out = fields.get("std_out")
    err = fields.get("std_err", out)
    targets: list[bytes | int] = []
    shared: set[bytes | int] = set()
    for pattern, own in ((out, 1), (err, 2)):
        target = _output(component, pattern, own, node_index, rank)
        targets.append(target)
        if pattern and not _per_task(pattern):
            shared.add(target)
    return (_input(component, node_index, rank), targets[0], targets[1]), shared


def _per_task(pattern: str) -> bool:
    """Whether each task, or each node, has a file of its own (srun man page, IO Redirection)."""
    return any(letter in pattern for letter in ("t", "n", "N")) and "%" in pattern and _expands(pattern)


def _expands(pattern: str) -> bool:
    probes = [{"t": index, "n": index, "N": f"node{index}"} for index in (0, 1)]
    return expand_filename(pattern, probes[0]) != expand_filename(pattern, probes[1])


def _output(component: Component, pattern: str | None, own: int, node_index: int, rank: int) -> bytes | int:
    if not pattern or pattern.lower().startswith("all"):
        return own
    if pattern.isdigit():
        return own if int(pattern) == rank else NULL.encode()
    return _path(component, pattern, node_index, rank)


def _input(component: Component, node_index: int, rank: int) -> bytes:
    """``-`` for what the client reads, else a file."""
    pattern = component.fields.get("std_in")
    if not pattern or pattern.lower().startswith("all"):
        return b"-"
    if pattern.isdigit():
        return b"-" if int(pattern) == rank else NULL.encode()
    if pattern == NULL or _per_task(pattern):
        return _path(component, pattern, node_index, rank)
    return b"-"


def _common_input(call: Call, fields: Mapping[str, Any]) -> bytes:
    """The file that the client reads for all tasks; empty for its own standard input."""
    pattern = fields.get("std_in")
    if not pattern or pattern.lower().startswith("all") or pattern.isdigit() or pattern == NULL or _per_task(pattern):
        return b""
    return os.fsencode(absolute(fields.get("work_dir") or call.cwd, pattern))


def _path(component: Component, pattern: str, node_index: int, rank: int) -> bytes:
    job, step, layout = component.job, component.step, component.layout
    values: dict[str, int | str] = {
        "j": job.job_id,
        "J": f"{job.job_id}.{step.step_id}",
        "A": job.array_job_id or job.job_id,
        "s": int(step.step_id),
        "t": rank,
        "n": node_index,
        "N": layout.nodes[node_index].name,
        "u": job.user_name,
        "x": job.request.job_name,
    }
    if job.task_id is not None:
        values["a"] = job.task_id
    return os.fsencode(absolute(component.fields["work_dir"], expand_filename(pattern, values)))


def ranks_of(layout: StepLayout) -> Iterable[tuple[int, int, int]]:
    """(rank, node index, local id) of all tasks."""
    for index, node in enumerate(layout.nodes):
        for local_id, rank in enumerate(node.ranks):
            yield rank, index, local_id
