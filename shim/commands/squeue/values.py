"""What squeue's columns say about one row (squeue man page, --format and --Format)."""
# ruff: noqa: D102 - each method is named after its column, whose meaning is in the man page

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shim.commands import jobfields
from shim.commands.display.size import Size, node_count, size_of
from shim.commands.display.table import always
from shim.commands.display.times import TimeFormat
from shim.commands.forecasts import Forecasts
from shim.commands.jobfields import NO_VALUE, expected_end, expected_start
from shim.commands.squeue.rows import Row
from shim.grammar.hostlist import expand_hostlist, fold_hostlist
from shim.grammar.indexset import DISPLAY_LIMIT
from shim.grammar.memory import format_memory
from shim.grammar.timelimit import format_elapsed, format_time_limit
from shim.job.request import UNLIMITED
from shim.job.states import State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

NOT_ASKED = "N/A"
PRIORITY_UNIT = 0xFFFFFFFF
STATE_WORDS = {state: state.word for state in State}
STATE_CODES = {state: state.code for state in State}
"""What the properties of a state say; a member of an Enum takes three times as long to say it."""


class JobValues:
    """Values of rows at one moment, for one caller: ``env`` holds its SLURM_BITSTR_LEN, SLURM_TIME_FORMAT and TZ."""

    def __init__(
        self, queue: "Queue", now: float, env: Mapping[str, str], forecasts: Forecasts, *, convert: bool = True
    ) -> None:
        self._forecasts = forecasts
        self._need = queue.need
        self._config = queue.config
        self._now = now
        self._times = TimeFormat(env)
        self._convert = convert
        self._list_limit = jobfields.list_limit(env)
        self._elapsed: dict[int, str] = {}

    @property
    def cuts_ids(self) -> Callable[[str], bool]:
        """Which ids are cut to their column: those of arrays stick out where the caller named a length for them."""
        return always if self._list_limit is None else _no_list

    def _when(self, epoch: float) -> str:
        return self._times(epoch, NOT_ASKED)

    def _size(self, row: Row) -> Size:
        return size_of(row.job, self._config, self._need(row.job))

    def _task_text(self, row: Row) -> str:
        if row.task_text is not None:
            return row.task_text
        assert row.tasks is not None
        limit = DISPLAY_LIMIT if self._list_limit is None else self._list_limit
        return jobfields.task_list(row.tasks, row.job.throttle, limit)

    # identity

    def job_id(self, row: Row) -> object:
        return row.job.job_id

    def display_id(self, row: Row) -> object:
        """``12``, ``12_3``, ``12_[4-9%2]`` or ``12+1``."""
        job = row.job
        if row.tasks is not None:
            return jobfields.array_id(job.array_job_id, self._task_text(row), self._list_limit)
        if row.task_id is not None:
            return f"{job.array_job_id}_{row.task_id}"
        if job.het_job_id:
            return f"{job.het_job_id}+{job.het_job_offset}"
        return job.job_id

    def array_job_id(self, row: Row) -> object:
        return row.job.array_job_id or row.job.job_id

    def array_task_id(self, row: Row) -> object:
        if row.tasks is not None:
            return self._task_text(row)
        return NOT_ASKED if row.task_id is None else row.task_id

    def het_job_id(self, row: Row) -> object:
        return row.job.het_job_id or NOT_ASKED

    def het_job_offset(self, row: Row) -> object:
        return row.job.het_job_offset if row.job.het_job_id else NOT_ASKED

    def cluster(self, _row: Row) -> object:
        return self._config.cluster_name

    # state

    def state(self, row: Row) -> object:
        return STATE_WORDS[row.job.state]

    def state_compact(self, row: Row) -> object:
        return STATE_CODES[row.job.state]

    def reason(self, row: Row) -> object:
        return row.reason

    def reason_list(self, row: Row) -> object:
        return jobfields.nodes_or_reason(row.job, row.reason)

    def priority(self, row: Row) -> object:
        return f"{row.job.priority / PRIORITY_UNIT:16.14f}"

    def exit_code(self, row: Row) -> object:
        return row.job.exit_status

    def derived_exit_code(self, row: Row) -> object:
        return row.job.derived_exit_status

    def requeue(self, row: Row) -> object:
        requeue = row.job.request.requeue
        return int(self._config.job_requeue if requeue is None else requeue)

    def dependency(self, row: Row) -> object:
        return jobfields.dependency_text(row.job.waits) or NO_VALUE

    # times

    def start_time(self, row: Row) -> object:
        return self._when(expected_start(row.job, self._now, self._forecasts.start(row.job)))

    def end_time(self, row: Row) -> object:
        forecast = self._forecasts.start(row.job)
        if jobfields.end_text_is_none(row.job, self._now, forecast):
            return "NONE"
        return self._when(expected_end(row.job, self._now, forecast))

    def submit_time(self, row: Row) -> object:
        return self._when(row.job.submit_time)

    def eligible_time(self, row: Row) -> object:
        return self._when(jobfields.eligible_time(row.job))

    def accrue_time(self, row: Row) -> object:
        return self._when(jobfields.accrue_time(row.job))

    def deadline(self, row: Row) -> object:
        return self._when(row.job.request.deadline)

    def last_sched_eval(self, row: Row) -> object:
        return self._when(row.job.last_sched_eval)

    def pending_time(self, row: Row) -> object:
        job = row.job
        until = self._now if job.pending or not job.start_time else job.start_time
        return max(0, int(until) - int(job.submit_time))

    def time_used(self, row: Row) -> object:
        seconds = int(row.job.run_time(self._now))
        text = self._elapsed.get(seconds)
        if text is None:
            text = self._elapsed[seconds] = format_elapsed(seconds)
        return text

    def time_limit(self, row: Row) -> object:
        return format_time_limit(row.job.time_limit)

    def time_left(self, row: Row) -> object:
        if row.job.time_limit == UNLIMITED:
            return "UNLIMITED"
        return format_elapsed(row.job.time_limit * 60 - int(row.job.run_time(self._now)))

    def time_min(self, row: Row) -> object:
        return format_elapsed((row.job.request.time_min or 0) * 60)

    # who and what

    def user(self, row: Row) -> object:
        return row.job.user_name

    def user_id(self, row: Row) -> object:
        return row.job.user_id

    def group(self, row: Row) -> object:
        return row.job.group_name

    def group_id(self, row: Row) -> object:
        return row.job.group_id

    def name(self, row: Row) -> object:
        return row.job.request.job_name

    def partition(self, row: Row) -> object:
        return row.partition

    def qos(self, row: Row) -> object:
        return row.job.request.qos or jobfields.DEFAULT_QOS

    def command(self, row: Row) -> object:
        return jobfields.command_line(row.job.request) or NO_VALUE

    def std_out(self, row: Row) -> object:
        return jobfields.raw_std_out(row.job)

    def std_err(self, row: Row) -> object:
        return jobfields.raw_std_err(row.job)

    def std_in(self, row: Row) -> object:
        return jobfields.raw_std_in(row.job)

    # size

    def nodes(self, row: Row) -> object:
        return node_count(row.job, self._config, self._need(row.job))

    def max_nodes(self, row: Row) -> object:
        size = self._size(row)
        return size.nodes_max or size.nodes

    def cpus(self, row: Row) -> object:
        return self._size(row).cpus

    def tasks(self, row: Row) -> object:
        return self._size(row).tasks

    def tres(self, row: Row) -> object:
        return self._size(row).tres

    def min_cpus(self, row: Row) -> object:
        return jobfields.min_cpus(row.job.request)

    def min_memory(self, row: Row) -> object:
        return self._megabytes(jobfields.min_memory(row.job.request, self._config))

    def min_tmp_disk(self, row: Row) -> object:
        return self._megabytes(row.job.request.tmp or 0)

    def _megabytes(self, megabytes: int) -> str:
        return format_memory(megabytes) if self._convert or not megabytes else f"{megabytes}M"

    def cpus_per_task(self, row: Row) -> object:
        return row.job.request.cpus_per_task or 1

    def sct(self, row: Row) -> object:
        request = row.job.request
        parts = (request.sockets_per_node, request.cores_per_socket, request.threads_per_core)
        return ":".join(str(part or "*") for part in parts)

    def core_spec(self, row: Row) -> object:
        request = row.job.request
        if request.thread_spec is not None:
            return f"{request.thread_spec} Threads"
        return NOT_ASKED if request.core_spec is None else request.core_spec

    def oversubscribe(self, row: Row) -> object:
        return jobfields.oversubscribe(row.job.request)

    # nodes

    def node_list(self, row: Row) -> object:
        return row.job.node_list

    def batch_host(self, row: Row) -> object:
        job = row.job
        if not job.request.batch:
            return job.request.submit_host or "n/a"
        return job.shares[0].node if job.shares else jobfields.first_node(job.node_list) or "n/a"

    def sched_nodes(self, row: Row) -> object:
        return self._forecasts.nodes(row.job) or NO_VALUE

    def required_nodes(self, row: Row) -> object:
        return _folded(row.job.request.nodelist)

    def excluded_nodes(self, row: Row) -> object:
        return _folded(row.job.request.exclude)

    # generic resources

    def tres_per_node(self, row: Row) -> object:
        return jobfields.tres_per_node(row.job.request) or NOT_ASKED

    def tres_per_job(self, row: Row) -> object:
        return jobfields.tres_of_gpus(row.job.request.gpus) or NOT_ASKED

    def tres_per_task(self, row: Row) -> object:
        return jobfields.tres_of_gpus(row.job.request.gpus_per_task) or NOT_ASKED

    def tres_per_socket(self, row: Row) -> object:
        return jobfields.tres_of_gpus(row.job.request.gpus_per_socket) or NOT_ASKED

    def cpus_per_tres(self, row: Row) -> object:
        count = row.job.request.cpus_per_gpu
        return f"gres:gpu:{count}" if count else NOT_ASKED

    def memory_per_tres(self, row: Row) -> object:
        megabytes = row.job.request.mem_per_gpu
        return f"gres:gpu:{megabytes}" if megabytes else NOT_ASKED


def _no_list(text: str) -> bool:
    return "[" not in text


def _folded(nodes: str) -> str:
    return fold_hostlist(expand_hostlist(nodes), sort=False) if nodes else ""
