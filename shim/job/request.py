"""What a user asked for: the options of one submission after parsing, before anything is decided about them."""

from dataclasses import dataclass, field
from typing import Any

UNLIMITED = 0xFFFFFFFF
"""A time limit of UNLIMITED, in minutes (Slurm's INFINITE)."""


@dataclass(frozen=True, slots=True)
class Request:
    """The options of one job, as values. ``None`` or empty means: not asked for, so Slurm's default holds.

    Memory is in MB, times are epoch seconds, limits are minutes. The names are those of sbatch's long options.
    One request is shared by all tasks of an array.
    """

    job_name: str = ""
    account: str = ""
    partition: str = ""  # one name, or a comma separated list to choose from
    qos: str = ""
    comment: str = ""
    wckey: str = ""
    reservation: str = ""
    licenses: str = ""
    constraint: str = ""
    prefer: str = ""
    cluster_constraint: str = ""
    # size
    nodes_min: int | None = None
    nodes_max: int | None = None
    ntasks: int | None = None
    ntasks_per_node: int | None = None
    ntasks_per_socket: int | None = None
    ntasks_per_core: int | None = None
    ntasks_per_gpu: int | None = None
    cpus_per_task: int | None = None
    cpus_per_gpu: int | None = None
    mincpus: int | None = None
    mem_per_node: int | None = None  # 0: all memory of the node
    mem_per_cpu: int | None = None
    mem_per_gpu: int | None = None
    tmp: int | None = None
    gres: str = ""
    gpus: str = ""
    gpus_per_node: str = ""
    gpus_per_task: str = ""
    gpus_per_socket: str = ""
    nodelist: str = ""
    exclude: str = ""
    exclusive: str = ""  # "", "exclusive", "user" or "mcs"
    oversubscribe: bool = False
    overcommit: bool = False
    contiguous: bool = False
    spread_job: bool = False
    use_min_nodes: bool = False
    core_spec: int | None = None
    thread_spec: int | None = None
    sockets_per_node: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    # time
    time_limit: int | None = None
    time_min: int | None = None
    begin: int = 0
    deadline: int = 0
    # queue
    array: str = ""
    dependency: str = ""
    hold: bool = False
    nice: int = 0
    priority: int | None = None
    requeue: bool | None = None
    kill_on_invalid_dep: bool | None = None
    # running
    work_dir: str = ""
    std_out: str = ""
    std_err: str = ""
    std_in: str = ""
    open_mode: str = ""  # "", "a" or "t"
    signal: str = ""  # as given: [B:|R:]SIG[@seconds]
    export: str | None = None  # the argument of --export, as given
    umask: int = 0o022
    rlimits: tuple[tuple[str, int, int], ...] = ()  # (name as in the resource module, soft, hard)
    mail_type: tuple[str, ...] = ()
    mail_user: str = ""
    container_image: str = ""
    container_mounts: str = ""
    container_workdir: str = ""
    container_env: str = ""
    # where it came from
    command: str = ""  # absolute path of the script; empty for --wrap and stdin
    arguments: tuple[str, ...] = ()
    batch: bool = True  # False: an allocation of salloc or srun
    submit_dir: str = ""
    submit_host: str = ""
    submit_line: str = ""
    alloc_sid: int = 0
    # options that only echo into the job's environment or into displays, by long option name
    extra: dict[str, Any] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]

    @property
    def of_no_nodes(self) -> bool:
        """-N 0 without tasks: Slurm takes it for nothing that could start, but looks at that only then."""
        return self.nodes_min == 0 and not (self.nodes_max or self.ntasks)
