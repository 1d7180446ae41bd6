"""Values about GPUs and other generic resources (sbatch(1), --gres, --gpu-bind, --gpu-freq)."""

import re
from collections.abc import Mapping
from typing import Any

from shim.options.joboption import VALUE_ERROR, Complaint, Reading, Value
from shim.options.values import choice


def _gres(reading: Reading) -> Mapping[str, Any]:
    if reading.given.lower() == "help":
        raise Complaint(code=0, output="Valid gres options are:\ngpu[[:type]:count]\n")
    if reading.given.lower() == "none":
        return {"gres": reading.given}
    return {"gres": ",".join(item.removeprefix("gres:") for item in reading.given.split(","))}


def _show_gres(fields: Mapping[str, Any]) -> str:
    gres: str = fields["gres"]
    return gres if gres.lower() == "none" else ",".join(f"gres:{item}" for item in gres.split(","))


GRES = Value(_gres, _show_gres)
GRES_FLAGS = choice("gres_flags", **{"enforce-binding": "enforce-binding", "disable-binding": "disable-binding"})


def _gpu_bind(reading: Reading) -> Mapping[str, Any]:
    """``[verbose,]closest|none|single:N|per_task:N|map_gpu:list|mask_gpu:list`` (tres_bind_verify_cmdline)."""
    kind, colon, argument = re.sub(r"^v(erbose)?,", "", reading.given).partition(":")
    known = (kind in ("closest", "none") and not colon) or (
        kind in ("single", "per_task", "map_gpu", "mask_gpu") and colon
    )
    if not known:
        raise Complaint(f"error: Invalid --gpu-bind argument: gpu:{reading.given}")
    digits = "0123456789abcdefABCDEFxX" if kind == "mask_gpu" else "0123456789"
    if kind in ("map_gpu", "mask_gpu"):
        for item in argument.split(","):
            offending = item.strip(digits)[:1]
            if offending:
                raise Complaint(
                    f"error: Failed to validate {item}, offending character is {offending}",
                    f"error: Invalid --gpu-bind argument: gpu:{reading.given}",
                )
    return {"gpu_bind": reading.given}


GPU_BIND = Value(_gpu_bind, lambda fields: str(fields["gpu_bind"]))


def _gpu_freq(reading: Reading) -> Mapping[str, Any]:
    level = r"(low|medium|high|highm1|\d+)"
    if not re.fullmatch(rf"({level}|memory={level}|verbose)(,({level}|memory={level}|verbose))*", reading.given):
        raise Complaint(f"error: Invalid --gpu-freq argument: gpu:{reading.given}")
    return {"gpu_freq": reading.given}


GPU_FREQ = Value(_gpu_freq, lambda fields: str(fields["gpu_freq"]))


def _tres_per_task(reading: Reading) -> Mapping[str, Any]:
    """``cpu:N,gres/gpu[:type]:N`` (Slurm 23.11) in terms of the options that 22.05 has for the same."""
    fields: dict[str, Any] = {}
    for item in reading.given.split(","):
        match = re.fullmatch(r"(cpu|gres/gpu)(?::([^:=,]+))?[:=](\d+)", item, re.ASCII)
        if not match or (match[1] == "cpu" and (match[2] or int(match[3]) == 0)):
            raise Complaint("error: Invalid --tres-per-task specification", code=VALUE_ERROR)
        if match[1] == "cpu":
            fields["cpus_per_task"] = int(match[3])
        else:
            fields["gpus_per_task"] = f"{match[2]}:{match[3]}" if match[2] else match[3]
    return fields


TRES_PER_TASK = Value(_tres_per_task, lambda fields: str(fields.get("gpus_per_task") or fields["cpus_per_task"]))
