"""What the fields of a job say, wherever a command shows them: start and end, reason, dependency, array ids."""

import os
from collections.abc import Mapping

from shim.config.settings import Config
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.indexset import DISPLAY_LIMIT, IndexSet
from shim.job.record import Job, Wait, Waits
from shim.job.request import UNLIMITED, Request
from shim.job.states import State

YEAR = 365 * 86400
"""Seconds after which Slurm takes a job without a time limit to end."""

DEFAULT_QOS = "normal"
NO_VALUE = "(null)"
MAX_SWITCH_WAIT = 300
"""max_switch_wait of Slurm's SchedulerParameters, in seconds."""
ID_LENGTH = 31
"""The longest id of an array that Slurm prints while SLURM_BITSTR_LEN is not set."""

REASON_INSTEAD_OF_NODES = frozenset({State.PENDING, State.TIMEOUT, State.OUT_OF_MEMORY, State.DEADLINE, State.FAILED})


def expected_start(job: Job, now: float, forecast: float = 0) -> float:
    """When the job started or is expected to; 0: nobody knows (squeue man page, %S).

    ``forecast`` is when the scheduler expects room for it, 0 where that was not asked or is not known.
    """
    if job.state is not State.PENDING:
        return job.start_time or job.end_time
    start = forecast or job.start_time
    for earliest in (job.eligible_time, job.request.begin):
        if earliest > now and earliest > start:
            start = earliest
    return start


def eligible_time(job: Job) -> float:
    """When the job may start, or might have at the earliest; 0: nobody knows (squeue man page, EligibleTime)."""
    begin = job.request.begin if job.pending else 0
    return begin if job.is_array_rest else job.eligible_time or begin


def accrue_time(job: Job) -> float:
    """Since when, or from when on, its age counts for the job's priority; 0: not yet (squeue man page, AccrueTime)."""
    if job.accrue_time or not job.pending or (job.held and not job.restarts):
        return job.accrue_time
    return eligible_time(job)


def expected_end(job: Job, now: float, forecast: float = 0) -> float:
    """When the job ended or will at the latest; 0: nobody knows (squeue man page, %e)."""
    if job.end_time and not job.pending:
        return job.end_time
    start = expected_start(job, now, forecast)
    if not start:
        return 0
    return start + (YEAR if job.time_limit == UNLIMITED else job.time_limit * 60 + job.suspended_for)


def end_text_is_none(job: Job, now: float, forecast: float = 0) -> bool:
    """True where Slurm prints NONE for the end: a job without a limit that has not ended."""
    return job.time_limit == UNLIMITED and expected_end(job, now, forecast) > now


def nodes_or_reason(job: Job, reason: str) -> str:
    """The nodes of a job, or in parentheses why it has none or failed (squeue man page, %R)."""
    return f"({reason})" if job.state in REASON_INSTEAD_OF_NODES else job.node_list


def dependency_text(waits: Waits) -> str:
    """What the job still waits for: ``afterok:12(unfulfilled),after:7_*(failed)``; empty: nothing."""
    return ("?" if waits.any else ",").join(map(_term, waits.terms))


def _term(wait: Wait) -> str:
    if wait.kind == "singleton":
        return f"singleton({wait.state})"
    task = "_*" if wait.whole_array else "" if wait.task_id is None else f"_{wait.task_id}"
    delay = f"+{wait.delay}" if wait.delay else ""
    return f"{wait.kind}:{wait.job_id}{task}{delay}({wait.state})"


def oversubscribe(request: Request) -> str:
    """OverSubscribe as squeue and scontrol show it (squeue man page, %h)."""
    if request.exclusive:
        return {"exclusive": "NO", "user": "USER", "mcs": "MCS"}[request.exclusive]
    return "YES" if request.oversubscribe else "OK"


def min_cpus(request: Request) -> int:
    """CPUs that each node must have (squeue man page, %c)."""
    return max(request.mincpus or 1, (request.cpus_per_task or 1) * (request.ntasks_per_node or 1))


def switch_wait(request: Request) -> int:
    """Seconds that the job waits for the switches it asked for, at most max_switch_wait (sbatch man page)."""
    wait = request.extra.get("switches_wait")
    if not request.extra.get("switches"):
        return 0
    return MAX_SWITCH_WAIT if wait is None else min(int(wait), MAX_SWITCH_WAIT)


def tres_of_gpus(text: str) -> str:
    """A --gpus list as the TresPer fields show it: ``gres:gpu:a100:1`` for ``a100:1``; empty: none was asked for."""
    words = (word if word.split(":")[0] == "gpu" else f"gpu:{word}" for word in text.split(",") if word)
    return ",".join(f"gres:{word}" for word in words)


def tres_per_node(request: Request) -> str:
    """What each node must have (TresPerNode), from --gres and --gpus-per-node; empty: nothing."""
    gres = [f"gres:{word}" for word in request.gres.split(",") if word and word.lower() != "none"]
    return ",".join([*gres, *filter(None, [tres_of_gpus(request.gpus_per_node)])])


def task_list(tasks: IndexSet, throttle: int, limit: int = DISPLAY_LIMIT) -> str:
    """The pending tasks of an array: ``7-100%5`` (squeue man page, %K; ``limit`` is SLURM_BITSTR_LEN)."""
    text = tasks.display(limit)
    return f"{text}%{throttle}" if throttle else text


def list_limit(env: Mapping[str, str]) -> int | None:
    """SLURM_BITSTR_LEN of the caller; None: not set."""
    text = env.get("SLURM_BITSTR_LEN")
    if text is None:
        return None
    digits = text.strip()
    value = int(digits) if digits.lstrip("-").isdecimal() else 0  # as atoi() does
    return DISPLAY_LIMIT if value < 0 else value


def array_id(array_job_id: int, tasks: str, limit: int | None) -> str:
    """The id of the rest of an array: ``1001_[7-100%5]``, cut where Slurm cuts it."""
    text = f"{array_job_id}_[{tasks}]"
    return text if limit is not None else text[:ID_LENGTH]


def min_memory(request: Request, config: Config) -> int:
    """MB that each node or CPU must have (squeue man page, %m); 0: all of it, or nothing was asked for."""
    for asked in (request.mem_per_node, request.mem_per_cpu):
        if asked is not None:
            return asked
    return config.def_mem_per_cpu


def command_line(request: Request) -> str:
    """The script and its arguments; empty for --wrap and for a script from stdin."""
    return " ".join((request.command, *request.arguments)) if request.command else ""


def raw_std_out(job: Job) -> str:
    """The output file as squeue shows it: nothing is expanded, and a default name is that of the record."""
    name = job.request.std_out or f"slurm-{job.job_id}.out"
    return os.path.join(job.request.work_dir, name)


def raw_std_err(job: Job) -> str:
    """The error file as squeue shows it; the output file where none was asked for."""
    return os.path.join(job.request.work_dir, job.request.std_err) if job.request.std_err else raw_std_out(job)


def raw_std_in(job: Job) -> str:
    """The input file as squeue shows it."""
    return os.path.join(job.request.work_dir, job.request.std_in) if job.request.std_in else "/dev/null"


def first_node(node_list: str) -> str:
    """The first node of a list; empty for an empty list."""
    return expand_hostlist(node_list)[0] if node_list else ""
