"""The steps of jobs, as ``squeue --steps`` shows them (squeue man page, --steps and the fields of job steps)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shim.commands.display.table import Column, never, unless_duration
from shim.commands.display.times import TimeFormat
from shim.commands.idlist import JobId
from shim.commands.jobfields import NO_VALUE
from shim.commands.squeue.query import Query
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.timelimit import format_elapsed, format_time_limit
from shim.job.record import Job, Step

if TYPE_CHECKING:
    from shim.controller.queue import Queue

BATCH_STEP = 0xFFFFFFFB
EXTERN_STEP = 0xFFFFFFFC
INTERACTIVE_STEP = 0xFFFFFFFA
SPECIAL_STEPS = {"batch": BATCH_STEP, "extern": EXTERN_STEP, "interactive": INTERACTIVE_STEP}
"""The numbers behind the steps that have names (slurm.h)."""

DEFAULT_SORT = "P,i"
ALL_LETTERS = "bijluAMNPSU"


@dataclass(frozen=True, slots=True)
class StepRow:
    """One live step and its job."""

    job: Job
    step: Step

    @property
    def number(self) -> int:
        """The step's number; named steps have one too."""
        return SPECIAL_STEPS.get(self.step.step_id) or int(self.step.step_id)


def select_steps(queue: "Queue", query: Query) -> list[StepRow]:
    """The live steps that pass the filters of the query."""
    tests = _tests(query)
    rows = [StepRow(job, step) for job in queue.running for step in (*_batch_step(job), *queue.steps(job))]
    return [row for row in rows if all(test(row) for test in tests)]


def _batch_step(job: Job) -> tuple[Step, ...]:
    """The batch script of a running job, which is a step of its own."""
    if not job.request.batch or not job.shares or job.script_over:
        return ()
    node = job.shares[0].node
    return (Step(job.job_id, job.restarts, "batch", "batch", start_time=job.start_time, node_list=node),)


def _tests(query: Query) -> list[Callable[[StepRow], bool]]:
    tests: list[Callable[[StepRow], bool]] = []
    if query.jobs is not None:
        jobs = query.jobs
        tests.append(lambda row: any(_names(wanted, row.job) for wanted in jobs))
    if query.steps is not None:
        steps = query.steps
        tests.append(lambda row: any(_names(wanted, row.job) and wanted.step == row.step.step_id for wanted in steps))
    if query.users is not None:
        users = query.users
        tests.append(lambda row: row.job.user_id in users)
    partitions = query.words("partitions")
    if partitions is not None:
        tests.append(lambda row: row.job.partition in partitions)
    names = query.words("name")
    if names is not None:
        tests.append(lambda row: row.step.name in names)
    if query.nodes is not None:
        nodes = query.nodes
        tests.append(lambda row: not nodes.isdisjoint(expand_hostlist(row.step.node_list or row.job.node_list)))
    return tests


def _names(wanted: JobId, job: Job) -> bool:
    if wanted.task_id is None:
        return wanted.job_id in (job.job_id, job.array_job_id)
    return wanted.job_id == job.array_job_id and wanted.task_id == job.task_id


def sort_steps(rows: list[StepRow], terms: Sequence[tuple[str, bool]], now: float) -> None:
    """Sort in place. Letters that order nothing here are passed over, as by squeue."""
    keys: Mapping[str, Callable[[StepRow], Any]] = {
        "i": lambda row: (row.job.job_id, row.number),
        "N": lambda row: row.step.node_list,
        "P": lambda row: row.job.partition,
        "l": lambda row: row.step.time_limit,
        "S": lambda row: int(row.step.start_time),
        "M": lambda row: int(now) - int(row.step.start_time),
        "u": lambda row: row.job.user_name,
        "U": lambda row: row.job.user_id,
    }
    for letter, descending in reversed(terms):
        if letter in keys:
            rows.sort(key=keys[letter], reverse=descending)


class StepColumns:
    """The columns of one report by letter and by name, with their values at ``now``."""

    def __init__(self, cluster: str, now: float, env: Mapping[str, str]) -> None:
        times = TimeFormat(env)
        column = Column
        node_list: Column[StepRow] = column("NODELIST", lambda row: row.step.node_list, never, False)
        self.by_letter: dict[str, Column[StepRow]] = {
            "A": column("TASKS", lambda row: row.step.ntasks),
            "b": column("TRES_PER_JOB", _null),
            "i": column("STEPID", lambda row: f"{row.job.display_id}.{row.step.step_id}"),
            "j": column("NAME", lambda row: row.step.name),
            "l": column("TIME_LIMIT", lambda row: format_time_limit(row.step.time_limit)),
            "M": column("TIME", lambda row: _elapsed(row, now), unless_duration),
            "N": node_list,
            "P": column("PARTITION", lambda row: row.job.partition),
            "S": column("START_TIME", lambda row: times(row.step.start_time, "N/A")),
            "u": column("USER", lambda row: row.job.user_name),
            "U": column("UID", lambda row: row.job.user_id),
        }
        letters = self.by_letter
        self.by_name: dict[str, Column[StepRow]] = {
            "stepid": letters["i"],
            "stepname": letters["j"],
            "stepstate": column("STATE", lambda row: row.step.state.word),
            "partition": letters["P"],
            "username": letters["u"],
            "userid": letters["U"],
            "timelimit": letters["l"],
            "timeused": letters["M"],
            "starttime": letters["S"],
            "numtasks": letters["A"],
            "numcpus": column("NUM_CPUS", lambda row: row.step.cpus),
            "nodes": node_list,
            "network": column("NETWORK", _null),
            "resvports": column("RESERVED_PORTS", _null),
            "cpufreq": column("CPU_FREQ", lambda _: "0-0:0"),
            "container": column("CONTAINER", _null),
            "arrayjobid": column("ARRAY_JOB_ID", lambda row: row.job.array_job_id),
            "arraytaskid": column("ARRAY_TASK_ID", lambda row: "N/A" if row.job.task_id is None else row.job.task_id),
            "jobid": column("JOB_ID", lambda row: row.job.job_id),
            "cluster": column("CLUSTER", lambda _: cluster),
        } | {name: column(heading, _null) for name, heading in TRES_NAMES.items()}


TRES_NAMES = {
    "tres-per-job": "TRES_PER_STEP",
    "tres-per-node": "TRES_PER_JOB",
    "tres-per-socket": "TRES_PER_SOCKET",
    "tres-per-task": "TRES_PER_TASK",
    "tres-per-step": "TRES_PER_STEP",
    "tres-bind": "TRES_BIND",
    "tres-freq": "TRES_FREQ",
    "cpus-per-tres": "CPUS_PER_TRES",
    "mem-per-tres": "MEM_PER_TRES",
}
"""Names of --Format and their headings, as mixed up as they are in 22.05."""


def _null(_row: StepRow) -> str:
    return NO_VALUE


def _elapsed(row: StepRow, now: float) -> str:
    return format_elapsed(int(now) - int(row.step.start_time))
