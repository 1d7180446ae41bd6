"""The fields of sacct: one declaration for each (sacct man page, Job Accounting Fields)."""

from collections.abc import Callable

from shim.commands import jobfields
from shim.commands.display.printfields import (
    Cut,
    PrintColumn,
    PrintField,
    names_in_lines,
    print_columns,
    shortened,
)
from shim.commands.display.steps import layout
from shim.commands.sacct.rows import Row, flags_of, reason_of
from shim.grammar.memory import format_memory
from shim.grammar.timelimit import format_dhms
from shim.job.request import UNLIMITED
from shim.table.rows import exit_code_text

Value = Callable[[Row], object]


def _field_of(
    name: str, width: int, job: Value, step: Value, cut: Cut = Cut.MARKED, left: bool = False
) -> PrintField[Row]:
    """One field: what it says of a job and of a step."""
    return PrintField(name, width, lambda row: step(row) if row.step else job(row), cut, left)


def _nothing(_: Row) -> str:
    return ""


def _constant(text: str) -> Value:
    return lambda _: text


def _field(name: str, width: int, both: Value, cut: Cut = Cut.MARKED) -> PrintField[Row]:
    return _field_of(name, width, both, both, cut)


def _job(name: str, width: int, value: Value, cut: Cut = Cut.MARKED) -> PrintField[Row]:
    """A field that steps leave empty."""
    return _field_of(name, width, value, _nothing, cut)


def _step(name: str, width: int, value: Value, cut: Cut = Cut.MARKED) -> PrintField[Row]:
    """A field that jobs leave empty."""
    return _field_of(name, width, _nothing, value, cut)


def _measured(name: str, width: int, value: Value) -> PrintField[Row]:
    """A figure of a step whose processes were measured."""
    return _step(name, width, lambda row: value(row) if row.measured else "")


def _of_one_task(name: str, width: int, value: Value) -> PrintField[Row]:
    """Which task or node a figure is from: known where there is one task."""
    return _measured(name, width, lambda row: value(row) if row.step and row.step.ntasks == 1 else "")


def _never(name: str, width: int) -> PrintField[Row]:
    """A figure that nobody measures."""
    return _field(name, width, _nothing)


# -- how values are written --------------------------------------------------------------------------------------------

_UNITS = "KMGTP"


def size_text(kilobytes: float, unit: str, whole: str = "K") -> str:
    """A size in the unit asked for with two decimals (--units), else in ``whole`` units."""
    if not unit or unit == whole:
        divisor = 1024 ** _UNITS.index(whole)
        return f"{kilobytes / divisor:.0f}{whole}" if kilobytes else "0"
    size = kilobytes / 1024 ** _UNITS.index(unit)
    return f"{size:.0f}{unit}" if unit == "K" else f"{size:.2f}{unit}"


def memory_text(megabytes: int, unit: str) -> str:
    """Memory of a job: ``200M``, or in the unit asked for."""
    return size_text(megabytes * 1024, unit, "M") if unit else format_memory(megabytes)


def cpu_time(seconds: float) -> str:
    """CPU time with milliseconds where it is below an hour: ``00:01.250``, ``01:02:03``."""
    milliseconds = int(seconds * 1000)
    whole, fraction = divmod(milliseconds, 1000)
    if whole >= 3600 or not fraction:
        return format_dhms(whole)
    return f"{whole // 60:02}:{whole % 60:02}.{fraction:03}"


def _tres_text(row: Row, *, requested: bool = False) -> str:
    tres = row.requested if requested else row.allocated
    return tres.sorted(memory_text(tres.memory, row.showing.unit) if tres.memory else "")


def _when(get: Callable[[Row], float]) -> Value:
    return lambda row: row.showing.time(get(row))


def _time_limit(row: Row, write: Callable[[int], object]) -> object:
    job = row.job
    if job.time_limit != UNLIMITED:
        return write(job.time_limit)
    return "Partition_Limit" if job.pending or not job.shares else "UNLIMITED"


def _usage_text(row: Row) -> str:
    step = row.step
    if not step or not step.end_time:
        return ""
    if not row.measured:
        return "energy=0"
    return f"cpu={format_dhms(int(_cpu(row)))},energy=0,mem={step.max_rss}K"


def _usage_place(get: Callable[[Row], object]) -> Value:
    return lambda row: f"cpu={get(row)},mem={get(row)}"


def _cpu(row: Row) -> float:
    return row.user_seconds + row.system_seconds


def _energy(row: Row) -> str:
    """Of a job it is the sum over its steps, which Slurm leaves out where there is just one."""
    shown = row.end if row.step else len(row.steps) != 1
    return "0" if shown else ""


def _first_node(row: Row) -> str:
    return jobfields.first_node(row.step.node_list) if row.step else ""


def _rss(row: Row) -> str:
    return size_text(row.step.max_rss if row.step else 0, row.showing.unit)


def _mean_cpu(row: Row) -> str:
    return format_dhms(int(_cpu(row) / (row.step.ntasks if row.step else 1)))


def _after_start(row: Row, text: str) -> str:
    return text if row.step is None or row.step.end_time else ""


def _frequency(row: Row) -> str:
    return "0" if row.step and row.step.step_id == "batch" else "Unknown"


def _layout(row: Row) -> str:
    return layout(row.step) if row.step else ""


def _span(seconds: int) -> str:
    return format_dhms(seconds) if seconds >= 0 else "INVALID"


def _start(row: Row) -> str:
    return row.showing.time(row.start, none="None" if row.end else "Unknown")


_CPUS = (lambda row: row.cpus, Cut.NEVER)
_TRES_NAMES = tuple(
    f"TRESUsage{way}{what}{where}"
    for way in ("In", "Out")
    for what, where in (
        ("Ave", ""), ("Max", ""), ("Max", "Node"), ("Max", "Task"), ("Min", ""), ("Min", "Node"), ("Min", "Task"),
        ("Tot", ""),
    )
)  # fmt: skip


def _tres_usage(name: str) -> PrintField[Row]:
    """One of the TRESUsage fields: what went in is measured, what went out is not."""
    width = {"In": 14, "Out": 15}["Out" if "Out" in name else "In"] + (4 if name.endswith(("Node", "Task")) else 0)
    if name.endswith("Node"):
        return _of_one_task(name, width, _usage_place(_first_node)) if "In" in name[9:11] else _never(name, width)
    if name.endswith("Task"):
        return _of_one_task(name, width, _usage_place(lambda _: 0)) if "In" in name[9:11] else _never(name, width)
    if "Out" in name:
        return _step(name, width, lambda row: _after_start(row, "energy=0"))
    return _step(name, width, _usage_text)


FIELDS: tuple[PrintField[Row], ...] = (
    _field("Account", 10, lambda row: row.job.request.account),
    _job("AdminComment", 15, lambda row: row.job.admin_comment),
    _field("AllocCPUS", 10, *_CPUS),
    _field_of("AllocNodes", 10, lambda row: len(row.job.shares), lambda row: row.step and row.step.nodes, Cut.NEVER),
    _field("AllocTRES", 10, _tres_text),
    _field("AssocID", 7, _constant("1")),
    _measured("AveCPU", 10, _mean_cpu),
    _step("AveCPUFreq", 10, lambda row: _after_start(row, "0")),
    _never("AveDiskRead", 14),
    _never("AveDiskWrite", 14),
    _never("AvePages", 10),
    _measured("AveRSS", 10, _rss),
    _never("AveVMSize", 10),
    _never("BlockID", 16),
    _field("Cluster", 10, lambda row: row.showing.config.cluster_name),
    _job("Comment", 14, lambda row: row.job.request.comment),
    _job("Constraints", 19, lambda row: row.job.request.constraint),
    _field("ConsumedEnergy", 14, _energy),
    _field("ConsumedEnergyRaw", 17, _energy),
    _field("Container", 19, lambda row: row.job.request.extra.get("container") or ""),
    _field("CPUTime", 10, lambda row: format_dhms(row.elapsed * row.cpus), Cut.HARD),
    _field("CPUTimeRAW", 10, lambda row: row.elapsed * row.cpus, Cut.NEVER),
    _field_of("DBIndex", 10, lambda row: row.job.job_id, lambda row: row.job.job_id, Cut.NEVER, left=True),
    _job("DerivedExitCode", 15, lambda row: exit_code_text(row.derived_exit_status)),
    _field("Elapsed", 10, lambda row: format_dhms(row.elapsed), Cut.HARD),
    _field("ElapsedRaw", 10, lambda row: row.elapsed, Cut.NEVER),
    _field_of("Eligible", 19, _when(lambda row: row.eligible), _when(lambda row: row.start), Cut.HARD),
    _field("End", 19, _when(lambda row: row.end), Cut.HARD),
    _field("ExitCode", 8, lambda row: row.exit_code),
    _job("Flags", 19, lambda row: ",".join(flags_of(row.job))),
    _job("GID", 6, lambda row: row.job.group_id, Cut.NEVER),
    _job("Group", 9, lambda row: row.job.group_name),
    _field_of("JobID", 12, lambda row: row.job_id, lambda row: row.job_id, left=True),
    _field_of("JobIDRaw", 12, lambda row: row.raw_job_id, lambda row: row.raw_job_id, left=True),
    _field_of("JobName", 10, lambda row: row.job.request.job_name, lambda row: row.step.name if row.step else ""),
    _step("Layout", 9, _layout),
    _never("MaxDiskRead", 12),
    _never("MaxDiskReadNode", 15),
    _never("MaxDiskReadTask", 15),
    _never("MaxDiskWrite", 12),
    _never("MaxDiskWriteNode", 16),
    _never("MaxDiskWriteTask", 16),
    _never("MaxPages", 8),
    _never("MaxPagesNode", 12),
    _never("MaxPagesTask", 14),
    _measured("MaxRSS", 10, _rss),
    _of_one_task("MaxRSSNode", 10, _first_node),
    _of_one_task("MaxRSSTask", 10, _constant("0")),
    _never("MaxVMSize", 10),
    _never("MaxVMSizeNode", 14),
    _never("MaxVMSizeTask", 14),
    _never("McsLabel", 12),
    _measured("MinCPU", 10, _mean_cpu),
    _of_one_task("MinCPUNode", 10, _first_node),
    _of_one_task("MinCPUTask", 10, _constant("0")),
    _field("NCPUS", 10, *_CPUS),
    _field_of("NNodes", 8, lambda row: row.size.nodes, lambda row: row.step and row.step.nodes, Cut.NEVER),
    _field_of(
        "NodeList",
        15,
        lambda row: row.job.node_list or "None assigned",
        lambda row: row.step.node_list if row.step else "",
    ),
    _step("NTasks", 8, lambda row: row.step.ntasks if row.step else "", Cut.NEVER),
    _job("Partition", 10, lambda row: row.job.partition),
    _job("Priority", 10, lambda row: row.job.priority, Cut.NEVER),
    _job("QOS", 10, lambda row: row.job.request.qos or jobfields.DEFAULT_QOS),
    _job("QOSRAW", 6, _constant("1"), Cut.NEVER),
    _job("Reason", 22, lambda row: reason_of(row.job)),
    _field("ReqCPUFreq", 10, _frequency),
    _field("ReqCPUFreqGov", 13, _frequency),
    _field("ReqCPUFreqMax", 13, _frequency),
    _field("ReqCPUFreqMin", 13, _frequency),
    _field_of("ReqCPUS", 8, lambda row: row.requested.cpus, lambda row: row.cpus, Cut.NEVER),
    _job("ReqMem", 10, lambda row: memory_text(row.requested.memory, row.showing.unit)),
    _field_of("ReqNodes", 8, lambda row: row.requested.nodes, lambda row: row.step and row.step.nodes, Cut.NEVER),
    _job("ReqTRES", 10, lambda row: _tres_text(row, requested=True)),
    _job("Reservation", 20, lambda row: row.job.request.reservation),
    _never("ReservationId", 8),
    _job("Reserved", 10, lambda row: _span(row.reserved), Cut.HARD),
    _job("ResvCPU", 10, lambda row: _span(row.reserved * row.requested.cpus), Cut.HARD),
    _job("ResvCPURAW", 10, lambda row: row.reserved * row.requested.cpus % 2**32, Cut.NEVER),
    _field("Start", 19, _start, Cut.HARD),
    _field("State", 10, lambda row: row.state),
    _field_of("Submit", 19, _when(lambda row: row.job.submit_time), _when(lambda row: row.start), Cut.HARD),
    _field_of(
        "SubmitLine", 20, lambda row: row.job.request.submit_line, lambda row: row.step.submit_line if row.step else ""
    ),
    _field("Suspended", 10, lambda row: format_dhms(row.suspended), Cut.HARD),
    _job("SystemComment", 15, lambda row: row.job.system_comment),
    _field("SystemCPU", 10, lambda row: cpu_time(row.system_seconds), Cut.HARD),
    _job("Timelimit", 10, lambda row: _time_limit(row, lambda minutes: format_dhms(minutes * 60))),
    _job("TimelimitRaw", 10, lambda row: _time_limit(row, str)),
    _field("TotalCPU", 10, lambda row: cpu_time(_cpu(row)), Cut.HARD),
    *(_tres_usage(name) for name in _TRES_NAMES),
    _job("UID", 6, lambda row: row.job.user_id, Cut.NEVER),
    _job("User", 9, lambda row: row.job.user_name),
    _field("UserCPU", 10, lambda row: cpu_time(row.user_seconds), Cut.HARD),
    _job("WCKey", 10, lambda row: row.job.request.wckey),
    _job("WCKeyID", 10, _constant("0"), Cut.NEVER),
    _job("WorkDir", 20, lambda row: row.job.request.work_dir),
)
"""In the order of ``--helpformat``."""

DEFAULT = "jobid,jobname,partition,account,alloccpus,state,exitcode"
BRIEF = "jobid,state,exitcode"
LONG = (
    "jobid,jobidraw,jobname,partition,maxvmsize,maxvmsizenode,maxvmsizetask,avevmsize,maxrss,maxrssnode,maxrsstask,"
    "averss,maxpages,maxpagesnode,maxpagestask,avepages,mincpu,mincpunode,mincputask,avecpu,ntasks,alloccpus,elapsed,"
    "state,exitcode,avecpufreq,reqcpufreqmin,reqcpufreqmax,reqcpufreqgov,reqmem,consumedenergy,maxdiskread,"
    "maxdiskreadnode,maxdiskreadtask,avediskread,maxdiskwrite,maxdiskwritenode,maxdiskwritetask,avediskwrite,reqtres,"
    "alloctres,tresusageinave,tresusageinmax,tresusageinmaxnode,tresusageinmaxtask,tresusageinmin,tresusageinminnode,"
    "tresusageinmintask,tresusageintot,tresusageoutmax,tresusageoutmaxnode,tresusageoutmaxtask,tresusageoutave,"
    "tresusageouttot"
)


def help_format() -> str:
    """What --helpformat prints."""
    return names_in_lines([field.name for field in FIELDS])


def columns(text: str) -> list[PrintColumn[Row]]:
    """The columns of a format. Raises UnknownField."""
    return print_columns(text, FIELDS, lambda name: shortened(name, FIELDS), "all")
