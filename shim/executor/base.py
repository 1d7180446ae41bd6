"""What the controller asks of an executor, and what an executor tells the controller.

An executor makes tasks run: ``local`` on this machine, ``dstack`` through a dstack server. It knows nothing of
queues, arrays or dependencies; it starts what it is told to start, and reports each start and each end exactly as it
happened, also for runs that ended while no controller was there.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from shim.job.record import Job, Step
from shim.job.request import Request
from shim.scheduler.need import Need


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as an executor offers it: ``sinfo`` shows it, the scheduler places jobs on it. Memory in MB."""

    name: str
    cpus: int
    memory: int
    gpus: int = 0
    gpu_type: str = ""
    features: tuple[str, ...] = ()
    tmp_disk: int = 0
    state: str = "IDLE"  # IDLE, DOWN, DRAIN, UNKNOWN: what the executor knows; allocation is the scheduler's
    reason: str = ""
    sockets: int = 1
    cores_per_socket: int = 1
    threads_per_core: int = 1
    weight: int = 1
    gres: str = ""  # as configured: gpu:a100:4,nvme:1
    address: str = ""
    host_name: str = ""
    blocks: int = 0  # equal parts that CPUs, memory and GPUs are handed out in, together; 0: in any amounts
    taken_cpus: int = 0  # that others than this queue hold
    partitions: tuple[str, ...] | None = None  # that it belongs to, where its executor knows
    fleet: str = ""  # nodes of different fleets do not hold one job


@dataclass(frozen=True, slots=True)
class Launch:
    """One run of a batch script. All paths are absolute and expanded; the environment is complete."""

    job_id: int
    restarts: int  # which run of the job this is, from 0
    script: bytes
    arguments: tuple[str, ...]
    environment: bytes  # NAME=value, each ended by a NUL byte
    work_dir: str
    std_out: str  # "" or /dev/null: nowhere
    std_err: str  # equal to std_out: one file
    std_in: str
    append: bool
    umask: int
    rlimits: tuple[tuple[str, int, int], ...]
    memory_limit: int  # MB for the whole job on its first node, 0: none
    node: str  # name of the batch host
    job: Job  # for an executor that maps the whole request
    components: tuple[Job, ...] = ()  # of a heterogeneous job, this one the first


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one run of a batch script. ``exit_status`` is as wait() reports it: code << 8 | signal.

    ``launch_failure`` names why it never ran (Slurm: FAILED, 0:53); ``node_failure`` why it was lost (NODE_FAIL).
    Times are epoch seconds, CPU times seconds, memory KB.
    """

    job_id: int
    restarts: int
    exit_status: int
    start_time: float
    end_time: float
    launch_failure: str = ""
    node_failure: str = ""
    ending: str = ""  # CANCELLED, TIMEOUT or PREEMPTED, where the engine or somebody at the engine ended it
    out_of_memory: bool = False
    user_seconds: float = 0
    system_seconds: float = 0
    max_rss: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a running job uses now: CPU seconds of its living processes, memory in KB (sstat man page)."""

    cpu_seconds: float
    rss: int  # of all its processes together
    max_rss: int  # of its largest process
    pids: tuple[int, ...] = ()


class Target(Enum):
    """Which processes of a job a signal goes to (scancel man page, --batch and --full)."""

    STEPS = "steps"  # the steps only, never the batch script
    BATCH = "batch"  # the batch script alone
    FULL = "full"  # the batch script and its children; srun, which is one of them, passes on to its tasks what it does
    ALL = "all"  # every process


class RemoteCall(Protocol):
    """A command of Slurm called inside a job, on a machine where the controller's socket cannot be reached.

    Frames are those of the conversation with a client (see ``shim.launcher``).
    """

    command: str
    argv: list[str]
    cwd: str
    env: dict[str, str]
    umask: int

    def send(self, stream: int, data: bytes) -> None:
        """Text for the client's stdout (1) or stderr (2)."""

    async def read_stdin(self) -> bytes:
        """All of the client's standard input."""

    def tell(self, kind: bytes, payload: bytes) -> None:
        """A frame for a client that does something itself."""

    async def hear(self) -> tuple[bytes, bytes]:
        """The next frame from it. Raises ConnectionError when the client has gone."""

    def closed(self) -> bool:
        """True once the client has gone."""

    def end(self, code: int) -> None:
        """The command's exit code."""


class StepClient(Protocol):
    """A process of srun on this machine, as its call is known here (shim.commands.call.Call)."""

    @property
    def env(self) -> Mapping[str, str]:
        """Its environment."""

    @property
    def stdin_tty(self) -> bool:
        """Whether its standard input is a terminal."""

    @property
    def send(self) -> Callable[[int, bytes], None]:
        """Text for its stdout (1) or stderr (2)."""

    @property
    def tell(self) -> Callable[[bytes, bytes], None]:
        """A frame for it: an order, or news of what it does."""

    @property
    def hear(self) -> Callable[[], Awaitable[tuple[bytes, bytes]]] | None:
        """The next frame from it. Raises ConnectionError when it has gone."""


class Events(Protocol):
    """What the controller offers an executor to report to. Called in the event loop's thread only."""

    def started(self, job_id: int, restarts: int, handle: str, when: float) -> None:
        """The run has begun; ``handle`` is kept in the job table and handed back to ``recover``."""

    def script_over(self, ended: Ended) -> None:
        """The script of a run has ended so; steps that it has left behind are being ended. ``finished`` follows."""

    def finished(self, ended: Ended) -> None:
        """The run is over and all its processes are gone."""

    def not_started(self, job_id: int, restarts: int, reason: str) -> None:
        """The run could not begin through no fault of its own (no capacity, server away): it waits on."""

    def capacity_changed(self) -> None:
        """``nodes()`` answers differently now."""

    def called(self, call: RemoteCall) -> None:
        """A command was called inside a job: run it and answer."""


class Executor(Protocol):
    """One engine that runs jobs.

    The nodes of a ``remote`` one are elsewhere: jobs take a while to begin there, an allocation without a script is a
    run as well, and srun on this machine must be led to the tasks of its steps. Where it ``shares_files``, jobs see
    those of this machine; elsewhere nothing reaches them but their end.
    """

    name: str
    remote: bool
    shares_files: bool

    async def open(self, events: Events) -> None:
        """Get ready. Raises OSError where this machine or the server cannot be used."""

    def nodes(self) -> tuple[NodeState, ...]:
        """The nodes it has now."""

    def adapt(self, need: Need, partition: str) -> Need:
        """A need in the words of this engine's nodes."""

    def check(self, request: Request, need: Need, partition: str) -> None:
        """Raise SlurmError for a job of this partition that the engine can never run."""

    def check_components(self, jobs: Sequence[Job]) -> None:
        """Raise SlurmError where these cannot be the components of one heterogeneous job."""

    def describe(self, jobs: Sequence[Job]) -> str:
        """What the engine is told to run for a job, or for all components of a heterogeneous one together.

        In the engine's own language; "" for one that has none.
        """

    def start(self, launches: Iterable[Launch]) -> None:
        """Begin these runs; ``started`` and ``finished`` follow as events. Idempotent for one (job_id, restarts)."""

    async def recover(self, running: Iterable[Job], launch_again: "LaunchAgain") -> None:
        """After a restart of the controller: find each of these runs again by its handle or id.

        Runs that ended meanwhile are reported as finished with their true times and status, runs that never began
        are begun (``launch_again`` makes their Launch), runs that are lost are reported as node failures.
        """

    def signal(self, job: Job, signal: int, target: Target) -> None:
        """Send a signal to processes of a running job; unknown or finished runs are ignored."""

    def signal_step(self, job: Job, step: Step, signal: int) -> None:
        """Send a signal to the tasks of one step; processes that are gone are ignored."""

    def terminate(self, job: Job, notice: str, kill_wait: float) -> None:
        """SIGCONT and SIGTERM to all processes of the job, SIGKILL after ``kill_wait`` seconds; ``finished`` follows.

        ``notice`` is a line for the job's error file, as slurmstepd writes it, "" for none.
        """

    def reach(self, job: Job, client: StepClient, step: str = "") -> StepClient:
        """What to talk to in place of a client that runs a step of this job: it leads to the step's tasks.

        ``step`` names one that began under an earlier controller. Raises SlurmError where they are out of reach.
        """

    def release(self, job: Job) -> None:
        """An allocation has been given back, and counts as over: its run ends."""

    def usage(self, job: Job, pids: tuple[int, ...] = ()) -> Usage | None:
        """What the running job uses now, or only these processes of a step of it and all below them.

        None where that cannot be known.
        """

    def forget(self, job_id: int, restarts: int) -> None:
        """The end of this run is durably recorded: whatever was kept to report it may go."""

    async def close(self) -> None:
        """Let go of everything but the runs: they go on."""


class LaunchAgain(Protocol):
    """Makes the Launch of a job anew, from what the job table holds."""

    def __call__(self, job: Job) -> Launch:
        """The Launch for the job's run ``job.restarts``."""
