"""sstat: what the steps of running jobs use (sstat man page)."""

from collections.abc import Callable
from dataclasses import dataclass

from shim.commands import jobfields
from shim.commands.arguments import Arguments, read_arguments
from shim.commands.call import Call, Exit
from shim.commands.display.printfields import (
    PrintField,
    UnknownField,
    delimited,
    in_columns,
    names_in_lines,
    print_columns,
    shortened,
)
from shim.commands.display.steps import live_steps
from shim.commands.scontrol.targets import parse_job_id, split_jobs
from shim.executor.base import Usage
from shim.grammar.timelimit import format_dhms
from shim.job.record import Job, Step
from shim.options.accounting import SSTAT

_PIDS = "jobid,nodelist,pids"


@dataclass
class Row:
    """A running step and what it uses; None where that cannot be known."""

    job: Job
    step: Step
    usage: Usage | None

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes."""
        return self.step.pids or (self.usage.pids if self.usage else ())


Figure = Callable[[Row, Usage], object]


def _measured(name: str, width: int, figure: Figure) -> PrintField[Row]:
    """A figure that is empty where nothing can be known."""
    return PrintField(name, width, lambda row: figure(row, row.usage) if row.usage else "")


def _max_rss(_: Row, usage: Usage) -> str:
    return f"{usage.max_rss}K"


def _mean_rss(row: Row, usage: Usage) -> str:
    return f"{usage.rss // max(1, row.step.ntasks)}K"


def _mean_cpu(row: Row, usage: Usage) -> str:
    return format_dhms(int(usage.cpu_seconds / max(1, row.step.ntasks)))


def _node(row: Row, _: Usage) -> str:
    """Which node a figure is from: known where there is one task."""
    return jobfields.first_node(row.step.node_list) if row.step.ntasks == 1 else ""


def _task(row: Row, _: Usage) -> str:
    return "0" if row.step.ntasks == 1 else ""


def _tres(_: Row, usage: Usage) -> str:
    return f"cpu={format_dhms(int(usage.cpu_seconds))},energy=0,mem={usage.rss}K"


def _never(name: str, width: int) -> PrintField[Row]:
    """A figure that nobody measures."""
    return PrintField(name, width, lambda _: "")


def _frequency(row: Row) -> str:
    return "0" if row.step.step_id == "batch" else "Unknown"


FIELDS: tuple[PrintField[Row], ...] = (
    _measured("AveCPU", 10, _mean_cpu),
    PrintField("AveCPUFreq", 10, lambda _: "0"),
    _never("AveDiskRead", 12),
    _never("AveDiskWrite", 12),
    _never("AvePages", 10),
    _measured("AveRSS", 10, _mean_rss),
    _never("AveVMSize", 10),
    PrintField("ConsumedEnergy", 14, lambda _: "0"),
    PrintField("ConsumedEnergyRaw", 17, lambda _: "0"),
    PrintField("JobID", 12, lambda row: f"{row.job.display_id}.{row.step.step_id}", left=True),
    _never("MaxDiskRead", 12),
    _never("MaxDiskReadNode", 15),
    _never("MaxDiskReadTask", 15),
    _never("MaxDiskWrite", 12),
    _never("MaxDiskWriteNode", 16),
    _never("MaxDiskWriteTask", 16),
    _never("MaxPages", 8),
    _never("MaxPagesNode", 12),
    _never("MaxPagesTask", 14),
    _measured("MaxRSS", 10, _max_rss),
    _measured("MaxRSSNode", 10, _node),
    _measured("MaxRSSTask", 10, _task),
    _never("MaxVMSize", 10),
    _never("MaxVMSizeNode", 14),
    _never("MaxVMSizeTask", 14),
    _measured("MinCPU", 10, _mean_cpu),
    _measured("MinCPUNode", 10, _node),
    _measured("MinCPUTask", 10, _task),
    PrintField("Nodelist", 20, lambda row: row.step.node_list),
    PrintField("NTasks", 8, lambda row: row.step.ntasks),
    PrintField("Pids", 20, lambda row: ",".join(map(str, row.pids))),
    PrintField("ReqCPUFreq", 13, _frequency),
    PrintField("ReqCPUFreqMin", 13, _frequency),
    PrintField("ReqCPUFreqMax", 13, _frequency),
    PrintField("ReqCPUFreqGov", 13, _frequency),
    *(_measured(f"TRESUsageIn{what}", 14, _tres) for what in ("Ave", "Max")),
    *(_never(f"TRESUsageInMax{where}", 18) for where in ("Node", "Task")),
    _measured("TRESUsageInMin", 14, _tres),
    *(_never(f"TRESUsageInMin{where}", 18) for where in ("Node", "Task")),
    _measured("TRESUsageInTot", 14, _tres),
    *(PrintField[Row](f"TRESUsageOut{what}", 15, lambda _: "energy=0") for what in ("Ave", "Max")),
    *(_never(f"TRESUsageOutMax{where}", 19) for where in ("Node", "Task")),
    PrintField("TRESUsageOutMin", 15, lambda _: "energy=0"),
    *(_never(f"TRESUsageOutMin{where}", 19) for where in ("Node", "Task")),
    PrintField("TRESUsageOutTot", 15, lambda _: "energy=0"),
)
"""In the order of ``--helpformat``."""

_DEFAULT = (
    "jobid,maxvmsize,maxvmsizenode,maxvmsizetask,avevmsize,maxrss,maxrssnode,maxrsstask,averss,maxpages,maxpagesnode,"
    "maxpagestask,avepages,mincpu,mincpunode,mincputask,avecpu,ntasks,avecpufreq,reqcpufreqmin,reqcpufreqmax,"
    "reqcpufreqgov,consumedenergy,maxdiskread,maxdiskreadnode,maxdiskreadtask,avediskread,maxdiskwrite,"
    "maxdiskwritenode,maxdiskwritetask,avediskwrite,tresusageinave,tresusageinmax,tresusageinmaxnode,"
    "tresusageinmaxtask,tresusageinmin,tresusageinminnode,tresusageinmintask,tresusageintot,tresusageoutave,"
    "tresusageoutmax,tresusageoutmaxnode,tresusageoutmaxtask,tresusageoutmin,tresusageoutminnode,tresusageoutmintask,"
    "tresusageouttot"
)


async def run(call: Call) -> int:
    """Run one call of sstat."""
    try:
        arguments = read_arguments(call, SSTAT, hint=False)
        if "helpformat" in arguments.flags:
            call.out(names_in_lines([field.name for field in FIELDS]))
            return 0
        _report(call, arguments)
    except Exit as end:
        return end.code
    return 0


def _report(call: Call, arguments: Arguments) -> None:
    wanted = [word for text in (arguments.given.get("jobs", ""), *arguments.operands) for word in split_jobs(text)]
    if not wanted:
        call.error("You didn't give me any jobs to stat.")
        raise Exit(1)
    text = _PIDS if "pidformat" in arguments.flags else arguments.given.get("format", _DEFAULT)
    try:
        columns = print_columns(text, FIELDS, lambda name: shortened(name, FIELDS))
    except UnknownField as error:
        call.error(f'Invalid field requested: "{error}"')
        raise Exit(1) from None
    complaints: list[str] = []
    rows = [row for word in wanted for row in _rows(call, word, "allsteps" in arguments.flags, complaints)]
    header = "noheader" not in arguments.flags
    if arguments.flags & {"parsable", "parsable2"}:
        call.out(delimited(columns, rows, header=header, last="parsable2" not in arguments.flags))
    else:
        call.out(in_columns(columns, rows, header=header))
    for complaint in complaints:
        call.error(complaint)


def _rows(call: Call, word: str, all_steps: bool, complaints: list[str]) -> list[Row]:
    """The steps that a word of --jobs means: one, all (-a), or the lowest one that has a number."""
    name, dot, step_id = word.partition(".")
    job_id = parse_job_id(name)
    if job_id is None:
        call.err(f"sstat: fatal: Bad job/step specified: {word}")
        raise Exit(1)
    task_id = job_id.tasks.first() if job_id.tasks else None
    jobs = [job for job in call.queue.find(job_id.job_id, task_id) if job.state.active]
    if not call.queue.find(job_id.job_id, task_id):
        complaints.append(f"couldn't get steps for job {name}")
        return []
    rows = [_row(call, job, step) for job in jobs for step in live_steps(call.queue, job)]
    if dot:
        rows = [row for row in rows if row.step.step_id == step_id]
        if not rows:
            complaints.append(f"StepId={word} not found running.")
        return rows
    if not all_steps:
        numbered = [row for row in rows if row.step.step_id.isdecimal()]
        rows = sorted(numbered, key=lambda row: int(row.step.step_id))[:1]
    if not rows:
        complaints.append(f"No steps running for job {name}")
    return rows


def _row(call: Call, job: Job, step: Step) -> Row:
    """A step with its usage: the batch script's is that of the whole job."""
    if step.step_id != "batch" and not step.pids:
        return Row(job, step, None)
    return Row(job, step, call.queue.executor_of(job).usage(job, step.pids))
