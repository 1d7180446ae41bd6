"""Job states and pending reasons, in Slurm's words (squeue man page, JOB STATE CODES and JOB REASON CODES)."""

from enum import Enum, StrEnum


class State(Enum):
    """A job's state: the long word and the compact code."""

    PENDING = ("PENDING", "PD")
    CONFIGURING = ("CONFIGURING", "CF")
    RUNNING = ("RUNNING", "R")
    SUSPENDED = ("SUSPENDED", "S")
    STOPPED = ("STOPPED", "ST")
    COMPLETING = ("COMPLETING", "CG")
    COMPLETED = ("COMPLETED", "CD")
    CANCELLED = ("CANCELLED", "CA")
    FAILED = ("FAILED", "F")
    TIMEOUT = ("TIMEOUT", "TO")
    NODE_FAIL = ("NODE_FAIL", "NF")
    PREEMPTED = ("PREEMPTED", "PR")
    BOOT_FAIL = ("BOOT_FAIL", "BF")
    DEADLINE = ("DEADLINE", "DL")
    OUT_OF_MEMORY = ("OUT_OF_MEMORY", "OOM")
    SPECIAL_EXIT = ("SPECIAL_EXIT", "SE")  # requeued and held, marked for its owner to look at
    # Never a job's state here, but words that --states accepts and that accounting shows for earlier runs.
    REQUEUED = ("REQUEUED", "RQ")
    REQUEUE_HOLD = ("REQUEUE_HOLD", "RH")
    REQUEUE_FED = ("REQUEUE_FED", "RF")
    RESIZING = ("RESIZING", "RS")
    RESV_DEL_HOLD = ("RESV_DEL_HOLD", "RD")
    REVOKED = ("REVOKED", "RV")
    SIGNALING = ("SIGNALING", "SI")
    STAGE_OUT = ("STAGE_OUT", "SO")

    # A state is a dictionary key on every hot path; Enum's own __hash__ is a Python function.
    __hash__ = object.__hash__

    @property
    def code(self) -> str:
        """The compact code, as ``squeue -o %t`` prints it."""
        return self.value[1]

    @property
    def word(self) -> str:
        """The long word, as ``squeue -o %T`` prints it."""
        return self.value[0]

    @property
    def finished(self) -> bool:
        """True once the job is over for good (unless it is requeued)."""
        return self in FINISHED

    @property
    def active(self) -> bool:
        """True while the job holds resources."""
        return self in ACTIVE


FINISHED = frozenset(
    {
        State.COMPLETED,
        State.CANCELLED,
        State.FAILED,
        State.TIMEOUT,
        State.NODE_FAIL,
        State.PREEMPTED,
        State.BOOT_FAIL,
        State.DEADLINE,
        State.OUT_OF_MEMORY,
        State.REVOKED,
    }
)
WAITING = frozenset({State.PENDING, State.SPECIAL_EXIT})
ACTIVE = frozenset({State.CONFIGURING, State.RUNNING, State.SUSPENDED, State.STOPPED, State.COMPLETING})
BY_WORD = {name: state for state in State for name in (state.word, state.code)}


class Reason(StrEnum):
    """Why a job waits, or how it ended (``squeue -o %r``)."""

    NONE = "None"
    PRIORITY = "Priority"
    DEPENDENCY = "Dependency"
    RESOURCES = "Resources"
    PART_NODE_LIMIT = "PartitionNodeLimit"
    PART_TIME_LIMIT = "PartitionTimeLimit"
    PART_DOWN = "PartitionDown"
    PART_INACTIVE = "PartitionInactive"
    PART_CONFIG = "PartitionConfig"
    HELD_ADMIN = "JobHeldAdmin"
    HELD_USER = "JobHeldUser"
    REQUEUED_HELD = "job requeued in held state"
    BAD_CONSTRAINTS = "BadConstraints"
    BEGIN_TIME = "BeginTime"
    LICENSES = "Licenses"
    ARRAY_LIMIT = "JobArrayTaskLimit"
    DEP_NEVER = "DependencyNeverSatisfied"
    REQ_NODE_NOT_AVAIL = "ReqNodeNotAvail"
    RESERVATION = "Reservation"
    LAUNCH_FAILURE = "JobLaunchFailure"
    LAUNCH_FAILED_REQUEUED_HELD = "launch_failed_requeued_held"
    NON_ZERO_EXIT = "NonZeroExitCode"
    TIME_LIMIT = "TimeLimit"
    DEADLINE = "DeadLine"
    OUT_OF_MEMORY = "OutOfMemory"
    NODE_DOWN = "NodeDown"
    NODE_FAIL = "NodeFail"

    __hash__ = str.__hash__


HOLDS = frozenset(
    {
        Reason.HELD_USER,
        Reason.HELD_ADMIN,
        Reason.REQUEUED_HELD,
        Reason.LAUNCH_FAILED_REQUEUED_HELD,
        Reason.BAD_CONSTRAINTS,
    }
)
"""Reasons of jobs that only a release lets go."""
