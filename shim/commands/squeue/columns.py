"""The columns of squeue by letter (--format) and by name (--Format), and the formats it uses by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any

from shim.commands.display.table import Column, always, never, reasons_only, unless_duration
from shim.commands.jobfields import NO_VALUE, switch_wait
from shim.commands.squeue.rows import Row
from shim.commands.squeue.values import NOT_ASKED, JobValues
from shim.grammar.timelimit import format_elapsed

DEFAULT_FORMAT = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
LONG_FORMAT = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R"
START_FORMAT = "%.18i %.9P %.8j %.8u %.2t %.19S %.6D %20Y %R"
STEP_FORMAT = "%.15i %.8j %.9P %.8u %.9M %N"
ALL_JOB_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Value = Callable[[JobValues, Row], object]


@dataclass(frozen=True, slots=True)
class JobColumn:
    """One column: heading, value, and how it is called. Most values are cut to the width of their column."""

    heading: str
    value: Value
    letter: str = ""
    names: tuple[str, ...] = ()  # in lower case
    cuts: Callable[[str], bool] = always
    cut_heading: bool = True

    def bound(self, values: JobValues) -> Column[Row]:
        """The column with values for one report."""
        cuts = values.cuts_ids if self.value is JobValues.display_id else self.cuts
        of_task = self.value in (JobValues.display_id, JobValues.array_task_id)
        return Column(self.heading, MethodType(self.value, values), cuts, self.cut_heading, of_task=of_task)


def _constant(text: str) -> Value:
    return lambda _values, _row: text


def _asked(option: str, otherwise: str = NO_VALUE) -> Value:
    """What the request says of ``option``; a number or a text."""

    def value(_values: JobValues, row: Row) -> Any:
        return getattr(row.job.request, option) or otherwise

    return value


def _extra(option: str, otherwise: str) -> Value:
    """What the request says of an option that only shows up here."""
    return lambda _values, row: row.job.request.extra.get(option) or otherwise


def _switch_wait(_values: JobValues, row: Row) -> str:
    return format_elapsed(switch_wait(row.job.request))


def _delay_boot(_values: JobValues, row: Row) -> str:
    return format_elapsed(60 * int(row.job.request.extra.get("delay_boot") or 0))


def _gpu_extra(option: str) -> Value:
    """What was asked for of GPUs: ``gpu:closest``."""

    def value(_values: JobValues, row: Row) -> str:
        asked = row.job.request.extra.get(option)
        return f"gpu:{asked}" if asked else NOT_ASKED

    return value


def _flag(option: str) -> Value:
    return lambda _values, row: int(getattr(row.job.request, option))


_null, _not_asked, _nothing, _zero = (_constant(text) for text in (NO_VALUE, NOT_ASKED, "", "0"))
_federation = _constant("NA")
V = JobValues

JOB_COLUMNS = (
    JobColumn("ACCOUNT", _asked("account"), "a", ("account",)),
    JobColumn("ACCRUE_TIME", V.accrue_time, "", ("accruetime",)),
    JobColumn("ADMIN_COMMENT", lambda _, row: row.job.admin_comment or NO_VALUE, "", ("admin_comment",)),
    JobColumn("ALLOC_NODES", _asked("submit_host"), "", ("allocnodes",)),
    JobColumn("ALLOC_SID", _asked("alloc_sid", "0"), "", ("allocsid",)),
    JobColumn("ARRAY_JOB_ID", V.array_job_id, "F", ("arrayjobid",)),
    JobColumn("ARRAY_TASK_ID", V.array_task_id, "K", ("arraytaskid",)),
    JobColumn("ASSOC_ID", _zero, "", ("associd",)),
    JobColumn("BATCH_FLAG", _flag("batch"), "", ("batchflag",)),
    JobColumn("EXEC_HOST", V.batch_host, "B", ("batchhost",)),
    JobColumn("BOARDS_PER_NODE", _zero, "", ("boardspernode",)),
    JobColumn("BURST_BUFFER", _extra("bb", NO_VALUE), "", ("burstbuffer",)),
    JobColumn("BURST_BUFFER_STATE", _null, "", ("burstbufferstate",)),
    JobColumn("CLUSTER", V.cluster, "", ("cluster",)),
    JobColumn("CLUSTER_FEATURES", _asked("cluster_constraint"), "", ("clusterfeature",)),
    JobColumn("COMMAND", V.command, "o", ("command",)),
    JobColumn("COMMENT", _asked("comment"), "k", ("comment",)),
    JobColumn("CONTIGUOUS", _flag("contiguous"), "O", ("contiguous",)),
    JobColumn("CONTAINER", _extra("container", NO_VALUE), "", ("container",)),
    JobColumn("CORES_PER_SOCKET", _asked("cores_per_socket", "*"), "I", ("cores",)),
    JobColumn("CORE_SPEC", V.core_spec, "X", ("corespec",)),
    JobColumn("CPUS_PER_TASK", V.cpus_per_task, "", ("cpus-per-task",)),
    JobColumn("CPUS_PER_TRES", V.cpus_per_tres, "", ("cpus-per-tres",)),
    JobColumn("DEADLINE", V.deadline, "", ("deadline",)),
    JobColumn("DELAY_BOOT", _delay_boot, "", ("delayboot",)),
    JobColumn("DEPENDENCY", V.dependency, "E", ("dependency",)),
    JobColumn("DERIVED_EC", V.derived_exit_code, "", ("derivedec",)),
    JobColumn("ELIGIBLE_TIME", V.eligible_time, "", ("eligibletime",)),
    JobColumn("END_TIME", V.end_time, "e", ("endtime",)),
    JobColumn("EXIT_CODE", V.exit_code, "", ("exit_code",)),
    JobColumn("FEATURES", _asked("constraint"), "f", ("feature",)),
    JobColumn("GROUP", V.group, "g", ("groupname",)),
    JobColumn("GROUP", V.group_id, "G", ("groupid",)),
    JobColumn("HET_JOB_ID", V.het_job_id, "", ("hetjobid",)),
    JobColumn("HET_JOB_ID_SET", _not_asked, "", ("hetjobidset",)),
    JobColumn("HET_JOB_OFFSET", V.het_job_offset, "", ("hetjoboffset",)),
    JobColumn("JOBID", V.display_id, "i", ("jobarrayid",)),
    JobColumn("JOBID", V.job_id, "A", ("jobid",)),
    JobColumn("LAST_SCHED_EVAL", V.last_sched_eval, "", ("lastschedeval",)),
    JobColumn("LICENSES", _asked("licenses"), "W", ("licenses",)),
    JobColumn("MAX_CPUS", V.cpus, "", ("maxcpus",)),
    JobColumn("MAX_NODES", V.max_nodes, "", ("maxnodes",)),
    JobColumn("MCSLABEL", _extra("mcs_label", NO_VALUE), "", ("mcslabel",)),
    JobColumn("MEM_PER_TRES", V.memory_per_tres, "", ("mem-per-tres",)),
    JobColumn("MIN_CPUS", V.min_cpus, "c", ("mincpus",)),
    JobColumn("MIN_MEMORY", V.min_memory, "m", ("minmemory",)),
    JobColumn("TIME_MIN", V.time_min, "", ("mintime",)),
    JobColumn("MIN_TMP_DISK", V.min_tmp_disk, "d", ("mintmpdisk",)),
    JobColumn("NAME", V.name, "j", ("name",)),
    JobColumn("NETWORK", _extra("network", NO_VALUE), "", ("network",)),
    JobColumn("NICE", lambda _, row: row.job.request.nice, "y", ("nice",)),
    JobColumn("NODELIST", V.node_list, "N", ("nodelist",), never, cut_heading=False),
    JobColumn("NTASKS_PER_BOARD", _zero, "", ("ntperboard",)),
    JobColumn("NTASKS_PER_CORE", _asked("ntasks_per_core", NOT_ASKED), "", ("ntpercore",)),
    JobColumn("NTASKS_PER_NODE", _asked("ntasks_per_node", "0"), "", ("ntpernode",)),
    JobColumn("NTASKS_PER_SOCKET", _asked("ntasks_per_socket", NOT_ASKED), "", ("ntpersocket",)),
    JobColumn("CPUS", V.cpus, "C", ("numcpus",)),
    JobColumn("NODES", V.nodes, "D", ("numnodes",)),
    JobColumn("TASKS", V.tasks, "", ("numtasks",)),
    JobColumn("ORIGIN", _federation, "", ("origin",)),
    JobColumn("ORIGIN_RAW", _federation, "", ("originraw",)),
    JobColumn("OVER_SUBSCRIBE", V.oversubscribe, "h", ("oversubscribe",)),
    JobColumn("PARTITION", V.partition, "P", ("partition",)),
    JobColumn("PENDING_TIME", V.pending_time, "", ("pendingtime",)),
    JobColumn("PREEMPT_TIME", _not_asked, "", ("preempttime",)),
    JobColumn("PREFER", _asked("prefer"), "", ("prefer",)),
    JobColumn("PRIORITY", V.priority, "p", ("priority",)),
    JobColumn("PRIORITY", lambda _, row: row.job.priority, "Q", ("prioritylong",)),
    JobColumn("PROFILE", _extra("profile", "NotSet"), "", ("profile",)),
    JobColumn("QOS", V.qos, "q", ("qos",)),
    JobColumn("REASON", V.reason, "r", ("reason",)),
    JobColumn("NODELIST(REASON)", V.reason_list, "R", ("reasonlist",), reasons_only, cut_heading=False),
    JobColumn("REBOOT", _zero, "", ("reboot",)),
    JobColumn("REQ_NODES", V.required_nodes, "n", ("reqnodes",), never),
    JobColumn("REQ_SWITCH", _extra("switches", "0"), "", ("reqswitch",)),
    JobColumn("REQUEUE", V.requeue, "", ("requeue",)),
    JobColumn("RESERVATION", _asked("reservation"), "v", ("reservation",)),
    JobColumn("RESIZE_TIME", _not_asked, "", ("resizetime",)),
    JobColumn("RESTART_COUNT", lambda _, row: row.job.restarts, "", ("restartcnt",)),
    JobColumn("SCHEDNODES", V.sched_nodes, "Y", ("schednodes",), never, cut_heading=False),
    JobColumn("S:C:T", V.sct, "z", ("sct",)),
    JobColumn("", _nothing, "s", ("selectjobinfo",)),
    JobColumn("ACTIVE_SIBLINGS", _federation, "", ("siblingsactive",)),
    JobColumn("ACTIVE_SIBLINGS_RAW", _federation, "", ("siblingsactiveraw",)),
    JobColumn("VIABLE_SIBLINGS", _federation, "", ("siblingsviable",)),
    JobColumn("VIALBLE_SIBLINGS_RAW", _federation, "", ("siblingsviableraw",)),
    JobColumn("SOCKETS_PER_NODE", _asked("sockets_per_node", "*"), "H", ("sockets",)),
    JobColumn("SOCKETS_PER_BOARD", _zero, "", ("sperboard",)),
    JobColumn("START_TIME", V.start_time, "S", ("starttime",)),
    JobColumn("STATE", V.state, "T", ("state",)),
    JobColumn("ST", V.state_compact, "t", ("statecompact",)),
    JobColumn("STDERR", V.std_err, "", ("stderr",)),
    JobColumn("STDIN", V.std_in, "", ("stdin",)),
    JobColumn("STDOUT", V.std_out, "", ("stdout",)),
    JobColumn("SUBMIT_TIME", V.submit_time, "V", ("submittime",)),
    JobColumn("SYSTEM_COMMENT", lambda _, row: row.job.system_comment or NO_VALUE, "", ("system_comment",)),
    JobColumn("THREADS_PER_CORE", _asked("threads_per_core", "*"), "J", ("threads",)),
    JobColumn("TIME_LEFT", V.time_left, "L", ("timeleft",), unless_duration),
    JobColumn("TIME_LIMIT", V.time_limit, "l", ("timelimit",), unless_duration),
    JobColumn("TIME", V.time_used, "M", ("timeused",), unless_duration),
    JobColumn("TRES_ALLOC", V.tres, "", ("tres-alloc",)),
    JobColumn("TRES_BIND", _gpu_extra("gpu_bind"), "", ("tres-bind",)),
    JobColumn("TRES_FREQ", _gpu_extra("gpu_freq"), "", ("tres-freq",)),
    JobColumn("TRES_PER_JOB", V.tres_per_job, "", ("tres-per-job",)),
    JobColumn("TRES_PER_NODE", V.tres_per_node, "b", ("tres-per-node",)),
    JobColumn("TRES_PER_SOCKET", V.tres_per_socket, "", ("tres-per-socket",)),
    JobColumn("TRES_PER_TASK", V.tres_per_task, "", ("tres-per-task",)),
    JobColumn("UID", V.user_id, "U", ("userid",)),
    JobColumn("USER", V.user, "u", ("username",)),
    JobColumn("WAIT4SWITCH", _switch_wait, "", ("wait4switch",)),
    JobColumn("WCKEY", _asked("wckey"), "w", ("wckey",)),
    JobColumn("WORK_DIR", _asked("work_dir", ""), "Z", ("workdir",)),
    JobColumn("EXC_NODES", V.excluded_nodes, "x", (), never),
)

BY_LETTER = {column.letter: column for column in JOB_COLUMNS if column.letter}
BY_NAME = {name: column for column in JOB_COLUMNS for name in column.names}
