"""The fields of a job that ``scontrol update`` changes (scontrol man page, SPECIFICATIONS FOR UPDATE COMMAND, JOBS).

One declaration for each: its name, how many letters of it are enough, and what its value changes, by the names of
the request or the job record.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from shim.commands.scontrol.specification import BadSpecification
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.mail import parse_mail_types
from shim.grammar.timelimit import parse_time_limit
from shim.grammar.tres import INVALID_TRES, parse_gres
from shim.grammar.when import WhenError, parse_when
from shim.job.errors import Errno, SlurmError
from shim.job.record import NO_PRIORITY, Job
from shim.job.request import UNLIMITED

DEFAULT_NICE = 100
"""What ``nice`` without a value stands for."""

NO_CHANGES = "No changes specified"


@dataclass(frozen=True)
class Situation:
    """What a value may depend on: who asks, when, and which nodes, generic resources and job there are."""

    user_id: int
    now: float
    nodes: frozenset[str]
    job: Job
    gres: frozenset[str]

    @property
    def administrator(self) -> bool:
        """True for root, as in Slurm."""
        return self.user_id == 0


Changes = dict[str, object]
Read = Callable[[str, Situation], Changes]


@dataclass(frozen=True)
class JobField:
    """One field: ``least`` letters of its name are enough. ``administrator``: nobody else may change it."""

    name: str
    least: int
    read: Read
    administrator: bool = False


# -- readers -----------------------------------------------------------------------------------------------------------


def _bad(name: str, value: str) -> BadSpecification:
    return BadSpecification(f"scontrol: error: Invalid {name} value: {value}")


def _text(field: str) -> Read:
    return lambda value, _: {field: value}


def _number(field: str, name: str, least: int = 0) -> Read:
    def read(value: str, _: Situation) -> Changes:
        if not value.isdecimal() or int(value) < least:
            raise _bad(name, value)
        return {field: int(value)}

    return read


def _flag(field: str, name: str, meaning: bool = True) -> Read:
    def read(value: str, _: Situation) -> Changes:
        flags = {"yes": True, "1": True, "no": False, "0": False}
        if value.lower() not in flags:
            raise _bad(name, value)
        return {field: flags[value.lower()] is meaning}

    return read


def _leading_number(value: str) -> int:
    """As C's atoi() reads it."""
    match = re.match(r"\s*([-+]?\d+)", value)
    return int(match[1]) if match else 0


def _nodes(field: str) -> Read:
    def read(value: str, situation: Situation) -> Changes:
        try:
            names = expand_hostlist(value)
        except GrammarError:
            raise SlurmError(Errno.INVALID_NODE_NAME) from None
        if not set(names) <= situation.nodes:
            raise SlurmError(Errno.INVALID_NODE_NAME)
        return {field: value}

    return read


def _refuse(errno: Errno) -> Read:
    def read(_value: str, _situation: Situation) -> Changes:
        raise SlurmError(errno)

    return read


def _refuse_unless_empty(errno: Errno, field: str) -> Read:
    def read(value: str, _: Situation) -> Changes:
        if value:
            raise SlurmError(errno)
        return {field: ""}

    return read


def _moment(field: str) -> Read:
    def read(value: str, situation: Situation) -> Changes:
        try:
            return {field: parse_when(value, situation.now)}
        except WhenError as error:
            raise BadSpecification(*filter(None, (error.explanation, NO_CHANGES))) from None

    return read


# -- single fields -----------------------------------------------------------------------------------------------------


def _time_limit(value: str, situation: Situation) -> Changes:
    """A limit, or with a sign so much more or less than it is now."""
    sign = value[:1] if value[:1] in {"+", "-"} else ""
    try:
        minutes = parse_time_limit(value.removeprefix(sign))
    except GrammarError:
        raise BadSpecification("scontrol: error: Invalid TimeLimit value") from None
    if sign and UNLIMITED not in {minutes, situation.job.time_limit}:
        minutes = max(1, situation.job.time_limit + (minutes if sign == "+" else -minutes))
    elif sign:
        minutes = situation.job.time_limit
    return {"time_limit": minutes}


def _time_min(value: str, _: Situation) -> Changes:
    try:
        return {"time_min": parse_time_limit(value) if value != "0" else None}
    except GrammarError:
        raise BadSpecification("scontrol: error: Invalid TimeMin value") from None


def _end_time(value: str, situation: Situation) -> Changes:
    """The time limit that makes the job end then."""
    try:
        end = parse_when(value, situation.now)
    except WhenError as error:
        raise BadSpecification(*filter(None, (error.explanation, NO_CHANGES))) from None
    if not situation.job.state.active:
        raise SlurmError(Errno.JOB_PENDING, text="Job is not running")
    return {"time_limit": max(1, int(end - situation.job.start_time + 59) // 60)}


def _priority(value: str, situation: Situation) -> Changes:
    if not value.isdecimal():
        raise _bad("Priority", value)
    priority, job = int(value), situation.job
    if priority == job.priority:
        return {"priority": priority}
    if job.held:
        raise SlurmError(Errno.JOB_HELD)  # a release is what ends a hold
    if not situation.administrator:
        if priority > job.priority:
            raise SlurmError(Errno.ACCESS_DENIED)
        if priority != NO_PRIORITY:
            raise SlurmError(Errno.PRIORITY_NOT_LASTING)
    return {"priority": priority}


def _nice(value: str, _: Situation) -> Changes:
    return {"nice": _leading_number(value) if value else DEFAULT_NICE}


def _requeue(value: str, _: Situation) -> Changes:
    if value and not value.isdecimal():
        raise _bad("Requeue", value)
    return {"requeue": bool(_leading_number(value))}


def _num_nodes(value: str, _: Situation) -> Changes:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", value)
    if not match:
        raise BadSpecification(f'scontrol: error: Invalid numeric value "{value}" for requested node count.', code=0)
    low, high = int(match[1]), int(match[2] or match[1])
    if not 0 < low <= high:
        raise SlurmError(Errno.INVALID_NODE_COUNT)
    return {"nodes_min": low, "nodes_max": high}


def _num_cpus(value: str, situation: Situation) -> Changes:
    """CPUs of the whole job; they come as tasks, which is how a job asks for CPUs."""
    match = re.fullmatch(r"(\d+)(?:-\d+)?", value)
    if not match:
        raise BadSpecification(
            f'scontrol: error: Invalid numeric value "{value}" for NumCPUs.',
            f"scontrol: error: Invalid NumCPUs value: {value}",
        )
    if not int(match[1]):
        raise _bad("NumCPUs", value)
    per_task = situation.job.request.cpus_per_task or 1
    return {"ntasks": -(-int(match[1]) // per_task)}


def _num_tasks(value: str, _: Situation) -> Changes:
    if not value.isdecimal():
        raise _bad("NumTasks", value)
    if not int(value):
        raise SlurmError(Errno.BAD_TASK_COUNT)
    return {"ntasks": int(value)}


def _over_subscribe(value: str, situation: Situation) -> Changes:
    choices = {"yes": True, "1": True, "no": False, "0": False}
    if value.lower() not in choices:
        raise _bad("OverSubscribe", value)
    if not situation.administrator:
        raise SlurmError(Errno.ACCESS_DENIED)
    shared = choices[value.lower()]
    return {"oversubscribe": shared, "exclusive": "" if shared else "exclusive"}


def _mail_type(value: str, _: Situation) -> Changes:
    try:
        events = parse_mail_types(value)
    except GrammarError:
        raise BadSpecification(f"Invalid MailType: {value}") from None
    return {"mail_type": tuple(str(event.name) for event in events)}


def _throttle(value: str, situation: Situation) -> Changes:
    """ArrayTaskThrottle; on a job that is no array Slurm accepts it, and there is nothing that it would limit."""
    return {"throttle": max(0, _leading_number(value))} if situation.job.array else {}


def _partition(value: str, _: Situation) -> Changes:
    if not value:
        raise SlurmError(Errno.INVALID_PARTITION_NAME)
    return {"partition": value}


def _deadline(value: str, situation: Situation) -> Changes:
    changes = _moment("deadline")(value, situation)
    if not situation.administrator and situation.job.pending:
        raise SlurmError(Errno.ACCESS_DENIED)
    return changes


def _known(text: str, names: frozenset[str]) -> bool:
    try:
        return all(item.name in names for item in parse_gres(text))
    except GrammarError:
        return False


def _switches(value: str, situation: Situation) -> Changes:
    """How many switches, and the minutes to wait for them."""
    extra: Changes = {"switches": _leading_number(value)}
    if "@" in value:
        try:
            extra["switches_wait"] = parse_time_limit(value.partition("@")[2]) * 60
        except GrammarError:
            raise _bad("Switches", value) from None
    return {"extra": {"switches_wait": 0, **situation.job.request.extra, **extra}}


def _switch_wait(value: str, situation: Situation) -> Changes:
    """The seconds to wait for the switches asked for."""
    return {"extra": {**situation.job.request.extra, "switches_wait": _leading_number(value)}}


def _delay_boot(value: str, situation: Situation) -> Changes:
    try:
        return {"extra": {**situation.job.request.extra, "delay_boot": parse_time_limit(value)}}
    except GrammarError:
        raise _bad("DelayBoot", value) from None


def _gres(field: str, strip: str = "") -> Read:
    """Generic resources: ``gpu:2``; of the fields about GPUs the word ``gpu`` is the field's own."""

    def read(value: str, situation: Situation) -> Changes:
        if not value:
            raise SlurmError(Errno.INVALID_GRES, text=INVALID_TRES)
        text = value.removeprefix("gres:").removeprefix(strip)
        if not strip and not _known(text, situation.gres):
            raise SlurmError(Errno.INVALID_GRES)
        return {field: text}

    return read


FIELDS: tuple[JobField, ...] = (
    JobField("AdminComment", 3, _text("admin_comment"), administrator=True),
    JobField("ArrayTaskThrottle", 10, _throttle),
    JobField("Comment", 3, _text("comment")),
    JobField("Clusters", 8, _refuse(Errno.NOT_SUPPORTED)),
    JobField("ClusterFeatures", 8, _text("cluster_constraint")),
    JobField("TimeLimit", 5, _time_limit),
    JobField("TimeMin", 5, _time_min),
    JobField("Priority", 2, _priority),
    JobField("Prefer", 4, _text("prefer")),
    JobField("SiteFactor", 5, _refuse(Errno.ACCESS_DENIED)),
    JobField("Nice", 2, _nice),
    JobField("CPUsPerTask", 9, _number("cpus_per_task", "CPUsPerTask")),
    JobField("NumCPUs", 6, _num_cpus),
    JobField("NumTasks", 8, _num_tasks),
    JobField("ReqProcs", 8, _num_tasks),
    JobField("Requeue", 4, _requeue),
    JobField("NumNodes", 8, _num_nodes),
    JobField("ReqNodes", 8, _num_nodes),
    JobField("ReqSockets", 4, _number("sockets_per_node", "ReqSockets"), administrator=True),
    JobField("ReqCores", 4, _number("cores_per_socket", "ReqCores"), administrator=True),
    JobField("ReqThreads", 4, _number("threads_per_core", "ReqThreads"), administrator=True),
    JobField("TasksPerNode", 2, _number("ntasks_per_node", "TasksPerNode"), administrator=True),
    JobField("MinCPUsNode", 4, _number("mincpus", "MinCPUsNode")),
    JobField(
        "MinMemoryNode",
        10,
        lambda value, s: {**_number("mem_per_node", "MinMemoryNode")(value, s), "mem_per_cpu": None},
    ),
    JobField(
        "MinMemoryCPU", 10, lambda value, s: {**_number("mem_per_cpu", "MinMemoryCPU")(value, s), "mem_per_node": None}
    ),
    JobField("MinTmpDiskNode", 5, _number("tmp", "MinTmpDiskNode")),
    JobField("Partition", 2, _partition),
    JobField("QOS", 2, _text("qos")),
    JobField("ReservationName", 3, _refuse_unless_empty(Errno.RESERVATION_INVALID, "reservation")),
    JobField("Name", 2, _text("job_name")),
    JobField("JobName", 4, _text("job_name")),
    JobField("WCKey", 1, _text("wckey")),
    JobField("StdOut", 6, _text("std_out")),
    JobField("Switches", 5, _switches),
    JobField("wait-for-switch", 5, _switch_wait),
    JobField("OverSubscribe", 2, _over_subscribe),
    JobField("Shared", 2, _over_subscribe),
    JobField("Contiguous", 3, _flag("contiguous", "Contiguous"), administrator=True),
    JobField("CoreSpec", 4, _number("core_spec", "CoreSpec"), administrator=True),
    JobField("ThreadSpec", 4, _number("thread_spec", "ThreadSpec"), administrator=True),
    JobField("ExcNodeList", 3, _nodes("exclude")),
    JobField("NodeList", 8, _nodes("nodelist")),
    JobField("ReqNodeList", 8, _nodes("nodelist")),
    JobField("Features", 1, _text("constraint")),
    JobField("Gres", 2, _gres("gres")),
    JobField("TresPerJob", 8, _gres("gpus", "gpu:")),
    JobField("TresPerNode", 8, _gres("gres")),
    JobField("TresPerSocket", 8, _gres("gpus_per_socket", "gpu:")),
    JobField("TresPerTask", 8, _gres("gpus_per_task", "gpu:")),
    JobField("Account", 1, _text("account")),
    JobField("BurstBuffer", 1, _refuse(Errno.NOT_SUPPORTED)),
    JobField("Dependency", 1, _text("dependency")),
    JobField("EligibleTime", 2, _moment("begin")),
    JobField("EndTime", 2, _end_time),
    JobField("Reboot", 3, _refuse(Errno.ACCESS_DENIED)),
    JobField("StartTime", 2, _moment("begin")),
    JobField("WorkDir", 2, _text("work_dir")),
    JobField("MailType", 5, _mail_type),
    JobField("MailUser", 5, _text("mail_user")),
    JobField("Licenses", 1, _refuse_unless_empty(Errno.INVALID_LICENSES, "licenses")),
    JobField("Deadline", 3, _deadline),
    JobField("DelayBoot", 3, _delay_boot),
)
"""In the order in which abbreviations are looked up."""
