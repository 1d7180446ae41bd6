"""Which CPUs and GPUs each task is bound to (srun(1), --cpu-bind, --gpu-bind).

CPUs are bound for real, with sched_setaffinity(2), among those this machine lets the client use; emulated nodes share
them. Without the option nothing is bound, as with TaskPlugin=task/none.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shim.job.layout import StepLayout, StepNode
from shim.options.joboption import VALUE_ERROR, Complaint

CPU_HELP = """CPU bind options:
    --cpu-bind=         Bind tasks to CPUs
        q[uiet]         quietly bind before task runs (default)
        v[erbose]       verbosely report binding before task runs
        no[ne]          don't bind tasks to CPUs (default)
        rank            bind by task rank
        map_cpu:<list>  specify a CPU ID binding for each task
                        where <list> is <cpuid1>,<cpuid2>,...<cpuidN>
        mask_cpu:<list> specify a CPU ID binding mask for each task
                        where <list> is <mask1>,<mask2>,...<maskN>
        sockets         auto-generated masks bind to sockets
        cores           auto-generated masks bind to cores
        threads         auto-generated masks bind to threads
        ldoms           auto-generated masks bind to NUMA locality domains
        help            show this help message
"""
_WHOLE = ("sockets", "ldoms", "boards", "rank_ldom")
_KINDS = {"no": "none", "none": "none", "rank": "rank", "cores": "cores", "threads": "threads"} | {k: k for k in _WHOLE}


@dataclass(frozen=True, slots=True)
class CpuBind:
    """--cpu-bind as it was asked for."""

    kind: str = "none"
    numbers: tuple[int, ...] = ()  # CPUs of map_cpu, masks of mask_cpu
    verbose: bool = False
    text: str = ""


def parse_cpu_bind(text: str) -> CpuBind:
    """Read the option. Raises Complaint."""
    kind, verbose = "none", False
    numbers: tuple[int, ...] = ()
    for word in re.split(r",(?=[a-zA-Z])", text) if text else ():
        lower = word.lower()
        name, _, values = lower.partition(":")
        if lower == "help":
            raise Complaint(code=0, output=CPU_HELP)
        if lower in ("q", "quiet"):
            verbose = False
        elif lower in ("v", "verbose"):
            verbose = True
        elif lower in _KINDS:
            kind = _KINDS[lower]
        elif name in ("map_cpu", "mask_cpu"):
            kind = name
            numbers = _numbers(word, values, 16 if name == "mask_cpu" else 10)
        else:
            lines = (f'error: unrecognized --cpu-bind argument "{word}"', "fatal: Failed to parse --cpu-bind= values.")
            raise Complaint(*lines, code=VALUE_ERROR)
    return CpuBind(kind, numbers, verbose, text)


def _numbers(word: str, values: str, base: int) -> tuple[int, ...]:
    found: list[int] = []
    for item in values.split(","):
        value, _, times = item.partition("*")
        try:
            found += [int(value, 0 if value.startswith("0x") else base)] * int(times or 1)
        except ValueError:
            lines = (f"error: Failed to validate number: {word}", "fatal: Failed to parse --cpu-bind= values.")
            raise Complaint(*lines, code=VALUE_ERROR) from None
    return tuple(found)


def cpus_of_tasks(bind: CpuBind, layout: StepLayout, pid: int) -> dict[int, dict[str, Any]]:
    """The binding of each task by rank, as extras of an order: ``cpus``, ``note`` and ``environment``."""
    if bind.kind == "none" and not bind.verbose:
        return {}
    allowed = sorted(os.sched_getaffinity(pid))
    extras: dict[int, dict[str, Any]] = {}
    for node in layout.nodes:
        for local_id, rank in enumerate(node.ranks):
            cpus = _cpus(bind, local_id, layout.cpus_per_task or 1, allowed)
            extras[rank] = {"cpus": tuple(cpus), "environment": _environment(bind)}
            if bind.verbose:
                what = "NONE" if bind.kind == "none" else "MASK"
                note = f"cpu-bind={what} - {node.name}, task {rank:2} {local_id:2} [%d]: mask %s set\n"
                extras[rank]["note"] = note.encode()
    return extras


def _cpus(bind: CpuBind, local_id: int, width: int, allowed: Sequence[int]) -> list[int]:
    if bind.kind == "map_cpu":
        return [bind.numbers[local_id % len(bind.numbers)]]
    if bind.kind == "mask_cpu":
        mask = bind.numbers[local_id % len(bind.numbers)]
        return [cpu for cpu in range(mask.bit_length()) if mask >> cpu & 1]
    if bind.kind == "none" or bind.kind in _WHOLE:
        return list(allowed)
    first = local_id * width
    return sorted({allowed[(first + number) % len(allowed)] for number in range(width)})


def _environment(bind: CpuBind) -> dict[str, str]:
    """What srun tells the tasks about it (srun(1), OUTPUT ENVIRONMENT VARIABLES)."""
    verbosity = "verbose" if bind.verbose else "quiet"
    kind = f"{bind.kind}:" if bind.numbers else bind.kind
    shown = [hex(number) if bind.kind == "mask_cpu" else str(number) for number in bind.numbers]
    return {
        "SLURM_CPU_BIND": f"{verbosity},{kind}{','.join(shown)}",
        "SLURM_CPU_BIND_LIST": ",".join(shown),
        "SLURM_CPU_BIND_TYPE": kind,
        "SLURM_CPU_BIND_VERBOSE": verbosity,
    }


def bind_gpus(nodes: Sequence[StepNode], fields: Mapping[str, Any]) -> tuple[StepNode, ...]:
    """The nodes with the GPUs of each task, where --gpu-bind or --ntasks-per-gpu says so. Raises Complaint."""
    text = str(fields.get("gpu_bind") or "").lower().removeprefix("verbose,").removeprefix("gpu:")
    if not text and fields.get("ntasks_per_gpu"):
        text = f"single:{fields['ntasks_per_gpu']}"
    kind, _, values = text.partition(":")
    if kind in ("", "closest"):
        return tuple(nodes)
    if kind == "none":
        return tuple(replace(node, task_gpus=((),) * len(node.ranks)) for node in nodes)
    try:
        numbers = [int(value, 16 if kind == "mask_gpu" else 10) for value in values.split(",")]
    except ValueError:
        numbers = []
    if kind not in ("single", "per_task", "map_gpu", "mask_gpu") or not numbers:
        raise Complaint(f"error: Invalid --gpu-bind argument: {fields['gpu_bind']}")
    return tuple(
        replace(node, task_gpus=tuple(_gpus(kind, numbers, local_id, node.gpus) for local_id in range(len(node.ranks))))
        for node in nodes
    )


def _gpus(kind: str, numbers: Sequence[int], local_id: int, gpus: Sequence[int]) -> tuple[int, ...]:
    if not gpus:
        return ()
    if kind == "single":
        return (gpus[local_id // max(1, numbers[0]) % len(gpus)],)
    if kind == "per_task":
        first = local_id * numbers[0]
        return tuple(gpus[(first + number) % len(gpus)] for number in range(numbers[0]))
    number = numbers[local_id % len(numbers)]
    if kind == "map_gpu":
        return (gpus[number],) if number < len(gpus) else ()
    return tuple(gpu for position, gpu in enumerate(gpus) if number >> position & 1)
