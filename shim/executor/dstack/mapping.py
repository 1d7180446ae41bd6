"""A job as a dstack task: a pure function to the dictionary that ``dstack apply`` reads as YAML.

dstack takes a bare number for an exact size, so every size is written as a minimum (``4..``); ``entrypoint`` gives the
container exactly the command, where ``commands`` alone would be joined by a shell; ``disk`` must be null or dstack
asks for 100 GB.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml  # type: ignore[import-untyped]

from shim.config.dstack import PartitionSettings, Settings
from shim.executor.dstack.containers import image_name, mounts
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.gpu_names import gpu_type
from shim.executor.dstack.sizes import NodeSize, node_size
from shim.job.record import Job
from shim.job.request import UNLIMITED
from shim.scheduler.need import Need

BACKSTOP = 120
"""Seconds beyond the time limit and KillWait after which dstack itself ends a run whose guest did not."""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything about the site that a task depends on."""

    settings: Settings
    partition: PartitionSettings
    cluster: str  # ClusterName
    controller: str  # tells two controllers on one project apart
    kill_wait: float  # seconds
    instances: Collection[str]  # names of the existing instances
    gpu_names: tuple[str, ...] = ()  # that hosts of the fleets report


def task_of(
    job: Job, need: Need, site: Site, command: Sequence[str], suffix: str = "", worker: bool = False
) -> dict[str, Any]:
    """The task that runs ``command`` on every node of a job. Raises NotExpressible.

    A ``worker`` takes other jobs like this one after it, so the time limit of this one is not its own.
    """
    _refuse_what_dstack_lacks(job, need, site)
    size = node_size(job, need)
    parts: tuple[dict[str, Any], ...] = (
        {"type": "task", "name": run_name(job, suffix)},
        {"nodes": size.nodes, "stop_criteria": "master-done"} if size.nodes > 1 else {},
        {"entrypoint": command[0], "commands": list(command[1:])},
        _container(job, site),
        {"resources": _resources(size, job, need, site)},
        {"priority": priority(job, site.settings)},
        {} if worker else _limits(job, site),
        _placement(job, need, site),
        {"tags": tags(job, site)},
    )
    return {key: value for part in parts for key, value in part.items()}


def to_yaml(task: Mapping[str, Any]) -> str:
    """The task as ``dstack apply -f`` takes it."""
    return str(yaml.safe_dump(dict(task), sort_keys=False, allow_unicode=True, width=120))


def run_name(job: Job, suffix: str = "") -> str:
    """``slurm-7``, ``slurm-7-3`` for a task of an array, ``slurm-7-r1`` after a requeue (dstack: 41 characters)."""
    task = f"-{job.task_id}" if job.task_id is not None else ""
    restart = f"-r{job.restarts}" if job.restarts else ""
    return f"slurm-{job.array_job_id or job.job_id}{task}{restart}{suffix}"


def tags(job: Job, site: Site) -> dict[str, str]:
    """What finds a run again when nothing but dstack remembers it; and names, for people who look at it there."""
    values = {
        "slurm-cluster": site.cluster,
        "slurm-controller": site.controller,
        "slurm-job": str(job.job_id),
        "slurm-id": job.display_id,
        "slurm-restarts": str(job.restarts),
        "slurm-name": job.request.job_name,
        "slurm-user": job.user_name,
        "slurm-partition": job.partition,
    }
    # dstack's alphabet for values, at most 256 characters
    return {key: re.sub(r"[^a-zA-Z0-9 .:/=_\-+@]", "_", value)[:256] for key, value in values.items()}


def priority(job: Job, settings: Settings) -> int:
    """dstack's 0 to 100: of the QOS or the site, less the nice value."""
    return max(0, min(100, settings.qos.get(job.request.qos.lower(), settings.priority) - job.request.nice))


def _refuse_what_dstack_lacks(job: Job, need: Need, site: Site) -> None:
    request = job.request
    for name, _ in need.gres:
        raise NotExpressible(f"--gres={name}: dstack knows no generic resources but GPUs")
    if not job.shares:
        for node in need.nodelist:
            if node not in site.instances:
                raise NotExpressible(f"--nodelist={node}: no fleet of the project has such an instance")
    unknown: Iterable[tuple[Any, str]] = (
        (request.core_spec, "core-spec"),
        (request.thread_spec, "thread-spec"),
        (request.contiguous, "contiguous"),
    )
    for value, option in unknown:
        if value:
            raise NotExpressible(f"--{option}: dstack does not choose CPUs or the order of nodes")


def _container(job: Job, site: Site) -> dict[str, Any]:
    request, partition, settings = job.request, site.partition, site.settings
    shared = settings.mode == "shared"
    volumes = [f"{path}:{path}" for path in settings.shared] if shared else []
    volumes += [*partition.volumes, *mounts(request.container_mounts)]
    image = image_name(request.container_image) if request.container_image else partition.image
    user = partition.user or (f"{job.user_id}:{job.group_id}" if shared else "")
    entries = {
        "image": image,
        "user": user,
        "privileged": partition.privileged,
        "working_dir": request.container_workdir,
        "volumes": list(dict.fromkeys(volumes)),
    }
    return {key: value for key, value in entries.items() if value}


def _resources(size: NodeSize, job: Job, need: Need, site: Site) -> dict[str, Any]:
    arch = f"{site.partition.arch}:" if site.partition.arch else ""
    resources: dict[str, Any] = {"cpu": f"{arch}{max(1, size.cpus)}..", "memory": f"{max(1, size.memory)}MB.."}
    if site.partition.shm_size:
        resources["shm_size"] = site.partition.shm_size
    if size.gpus:
        resources["gpu"] = _gpu(size, job, need, site)
    resources["disk"] = f"{size.tmp_disk}MB.." if size.tmp_disk else None
    return resources


def _gpu(size: NodeSize, job: Job, need: Need, site: Site) -> dict[str, Any]:
    words = [size.gpu_type] if size.gpu_type else []
    if not words and not job.shares and need.constraint:
        words = [word for word in _alternatives(need.constraint) if word.lower() not in site.partition.features]
        for word in words:
            _refuse_unless_gpu(word, site)
    types = [gpu_type(word, site.settings.gpu_types, site.gpu_names) for word in words]
    gpu: dict[str, Any] = {"count": f"{size.gpus}.."}
    if types:
        gpu["name"] = list(dict.fromkeys(kind.name for kind in types))
    if types and (memory := min(kind.memory for kind in types)):
        gpu["memory"] = f"{memory}GB.."
    return gpu


def _limits(job: Job, site: Site) -> dict[str, Any]:
    """The guest keeps the time limit as Slurm does; dstack's own comes later, for a guest that cannot any more."""
    minutes = job.time_limit if job.time_limit != UNLIMITED else job.request.time_limit or UNLIMITED
    return {} if minutes == UNLIMITED else {"max_duration": minutes * 60 + int(site.kill_wait) + BACKSTOP}


def _placement(job: Job, need: Need, site: Site) -> dict[str, Any]:
    partition = site.partition
    entries: dict[str, Any] = {
        "fleets": list(partition.fleets),
        "backends": list(partition.backends),
        "regions": list(partition.regions),
        "availability_zones": list(partition.availability_zones),
        "instance_types": list(partition.instance_types),
        "reservation": partition.reservation,
        "spot_policy": partition.spot_policy,
        "max_price": partition.max_price,
        "creation_policy": partition.creation_policy,
        "idle_duration": partition.idle_duration,
    }
    if job.shares:
        nodes = [share.node for share in job.shares if share.node in site.instances]
    else:
        nodes = _wanted_nodes(need, site)
        if need.constraint:
            entries = _constrain(entries, need, site)
    entries["instances"] = nodes
    return {key: value for key, value in entries.items() if value}


def _wanted_nodes(need: Need, site: Site) -> list[str]:
    """dstack can name the instances to use but not those to avoid, so ``--exclude`` names all others."""
    if need.nodelist or not need.exclude:
        return list(need.nodelist)
    nodes = [node for node in site.instances if node not in need.exclude]
    if not nodes:
        raise NotExpressible("--exclude: no other instance exists, and dstack cannot avoid one by name")
    return nodes


def _constrain(entries: dict[str, Any], need: Need, site: Site) -> dict[str, Any]:
    """Narrow a task to ``--constraint``: features of the site's table; GPU names have gone to ``resources``."""
    narrowed: dict[str, list[str]] = {}
    kinds = set()
    for word in _alternatives(need.constraint):
        feature = site.partition.features.get(word.lower())
        if feature is None:
            _refuse_unless_gpu(word, site)
            if not (need.gpus or need.gpus_per_node or need.gpus_per_task):
                raise NotExpressible(f"--constraint={word}: a GPU type, but the job asks for no GPU")
        kinds.add(tuple(feature or ("gpu",)))
        for key, values in (feature or {}).items():
            narrowed.setdefault(key, []).extend(values)
    if len(kinds) > 1:
        raise NotExpressible(f"--constraint={need.constraint}: dstack cannot choose between features of several kinds")
    return entries | narrowed


def _refuse_unless_gpu(word: str, site: Site) -> None:
    try:
        gpu_type(word, site.settings.gpu_types, site.gpu_names)
    except NotExpressible:
        raise NotExpressible(f"--constraint={word}: neither a feature in the configuration nor a GPU type") from None


def _alternatives(constraint: str) -> list[str]:
    """The features of ``a|b``; anything more is beyond what dstack can be told."""
    if re.search(r"[&,*()\[\]]", constraint):
        raise NotExpressible(f"--constraint={constraint}: dstack knows alternatives (a|b) only")
    return constraint.split("|")
