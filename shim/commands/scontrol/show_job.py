"""``scontrol show job``: one record of the queue in Slurm's words (slurm_sprint_job_info)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from shim.commands import jobfields
from shim.commands.display.jobfiles import std_err, std_in, std_out
from shim.commands.display.size import Size, size_of
from shim.commands.display.times import TimeFormat
from shim.commands.forecasts import Forecasts
from shim.commands.scontrol.allocation import allocation_lines
from shim.commands.scontrol.layout import Line, field, lay_out, optional, or_null, record
from shim.config.settings import Config
from shim.grammar.memory import format_memory
from shim.grammar.timelimit import format_dhms
from shim.job.record import NO_TASK, Job
from shim.job.request import UNLIMITED, Request
from shim.job.states import State
from shim.options.cpu import GOVERNORS


@dataclass(frozen=True)
class Showing:
    """How records are shown in one call of scontrol."""

    config: Config
    now: float
    forecasts: Forecasts
    time: TimeFormat
    oneliner: bool = False
    details: bool = False
    index_limit: int = 64  # characters of a list of task indices, 0: all


@dataclass(frozen=True)
class JobView:
    """A job record as it is shown; ``task_id`` is the task that was asked for of the rest of an array."""

    job: Job
    showing: Showing
    cpu_ids: dict[str, str]  # by node, for the details
    task_id: int | None = None
    components: str = ""  # the ids of a heterogeneous job's components

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.job.request

    @cached_property
    def size(self) -> Size:
        """Its size."""
        return size_of(self.job, self.showing.config)

    @property
    def tasks(self) -> str:
        """ArrayTaskId: an index, or the pending indices with the throttle."""
        job = self.job
        if self.task_id is not None:
            return str(self.task_id)
        if job.tasks is None:
            return "" if job.task_id is None else str(job.task_id)
        if not job.tasks:
            return str(NO_TASK)
        return jobfields.task_list(job.tasks, job.throttle, self.showing.index_limit)

    @property
    def start_time(self) -> float:
        """When it started, or is expected to; 0: nobody knows."""
        return jobfields.expected_start(self.job, self.showing.now, self.showing.forecasts.start(self.job))

    @property
    def end_time(self) -> float:
        """When it ended, or will end at its limit; 0: nobody knows."""
        job, now, forecast = self.job, self.showing.now, self.showing.forecasts.start(self.job)
        unlimited = jobfields.end_text_is_none(job, now, forecast)
        return 0 if unlimited else jobfields.expected_end(job, now, forecast)

    @property
    def num_tasks(self) -> str:
        """NumTasks, which nobody has counted of a job that never came to start."""
        unknown = self.job.state.finished and not self.job.shares and self.request.ntasks is None
        return "N/A" if unknown else str(self.size.tasks)


def show_job(view: JobView) -> str:
    """Return the record as scontrol prints it."""
    lines = lay_out(view, _LINES)
    if view.showing.details and view.job.shares and view.job.state.active:
        lines[_after(lines, "Socks/Node=") : 0] = allocation_lines(view.job, view.cpu_ids)
    return record(lines, view.showing.oneliner, end="blank")


def _after(lines: Sequence[str], start: str) -> int:
    return 1 + next(number for number, line in enumerate(lines) if line.startswith(start))


# -- values ----------------------------------------------------------------------------------------------------------


def exit_code(status: int) -> str:
    """A wait() status as ``code:signal``."""
    return f"{status >> 8 & 0xFF}:{status & 0x7F}"


def _time(get: Callable[[JobView], float], none: str = "Unknown") -> Callable[[JobView], str]:
    return lambda view: view.showing.time(get(view), none)


def limit_text(minutes: int) -> str:
    """A time limit: ``01:00:00``, ``UNLIMITED``."""
    return "UNLIMITED" if minutes == UNLIMITED else format_dhms(minutes * 60)


def _requeue(view: JobView) -> int:
    wanted = view.request.requeue
    return int(view.showing.config.job_requeue if wanted is None else wanted)


def _pre_suspend(view: JobView) -> int:
    """Whole seconds that it had run when it was suspended last."""
    job = view.job
    if not job.suspend_time:
        return 0
    if job.state is State.SUSPENDED:
        return int(job.run_time(view.showing.now))
    return max(0, int(job.suspend_time - job.start_time))


def _constraints_of_cores(view: JobView) -> str:
    """ReqB:S:C:T: boards, sockets, cores and threads; ``*`` is any number."""
    request = view.request
    cores, threads = request.cores_per_socket, request.threads_per_core
    hints = str(request.extra.get("hint") or "").lower().split(",")
    if "memory_bound" in hints:
        cores = cores or 1
    if not {"memory_bound", "compute_bound", "nomultithread"}.isdisjoint(hints):
        threads = threads or 1
    return f"0:0:{cores or '*'}:{threads or '*'}"


def _tasks_per(view: JobView) -> str:
    """NtasksPerN:B:S:C: tasks for each node, board, socket and core."""
    request = view.request
    per_node = request.ntasks_per_node or 0
    return f"{per_node}:0:{request.ntasks_per_socket or '*'}:{request.ntasks_per_core or '*'}"


def _min_memory(view: JobView) -> str:
    request, default = view.request, view.showing.config.def_mem_per_cpu
    if request.mem_per_node is not None:
        return f"MinMemoryNode={format_memory(request.mem_per_node)}"
    per_cpu = request.mem_per_cpu if request.mem_per_cpu is not None else default
    return f"MinMemoryCPU={format_memory(per_cpu)}" if per_cpu else "MinMemoryNode=0"


def _core_spec(view: JobView) -> str:
    request = view.request
    if request.thread_spec is not None:
        return f"ThreadSpec={request.thread_spec}"
    return f"CoreSpec={request.core_spec if request.core_spec is not None else '*'}"


def _extra(name: str) -> Callable[[JobView], object]:
    """An option that is only shown."""
    return lambda view: view.request.extra.get(name, "")


def _switches(view: JobView) -> str:
    number = view.request.extra.get("switches")
    return f"{number}@{format_dhms(jobfields.switch_wait(view.request))}" if number else ""


def _cpu_freq(view: JobView) -> str | None:
    """What --cpu-freq asked for: ``Low-High:OnDemand``, one frequency, or a governor."""
    asked = str(view.request.extra.get("cpu_freq") or "")
    if not asked:
        return None
    speeds, _, governor = asked.partition(":")
    if speeds in GOVERNORS.values():
        return f"Governor={speeds}"
    low, _, high = speeds.rpartition("-")
    least = f"CPU_min_freq={low} " if low else ""
    return f"{least}CPU_max_freq={high} " + (f"Governor={governor}" if governor else "")


def _per_gpu(get: Callable[[Request], int | None]) -> Callable[[JobView], str]:
    def value(view: JobView) -> str:
        number = get(view.request)
        return f"gres:gpu:{number}" if number else ""

    return value


def _mail(view: JobView) -> str | None:
    request = view.request
    if not request.mail_type:
        return None
    return f"MailUser={request.mail_user or view.job.user_name} MailType={','.join(request.mail_type)}"


def _batch_only(value: Callable[[Job, int | None], str]) -> Callable[[JobView], str]:
    return lambda view: value(view.job, view.task_id) if view.request.batch else ""


_LINES: tuple[Line[JobView], ...] = (
    (
        field("JobId", lambda v: v.job.job_id),
        optional("ArrayJobId", lambda v: v.job.array_job_id),
        optional("ArrayTaskId", lambda v: v.tasks),
        optional("ArrayTaskThrottle", lambda v: v.job.array and v.job.throttle),
        optional("HetJobId", lambda v: v.job.het_job_id),
        optional("HetJobOffset", lambda v: str(v.job.het_job_offset) if v.job.het_job_id else ""),
        field("JobName", lambda v: v.request.job_name),
    ),
    (optional("HetJobIdSet", lambda v: v.components),),
    (
        field("UserId", lambda v: f"{v.job.user_name}({v.job.user_id})"),
        field("GroupId", lambda v: f"{v.job.group_name}({v.job.group_id})"),
        field("MCS_label", lambda _: "N/A"),
    ),
    (
        field("Priority", lambda v: v.job.priority),
        field("Nice", lambda v: v.request.nice),
        field("Account", lambda v: or_null(v.request.account)),
        field("QOS", lambda v: v.request.qos or jobfields.DEFAULT_QOS),
    ),
    (
        field("JobState", lambda v: v.job.state.word),
        field("Reason", lambda v: v.job.reason),
        field("Dependency", lambda v: or_null(jobfields.dependency_text(v.job.waits))),
    ),
    (
        field("Requeue", _requeue),
        field("Restarts", lambda v: v.job.restarts),
        field("BatchFlag", lambda v: int(v.request.batch)),
        field("Reboot", lambda _: 0),
        field("ExitCode", lambda v: exit_code(v.job.exit_status)),
    ),
    (lambda v: f"DerivedExitCode={exit_code(v.job.derived_exit_status)}" if v.showing.details else None,),
    (
        field("RunTime", lambda v: format_dhms(int(v.job.run_time(v.showing.now)))),
        field("TimeLimit", lambda v: limit_text(v.job.time_limit)),
        field("TimeMin", lambda v: limit_text(v.request.time_min) if v.request.time_min else "N/A"),
    ),
    (
        field("SubmitTime", _time(lambda v: v.job.submit_time)),
        field("EligibleTime", _time(lambda v: jobfields.eligible_time(v.job))),
    ),
    (field("AccrueTime", _time(lambda v: jobfields.accrue_time(v.job))),),
    (
        field("StartTime", _time(lambda v: v.start_time)),
        field("EndTime", _time(lambda v: v.end_time)),
        field("Deadline", _time(lambda v: v.request.deadline, "N/A")),
    ),
    (
        field("SuspendTime", _time(lambda v: v.job.suspend_time, "None")),
        field("SecsPreSuspend", _pre_suspend),
        field("LastSchedEval", _time(lambda v: v.job.last_sched_eval or v.job.submit_time)),
        field("Scheduler", lambda _: "Main"),
    ),
    (
        field("Partition", lambda v: v.job.partition),
        field("AllocNode:Sid", lambda v: f"{v.request.submit_host}:{v.request.alloc_sid}"),
    ),
    (
        field("ReqNodeList", lambda v: or_null(v.request.nodelist)),
        field("ExcNodeList", lambda v: or_null(v.request.exclude)),
    ),
    (
        field("NodeList", lambda v: v.job.node_list),
        optional("SchedNodeList", lambda v: v.showing.forecasts.nodes(v.job)),
    ),
    (optional("BatchHost", lambda v: v.job.shares and not v.job.pending and v.job.shares[0].node),),
    (
        field("NumNodes", lambda v: v.size.node_range),
        field("NumCPUs", lambda v: v.size.cpus),
        field("NumTasks", lambda v: v.num_tasks),
        field("CPUs/Task", lambda v: v.request.cpus_per_task or 1),
        field("ReqB:S:C:T", _constraints_of_cores),
    ),
    (field("TRES", lambda v: or_null(str(v.size.tres))),),
    (
        field("Socks/Node", lambda v: v.request.sockets_per_node or "*"),
        field("NtasksPerN:B:S:C", _tasks_per),
        _core_spec,
    ),
    (
        field("MinCPUsNode", lambda v: jobfields.min_cpus(v.request)),
        _min_memory,
        field("MinTmpDiskNode", lambda v: format_memory(v.request.tmp or 0)),
    ),
    (
        field("Features", lambda v: or_null(v.request.constraint)),
        field("DelayBoot", lambda v: format_dhms(60 * int(v.request.extra.get("delay_boot") or 0))),
    ),
    (optional("ClusterFeatures", lambda v: v.request.cluster_constraint),),
    (optional("Prefer", lambda v: v.request.prefer),),
    (optional("Reservation", lambda v: v.request.reservation),),
    (
        field("OverSubscribe", lambda v: jobfields.oversubscribe(v.request)),
        field("Contiguous", lambda v: int(v.request.contiguous)),
        field("Licenses", lambda v: or_null(v.request.licenses)),
        field("Network", lambda v: or_null(str(v.request.extra.get("network") or ""))),
    ),
    (field("Command", lambda v: or_null(jobfields.command_line(v.request))),),
    (field("WorkDir", lambda v: v.request.work_dir),),
    (optional("AdminComment", lambda v: v.job.admin_comment, " "),),
    (optional("SystemComment", lambda v: v.job.system_comment, " "),),
    (optional("Comment", lambda v: v.request.comment, " "),),
    (optional("StdErr", _batch_only(std_err)),),
    (optional("StdIn", _batch_only(std_in)),),
    (optional("StdOut", _batch_only(std_out)),),
    (optional("Switches", _switches),),
    (optional("BurstBuffer", _extra("bb")),),
    (_cpu_freq,),
    (field("Power", _extra("power")),),
    (optional("SpreadJob", lambda v: v.request.spread_job and "Yes"),),
    (optional("KillOInInvalidDependent", lambda v: v.request.kill_on_invalid_dep and "Yes"),),
    (optional("CpusPerTres", _per_gpu(lambda r: r.cpus_per_gpu)),),
    (optional("MemPerTres", _per_gpu(lambda r: r.mem_per_gpu)),),
    (optional("TresBind", lambda v: f"gpu:{bind}" if (bind := v.request.extra.get("gpu_bind")) else ""),),
    (optional("TresFreq", lambda v: f"gpu:{freq}" if (freq := v.request.extra.get("gpu_freq")) else ""),),
    (optional("TresPerJob", lambda v: jobfields.tres_of_gpus(v.request.gpus)),),
    (optional("TresPerNode", lambda v: jobfields.tres_per_node(v.request)),),
    (optional("TresPerSocket", lambda v: jobfields.tres_of_gpus(v.request.gpus_per_socket)),),
    (optional("TresPerTask", lambda v: jobfields.tres_of_gpus(v.request.gpus_per_task)),),
    (_mail,),
    (optional("NtasksPerTRES", lambda v: v.request.ntasks_per_gpu),),
    (optional("Container", lambda v: v.request.extra.get("container")),),
)
"""The record, line by line, in the order of slurm_sprint_job_info()."""
