"""The job record: a plain job, the pending rest of an array, or one array task that has a record of its own.

As in Slurm, the pending tasks of an array are one record under the array's id, holding a compact set of task indices.
A task is split off, with a job id of its own, when it starts or is changed on its own; the last one left takes the
record (and the id) of the array itself.
"""

import re
from dataclasses import dataclass

from shim.grammar.array import IndexSet
from shim.job.request import UNLIMITED, Request
from shim.job.states import BY_WORD, WAITING, Reason, State

NO_TASK = 4294967294
"""What ``%a`` and ArrayTaskId stand for where there is no array task (Slurm's NO_VAL)."""

NO_PRIORITY = 0
"""The priority of a held job."""

_BY_ITSELF = ("COMPLETED", "FAILED", "OUT_OF_MEMORY")
"""Endings that nobody has brought about."""


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """What all tasks of one array share; the SLURM_ARRAY_TASK_* variables of a task come from here."""

    job_id: int
    minimum: int
    maximum: int
    step: int
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a job holds of one node. Memory in MB; gpus are the device indices of the node's generic resources."""

    node: str
    cpus: int
    memory: int
    gpus: tuple[int, ...] = ()
    gpu_type: str = ""
    tasks: int = 1
    gres: tuple[tuple[str, int], ...] = ()  # other generic resources, by name and count


@dataclass(frozen=True, slots=True)
class Wait:
    """One term of a dependency: ``kind`` is after, afterok, afternotok, afterany, aftercorr or singleton.

    ``task_id`` is None for a plain job or a whole array, ``whole_array`` tells the two apart for display
    (``afterok:484_*``). ``delay`` is minutes (``after:ID+minutes``). ``state`` is unfulfilled or failed; terms
    that are fulfilled are removed, as Slurm does.
    """

    kind: str
    job_id: int = 0
    task_id: int | None = None
    whole_array: bool = False
    delay: int = 0
    state: str = "unfulfilled"

    def __str__(self) -> str:
        if self.kind == "singleton":
            return f"singleton({self.state})"
        task = "_*" if self.whole_array else "" if self.task_id is None else f"_{self.task_id}"
        delay = f"+{self.delay}" if self.delay else ""
        return f"{self.kind}:{self.job_id}{task}{delay}({self.state})"

    @classmethod
    def parse(cls, text: str) -> "Wait":
        """Read what ``str()`` wrote. Raises ValueError on anything else."""
        match = _WAIT.fullmatch(text)
        if not match:
            raise ValueError(text)
        kind, job_id, task, delay, state = match.groups()
        task_id = int(task) if task and task != "*" else None
        return cls(kind, int(job_id or 0), task_id, task == "*", int(delay or 0), state)


_WAIT = re.compile(r"(\w+?)(?::(\d+)(?:_(\d+|\*))?(?:\+(\d+))?)?\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Waits:
    """The dependency of a job as it stands: any of the terms (``?``) or all of them (``,``)."""

    terms: tuple[Wait, ...] = ()
    any: bool = False

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def lost(self) -> bool:
        """True if it can never be fulfilled: one of all terms has failed, or each of the alternatives."""
        failed = [term.state == "failed" for term in self.terms]
        return bool(failed) and (all(failed) if self.any else any(failed))

    def __str__(self) -> str:
        """As ``squeue -o %E`` shows it: ``afterok:12(unfulfilled),after:14+5(failed)``; it parses back."""
        return ("?" if self.any else ",").join(map(str, self.terms))

    @classmethod
    def parse(cls, text: str) -> "Waits":
        """Read what ``str()`` wrote."""
        if not text:
            return NO_WAITS
        return cls(tuple(Wait.parse(term) for term in re.split("[,?]", text)), "?" in text)


NO_WAITS = Waits()


@dataclass(slots=True, eq=False)
class Job:
    """One record of the job table. Times are epoch seconds (0: not yet), memory is MB, limits are minutes."""

    job_id: int
    request: Request
    user_id: int
    user_name: str
    group_id: int
    group_name: str
    submit_time: float
    # storage keys of what was submitted
    script_id: int = 0
    environment_id: int = 0
    request_id: int = 0
    # array
    array: ArrayInfo | None = None
    task_id: int | None = None  # an array task's index
    tasks: IndexSet | None = None  # the pending indices, on the record that stands for the rest of the array
    throttle: int = 0  # most tasks of the array that may run at once, 0: no limit
    # queue
    state: State = State.PENDING
    reason: str = Reason.NONE
    priority: int = 1000
    eligible_time: float = 0
    accrue_time: float = 0
    last_sched_eval: float = 0
    waits: Waits = NO_WAITS
    # placement
    partition: str = ""  # the partition it runs in; while it waits, what was asked for or the default
    shares: tuple[Share, ...] = ()
    node_list: str = ""  # folded names of ``shares``
    time_limit: int = UNLIMITED  # minutes, after the partition's default
    # run
    start_time: float = 0
    end_time: float = 0
    suspend_time: float = 0  # when it was suspended last
    suspended_for: float = 0  # seconds it was suspended in total
    restarts: int = 0
    exit_status: int = 0  # as wait() reports it: code << 8 | signal
    derived_exit_status: int = 0
    cancelled_by: int = -1  # the user id, sacct's "CANCELLED by"
    handle: str = ""  # how the executor finds the run again
    ending: str = ""  # what a run that is being ended will be: CANCELLED, TIMEOUT, REQUEUE, REQUEUE_HOLD ...
    het_job_id: int = 0
    het_job_offset: int = 0
    admin_comment: str = ""
    system_comment: str = ""
    next_step_id: int = 0
    warned: bool = False  # this run has been sent the signal of --signal
    # the batch script's own share of the accounting (its step .batch)
    batch_status: int = 0  # as wait() reports it
    user_seconds: float = 0
    system_seconds: float = 0
    max_rss: int = 0  # KB

    @property
    def array_job_id(self) -> int:
        """The array's id, 0 for a job that is no part of one."""
        return self.array.job_id if self.array else 0

    @property
    def is_array_rest(self) -> bool:
        """True for the one record that stands for all pending tasks of an array."""
        return self.tasks is not None

    @property
    def runs_script(self) -> bool:
        """True for a batch job; of a heterogeneous one for its first component, whose script runs for all of them."""
        return self.request.batch and not self.het_job_offset

    @property
    def pending(self) -> bool:
        """True while the job waits in the queue."""
        return self.state in WAITING

    @property
    def held(self) -> bool:
        """True while a user's or administrator's hold keeps the job from starting (priority 0)."""
        return self.priority == NO_PRIORITY and self.state in WAITING

    @property
    def decided(self) -> bool:
        """True once it is known what becomes of the job, though some of its processes may be left."""
        ending = BY_WORD.get(self.ending) if self.state is State.COMPLETING else self.state
        return ending is not None and ending.finished

    @property
    def script_over(self) -> bool:
        """True where the batch script has ended by itself, and only steps that it has left behind are being ended."""
        return self.state is State.COMPLETING and self.ending in _BY_ITSELF

    @property
    def display_id(self) -> str:
        """The id as Slurm names one job: ``12``, ``12_3``; the rest of an array goes by its plain id."""
        return f"{self.array_job_id}_{self.task_id}" if self.task_id is not None else str(self.job_id)

    def run_time(self, now: float) -> float:
        """Seconds the job has run so far or ran in all, suspended time left out."""
        if not self.start_time or self.pending:
            return 0.0
        end = self.suspend_time if self.state is State.SUSPENDED else self.end_time or now
        return max(0.0, int(end) - int(self.start_time) - self.suspended_for)  # clocks of whole seconds, as Slurm's

    @property
    def cpus(self) -> int:
        """CPUs allocated over all nodes (0 while it waits)."""
        return sum(share.cpus for share in self.shares)


@dataclass(slots=True, eq=False)
class Step:
    """One step of a job for accounting: ``batch``, ``extern`` or a number. CPU times in seconds, memory in KB."""

    job_id: int
    restarts: int
    step_id: str
    name: str
    state: State = State.RUNNING
    start_time: float = 0
    end_time: float = 0
    exit_status: int = 0
    ntasks: int = 1
    cpus: int = 1
    memory: int = 0
    node_list: str = ""
    nodes: int = 1
    user_seconds: float = 0
    system_seconds: float = 0
    max_rss: int = 0
    submit_line: str = ""
    gpus: int = 0
    time_limit: int = UNLIMITED  # minutes
    client: str = ""  # host:process of its srun
    cancelled_by: int = -1  # the user id, sacct's "CANCELLED by"
    placed: str = ""  # where its tasks are and what it holds while it runs (shim.scheduler.stepplacement)
    pids: tuple[int, ...] = ()  # of its tasks while it runs
