"""The configuration: what slurm.conf is to Slurm, in one TOML file that may be absent."""

import platform
from dataclasses import dataclass, field
from typing import Any

from shim.job.request import UNLIMITED


def short_host_name() -> str:
    """The host name up to its first dot, which is also this machine's name as a node."""
    return platform.node().split(".")[0] or "localhost"


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One emulated node, or this host. Memory and disk in MB."""

    name: str
    cpus: int
    memory: int
    sockets: int = 1
    cores_per_socket: int = 0  # 0: follows from the others
    threads_per_core: int = 1
    tmp_disk: int = 0
    gres: str = ""
    features: tuple[str, ...] = ()
    weight: int = 1
    address: str = "127.0.0.1"
    host_name: str = ""


@dataclass(frozen=True, slots=True)
class PartitionConfig:
    """One partition. Times in minutes; ``executor`` says what runs its jobs."""

    name: str
    nodes: tuple[str, ...]
    default: bool = False
    max_time: int = UNLIMITED
    default_time: int | None = None
    min_nodes: int = 1
    max_nodes: int = UNLIMITED
    state: str = "UP"
    priority_tier: int = 1
    executor: str = "local"
    dstack: dict[str, Any] = field(default_factory=dict)  # settings of the dstack executor for this partition

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, under the names slurm.conf knows them by (in snake case). Seconds unless said otherwise."""

    cluster_name: str = "cluster"
    version: str = "22.05.8"  # of the Slurm that is imitated; clients parse it
    first_job_id: int = 1
    max_array_size: int = 1001
    max_job_count: int = 10_000_000  # Slurm: 10,000; a waiting task costs nothing here
    max_script_size: int = 4 * 1024 * 1024  # bytes
    min_job_age: float = 300
    kill_wait: float = 30
    data_parser: str = "v0.0.38"  # the layout of --json and --yaml: that of 22.05, or "v0.0.40", that of 23.11
    def_mem_per_cpu: int = 0  # MB, 0: unlimited
    default_account: str = ""  # charged for jobs that name none; Slurm keeps it with each user in its database
    mail_prog: str = "mail"
    job_file_append: bool = False
    job_requeue: bool = True
    kill_invalid_depend: bool = False
    enforce_part_limits: bool = False
    requeue_delay: float = 0  # until a requeued job may start again; Slurm waits two minutes
    idle_exit: float = 600  # the controller stops itself after so long without jobs or calls
    keep_accounting: float = 90 * 86400  # finished jobs stay in the table for so long
    mpi_default: str = "none"  # of srun --mpi, on the local executor: "none", "pmi2", "pmix"
    tmp_dir: str = "/tmp"
    scratch: str = ""  # a folder for each job below this one, as SLURM_TMPDIR; "": none
    memory_enforcement: str = "auto"  # "poll": jobs over their memory are killed; "none"; "auto": not on emulated nodes
    bf_max_job_test: int = 500
    nodes: tuple[NodeConfig, ...] = ()
    partitions: tuple[PartitionConfig, ...] = ()
    dstack: dict[str, Any] = field(default_factory=dict)  # [dstack]: server, project, token, mode ...
    known_spank_options: tuple[str, ...] = ()
    source: str = ""  # the file it was read from

    __hash__ = None  # type: ignore[assignment]

    def partition(self, name: str) -> PartitionConfig | None:
        """The partition of that name."""
        return next((p for p in self.partitions if p.name == name), None)

    @property
    def enforces_memory(self) -> bool:
        """Whether jobs over their memory are killed: the memory of emulated nodes is made up, this machine's is not."""
        return self.memory_enforcement == "poll" or (self.memory_enforcement == "auto" and not self.nodes)

    @property
    def default_partition(self) -> PartitionConfig | None:
        """The partition that jobs go to which name none."""
        return next((p for p in self.partitions if p.default), None)
