"""What Slurm's commands check of GPUs and other generic resources before they ask the controller.

The sentences are those of Slurm's gres_job_state_validate(); each is followed by the general one.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from shim.grammar.errors import GrammarError
from shim.grammar.tres import INVALID_GRES, INVALID_TRES, MIXED_GRES, Gres, parse_gpus, parse_gres
from shim.job.errors import Errno, SlurmError
from shim.options.joboption import VALUE_ERROR, Complaint

_COUNT_MAX = 2**63 - 1
_GPU_OPTIONS = ("gpus", "gpus_per_node", "gpus_per_socket", "gpus_per_task")


def check_gres(fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Check the resources of one job; ``known`` are the names of resources that any node has.

    Raises Complaint, or SlurmError where Slurm's controller is the first to notice.
    """
    asked = {name: _parsed(fields, name) for name in ("gres", *_GPU_OPTIONS)}
    for item in asked["gres"]:
        if item.count and item.name not in known:
            raise Complaint(f"error: {INVALID_GRES}", code=VALUE_ERROR)
    gpus = {name: asked[name] for name in _GPU_OPTIONS}
    gpus["gpus_per_node"] = (*asked["gpus_per_node"], *(item for item in asked["gres"] if item.name == "gpu"))
    totals = (item for name, items in gpus.items() for item in items if name != "gpus_per_task")
    if len({bool(item.type) for item in totals}) > 1:
        raise Complaint(f"error: {MIXED_GRES}", code=VALUE_ERROR)
    for sentence in _faults(fields, gpus):
        raise Complaint(f"error: {sentence}", f"error: {INVALID_GRES}", code=VALUE_ERROR)


def _parsed(fields: Mapping[str, Any], name: str) -> tuple[Gres, ...]:
    text = fields.get(name)
    if text is None or (not text and name != "gres"):
        return ()
    try:
        items = parse_gres(text) if name == "gres" else parse_gpus(text)
        if any(item.count > _COUNT_MAX for item in items):
            raise GrammarError(text, problem=INVALID_TRES)
        return items
    except GrammarError as error:
        if error.problem == INVALID_TRES:
            raise SlurmError(Errno.INVALID_GRES, text=INVALID_TRES) from None
        said = MIXED_GRES if error.problem == MIXED_GRES else INVALID_GRES
        raise Complaint(f"error: {said}", code=VALUE_ERROR) from None


def _total(items: tuple[Gres, ...]) -> int:
    return sum(item.count for item in items)


def _faults(fields: Mapping[str, Any], gpus: Mapping[str, tuple[Gres, ...]]) -> Iterator[str]:
    if gpus["gpus_per_socket"] and "sockets_per_node" not in fields:
        yield "--gpus-per-socket option requires --sockets-per-node specification"
    if "cpus_per_gpu" in fields and "cpus_per_task" in fields:
        yield "--cpus-per-gpu is mutually exclusive with --cpus-per-task"
    yield from _node_faults(fields, gpus)
    yield from _task_faults(fields, gpus)
    wanted = any(map(_total, gpus.values()))
    if fields.get("mem_per_gpu") and not wanted:
        yield f"Requested mem_per_tres=gres:gpu:{fields['mem_per_gpu']} but did not request any GPU."
    per_gpu, tasks = fields.get("ntasks_per_gpu"), fields.get("ntasks")
    if per_gpu and not wanted:
        if tasks is None and not fields.get("nodes_min"):
            yield (
                "gres_job_state_validate: --ntasks-per-tres needs either a GRES GPU specification or a node/ntask "
                "specification"
            )
        elif tasks is not None and tasks % per_gpu:
            yield "Failed to validate job spec, -n/--ntasks has to be a multiple of --ntasks-per-gpu."


def _by_type(items: tuple[Gres, ...]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for item in items:
        counts[item.type] += item.count
    return counts


def _node_faults(fields: Mapping[str, Any], gpus: Mapping[str, tuple[Gres, ...]]) -> Iterator[str]:
    total, per_node = _by_type(gpus["gpus"]), _by_type(gpus["gpus_per_node"])
    for kind in total.keys() & per_node.keys():
        if total[kind] < per_node[kind]:
            yield "Failed to ensure --gpus >= --gres=gpu/--gpus-per-node >= --gpus-per-socket"
        elif per_node[kind] and total[kind] % per_node[kind]:
            yield "Failed to validate job spec, --gpus is not multiple of --gres=gpu/--gpus-per-node"
        elif per_node[kind] and fields.get("nodes_min"):
            nodes, least = total[kind] // per_node[kind], fields["nodes_min"]
            most = fields.get("nodes_max") or nodes
            if not least <= nodes <= most:
                yield (
                    f"Failed to validate job spec. Based on --gpu and --gres=gpu/--gpus-per-node required nodes "
                    f"({nodes}) doesn't fall between min_nodes ({least}) and max_nodes ({most}) boundaries."
                )


def _task_faults(fields: Mapping[str, Any], gpus: Mapping[str, tuple[Gres, ...]]) -> Iterator[str]:
    total, per_task = _by_type(gpus["gpus"]), _by_type(gpus["gpus_per_task"])
    tasks = fields.get("ntasks")
    for kind, number in per_task.items():
        if tasks is None and not total[kind]:
            yield (
                "Failed to validate job spec. --gpus-per-task used without either --gpus or -n/--ntasks is not allowed."
            )
        elif number and total[kind] % number:
            yield "Failed to validate job spec, --gpus not multiple of --gpus-per-task"
        elif number and tasks is not None and total[kind] and total[kind] // number != tasks:
            yield (
                "Failed to validate job spec. Based on --gpus and --gpus-per-task number of requested tasks differ "
                "from -n/--ntasks."
            )
