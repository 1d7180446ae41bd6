"""This machine as a node: what it has, less what a container or cgroup withholds."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from shim.config.settings import Config, NodeConfig, short_host_name
from shim.executor.base import NodeState

DRIVER = Path("/proc/driver/nvidia/gpus")
DEVICES = Path("/dev")
OWN_CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
_MB = 1 << 20
_NVIDIA_SMI_SECONDS = 10


def nodes(config: Config) -> tuple[NodeState, ...]:
    """The nodes of the configuration, or one named after this host. All of them are this host."""
    return tuple(_configured(node) for node in config.nodes) or (_this_host(config),)


def _configured(node: NodeConfig) -> NodeState:
    kind, count = gpus_of_gres(node.gres)
    return NodeState(
        name=node.name,
        cpus=node.cpus,
        memory=node.memory,
        gpus=count,
        gpu_type=kind,
        features=node.features,
        tmp_disk=node.tmp_disk,
        sockets=node.sockets,
        cores_per_socket=node.cores_per_socket or max(1, node.cpus // (node.sockets * node.threads_per_core)),
        threads_per_core=node.threads_per_core,
        weight=node.weight,
        gres=node.gres,
        address=node.address or node.name,
        host_name=node.host_name or short_host_name(),
    )


def _this_host(config: Config) -> NodeState:
    cpus = cpu_count()
    kind, count = detect_gpus()
    gres = f"gpu:{kind}:{count}" if kind else f"gpu:{count}"
    return NodeState(
        name=short_host_name(),
        cpus=cpus,
        memory=memory_mb(),
        gpus=count,
        gpu_type=kind,
        tmp_disk=shutil.disk_usage(config.tmp_dir).total // _MB if Path(config.tmp_dir).is_dir() else 0,
        cores_per_socket=cpus,
        gres=gres if count else "",
        address=short_host_name(),
        host_name=short_host_name(),
    )


def gpus_of_gres(gres: str) -> tuple[str, int]:
    """The first type and the number of GPUs in a node's Gres setting: ``gpu:a100:4,nvme:1`` (gres.conf)."""
    kind, total = "", 0
    for entry in gres.split(","):
        name, *rest = entry.split("(")[0].split(":")
        if name != "gpu":
            continue
        total += int(rest[-1]) if rest and rest[-1].isdigit() else 1
        kind = kind or next((part for part in rest if not part.isdigit()), "")
    return kind, total


def cpu_count() -> int:
    """CPUs this process may use: its affinity, less a cgroup's CPU quota (at least 1)."""
    return max(1, min([len(os.sched_getaffinity(0)), *_cpu_quotas()]))


def memory_mb() -> int:
    """Memory of the machine in MB, or a cgroup's limit where that is lower."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [_text(level / name) for level, name in _cgroup_levels("memory", "memory.max", "memory.limit_in_bytes")]
    return min([total, *(int(limit) for limit in limits if limit.isdigit())]) // _MB


def _cpu_quotas() -> Iterator[int]:
    """Whole CPUs that the quota of each cgroup above this process allows."""
    for level, name in _cgroup_levels("cpu", "cpu.max", "cpu.cfs_quota_us"):
        quota = _text(level / name).split()
        if name == "cpu.cfs_quota_us":
            quota.append(_text(level / "cpu.cfs_period_us"))
        if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit():
            yield int(quota[0]) // int(quota[1])


def _cgroup_levels(controller: str, unified: str, legacy: str) -> Iterator[tuple[Path, str]]:
    """The folders of this process's cgroup and all above it, and the setting's name there (cgroups(7), both versions).
    In a container the path is often that of the host and only its end, or nothing of it, is there.
    """
    for line in _text(OWN_CGROUP).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        roots = (CGROUPS / controllers, CGROUPS / controller) if controllers else (CGROUPS, CGROUPS / "unified")
        for root in dict.fromkeys(roots):
            folder = root / path.strip("/")
            for level in (folder, *folder.parents):
                if level.is_relative_to(root):
                    yield level, legacy if controllers else unified


def detect_gpus() -> tuple[str, int]:
    """Type and number of this machine's GPUs, without starting a program where the driver tells (gres.conf, Type)."""
    folders = sorted(DRIVER.glob("*/information"))
    if folders:
        return _gpu_type(re.search(r"^Model:\s*(.*)$", _text(folders[0]), re.MULTILINE)), len(folders)
    devices = [path for path in DEVICES.glob("nvidia[0-9]*") if path.name.removeprefix("nvidia").isdigit()]
    listed = _nvidia_smi()
    kind = _gpu_type(re.search(r"^GPU \d+: (.*?)(?: \(UUID.*)?$", listed[0])) if listed else ""
    return kind, len(devices) or len(listed)


def _nvidia_smi() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=_NVIDIA_SMI_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line for line in done.stdout.splitlines() if line.startswith("GPU ")]


def _gpu_type(model: re.Match[str] | None) -> str:
    """``NVIDIA A100-SXM4-40GB`` is ``a100`` to Slurm's users: the word with the number, in lower case."""
    words = re.split(r"[^a-z0-9]+", model.group(1).lower()) if model else []
    return next((word for word in words if re.fullmatch(r"[a-z]*\d+[a-z]*", word) and not word.endswith("gb")), "")


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
