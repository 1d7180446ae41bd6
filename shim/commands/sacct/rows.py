"""The rows of sacct: a run of a job, or one of its steps, with what accounting says of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from shim.commands.display.size import Size, requested_tres, size_of
from shim.commands.display.times import TimeFormat
from shim.commands.display.tres import Tres, gres_of, tres_of_shares
from shim.config.settings import Config
from shim.job.record import Job, Step
from shim.job.states import BY_WORD, Reason, State
from shim.scheduler.need import need_of

RUNNING = frozenset({State.RUNNING, State.COMPLETING, State.CONFIGURING, State.STOPPED})
"""All these are RUNNING to accounting: what is more is a flag that only the controller keeps."""

NOT_ACCOUNTED = frozenset(
    {
        State.CONFIGURING, State.COMPLETING, State.STOPPED, State.SPECIAL_EXIT, State.SIGNALING, State.STAGE_OUT,
        State.REQUEUE_FED, State.REQUEUE_HOLD, State.RESV_DEL_HOLD,
    }
)  # fmt: skip
"""States that only the controller knows."""

JOB_FLAGS = frozenset({"none", "schedsubmit", "schedmain", "schedbackfill", "startrecieved"})
"""What accounting notes of how jobs start, in lower case (sacct man page, --flags); the spelling is Slurm's own."""

_ENDED_BY_CONTROLLER = {State.CANCELLED, State.TIMEOUT}


def accounted_state(job: Job) -> State:
    """The state as accounting knows it; clients such as submitit and TorchX expect no others of it."""
    ending = BY_WORD.get(job.ending)
    if job.state is State.COMPLETING and ending and ending.finished:
        return ending  # accounting is told when the end begins
    return State.RUNNING if job.state in RUNNING else job.state


@dataclass(frozen=True)
class Showing:
    """What values depend on besides the row. ``window`` is what -T cuts times to: (start, end) in epoch seconds."""

    config: Config
    now: float
    time: TimeFormat
    unit: str = ""  # K, M, G, T or P for all sizes, "": the largest that fits
    window: tuple[float, float] | None = None


@dataclass
class Run:
    """One run of a job and its steps, the batch script first."""

    job: Job
    steps: Sequence[Step] = ()


@dataclass
class Row:
    """One line: a job, or a step of it."""

    job: Job
    showing: Showing
    step: Step | None = None
    steps: Sequence[Step] = field(default=())  # of the job, for its sums

    # -- names ---------------------------------------------------------------------------------------------------------

    @property
    def job_id(self) -> str:
        """``12``, ``12_3``, ``12_[4-9%2]``, ``12+1``; a step adds its own name: ``12_3.batch``."""
        job = self.job
        if job.tasks:
            throttle = f"%{job.throttle}" if job.throttle else ""
            text = f"{job.array_job_id}_[{job.tasks.display()}{throttle}]"
        elif job.het_job_id:
            text = f"{job.het_job_id}+{job.het_job_offset}"
        else:
            text = job.display_id
        return f"{text}.{self.step.step_id}" if self.step else text

    @property
    def raw_job_id(self) -> str:
        """The number the record goes by."""
        return f"{self.job.job_id}.{self.step.step_id}" if self.step else str(self.job.job_id)

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """The state's long word; what was cancelled names who did it."""
        state = self._step_state(self.step) if self.step else accounted_state(self.job)
        by = (self.step or self.job).cancelled_by
        return f"{state.word} by {by}" if state is State.CANCELLED and by >= 0 else state.word

    def _step_state(self, step: Step) -> State:
        """Steps that are not over when their job is are cancelled with it."""
        return State.CANCELLED if step.state in RUNNING and accounted_state(self.job).finished else step.state

    @property
    def exit_code(self) -> str:
        """``code:signal``; codes wrap at 128, as they do in Slurm's accounting."""
        if self.step:
            return accounted(self.step.exit_status)
        return "0:0" if accounted_state(self.job) in _ENDED_BY_CONTROLLER else accounted(self.job.exit_status)

    @property
    def derived_exit_status(self) -> int:
        """The worst status of the numbered steps, as wait() reports it. Accounting learns it when the job ends: steps
        that outlive that moment come too late.
        """
        ended = [step for step in self.steps if step.step_id.isdigit() and 0 < step.end_time <= self.job.end_time]
        return max((step.exit_status for step in ended), default=0)

    # -- times ---------------------------------------------------------------------------------------------------------

    @property
    def start(self) -> float:
        """When it started; 0: not yet."""
        if self.step:
            start = self.step.start_time
        elif self.job.pending:
            return 0
        else:
            start = self.job.start_time if self.job.shares else 0
        return max(start, self.showing.window[0]) if self.showing.window and start else start

    @property
    def end(self) -> float:
        """When it ended; 0: not yet."""
        end = 0 if self.job.pending else self.job.end_time
        if self.step and (self.step.end_time or not accounted_state(self.job).finished):
            end = self.step.end_time
        return min(end, self.showing.window[1]) if self.showing.window and end else end

    @property
    def elapsed(self) -> int:
        """Whole seconds it has run, suspended time left out."""
        if not self.start:
            return 0
        until = self.end or (self.showing.window[1] if self.showing.window else self.showing.now)
        if self.job.state is State.SUSPENDED and not self.end:
            until = self.job.suspend_time
        return max(0, int(until) - int(self.start) - self.suspended)

    @property
    def suspended(self) -> int:
        """Whole seconds it was suspended."""
        return int(self.job.suspended_for)

    @property
    def eligible(self) -> float:
        """When it could start, or can at the earliest; 0: nobody knows."""
        begin = 0 if self.job.shares else self.job.request.begin
        return max(begin, self.job.eligible_time)

    @property
    def reserved(self) -> int:
        """Whole seconds it waited after it could have started; negative before then, and if it never started."""
        if not self.eligible:
            return 0
        until = self.start if self.start or not self.job.pending else self.showing.now
        return int(until) - int(self.eligible)

    @property
    def user_seconds(self) -> float:
        """CPU seconds spent in user mode; of a job over all its steps."""
        return self.step.user_seconds if self.step else sum(step.user_seconds for step in self.steps)

    @property
    def system_seconds(self) -> float:
        """CPU seconds spent in the kernel; of a job over all its steps."""
        return self.step.system_seconds if self.step else sum(step.system_seconds for step in self.steps)

    # -- size ----------------------------------------------------------------------------------------------------------

    @cached_property
    def size(self) -> Size:
        """The size of the job."""
        return size_of(self.job, self.showing.config)

    @cached_property
    def requested(self) -> Tres:
        """What the job asked for."""
        return requested_tres(need_of(self.job.request, self.showing.config), self.showing.config)

    @property
    def allocated(self) -> Tres:
        """What it was given."""
        step = self.step
        if step is None:
            return tres_of_shares(self.job.shares)
        kinds = [kind for share in self.job.shares for kind in (share.gpu_type,) * len(share.gpus)]
        return Tres(step.cpus, step.memory, step.nodes, 0, gres_of(kinds[: step.gpus]))

    @property
    def cpus(self) -> int:
        """CPUs it was given, or of a waiting job asked for."""
        return self.step.cpus if self.step else self.size.cpus

    @property
    def measured(self) -> bool:
        """True for a step that is over and whose processes were measured."""
        step = self.step
        return bool(step and step.end_time and (step.max_rss or step.user_seconds or step.system_seconds))


def flags_of(job: Job) -> list[str]:
    """What accounting notes of how the job started: see JOB_FLAGS."""
    return ["SchedMain", "StartRecieved"] if job.shares else ["StartRecieved"]


def reason_of(job: Job) -> str:
    """Why it did not start at once: accounting learns of what keeps a job, not of how the queue moves after that."""
    return "None" if job.shares or job.reason in {Reason.PRIORITY, Reason.RESOURCES} else job.reason


def accounted(status: int) -> str:
    """A wait() status as Slurm's accounting keeps it."""
    return f"{(status >> 8 & 0xFF) % 128}:{status & 0x7F}"
