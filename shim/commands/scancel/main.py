"""scancel: end jobs, tasks of arrays and steps, or send them signals (scancel man page)."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from shim.commands.call import Call, Exit
from shim.commands.jobfields import array_id, task_list
from shim.commands.scancel.ids import Target
from shim.commands.scancel.query import Query, parse
from shim.executor.base import Target as Reach
from shim.grammar.indexset import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.states import State

KILL = 9


@dataclass(frozen=True, slots=True)
class Victim:
    """One record to cancel or signal, or some pending tasks of the rest of an array, or one step of a job."""

    name: str
    job: Job
    tasks: IndexSet | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be cancelled: an error number and its text."""

    number: int
    text: str


NOT_HETEROGENEOUS = Refusal(2106, "Job not heterogeneous job")
NOT_WHOLE = Refusal(2108, "Operation not permitted on individual component of heterogeneous job")
QUIET = (Errno.INVALID_JOB_ID.number, Errno.ALREADY_DONE.number)
"""What a call that just names jobs says nothing about: they are over, as was wished."""


async def run(call: Call) -> int:
    """Run one call of scancel."""
    try:
        query = parse(call)
        code = _by_name(call, query) if query.plain else await _by_filter(call, query)
    except Exit as end:
        return end.code
    return code & 255


def _by_name(call: Call, query: Query) -> int:
    """Terminate the jobs that were named. Returns the highest error number."""
    worst = 0
    for target in query.targets:
        if query.verbose:
            call.err(f"scancel: Terminating job {target.text}")
        refusal = _cancel_all(call, _named(call, target), query)
        if refusal is None:
            continue
        quiet = refusal.number in QUIET
        if not quiet or query.verbose:
            call.error(f"Kill job error on job id {target.text}: {refusal.text}")
        worst = max(worst, 0 if quiet else refusal.number)
    return worst


def _cancel_all(call: Call, victims: list[Victim] | Refusal, query: Query) -> Refusal | None:
    """Cancel each; None if at least one could be, the last refusal otherwise."""
    if isinstance(victims, Refusal):
        return victims
    refusals = [_cancel(call, victim, query) for victim in victims]
    return None if None in refusals else refusals[-1]


def _named(call: Call, target: Target) -> list[Victim] | Refusal:
    """The records an id names, those that are over included."""
    queue = call.queue
    if target.component is not None:
        return _component(call, target)
    records = queue.find(target.job_id)
    if records and records[0].het_job_id == target.job_id:
        records = _components(call, target.job_id)
    victims = [victim for job in records if (victim := _part(target, job)) is not None]
    return victims or Refusal(*Errno.INVALID_JOB_ID.value)


def _part(target: Target, job: Job) -> Victim | None:
    """What of a record is meant: all of it, or those of its tasks that were named."""
    if target.tasks is None:
        return Victim(target.text, job)
    if job.tasks is not None:
        tasks = job.tasks & target.tasks
        return Victim(target.text, job, tasks) if tasks else None
    return Victim(target.text, job) if job.task_id is not None and job.task_id in target.tasks else None


def _components(call: Call, het_job_id: int) -> list[Job]:
    return [job for job in call.queue.jobs.values() if job.het_job_id == het_job_id]


def _component(call: Call, target: Target) -> list[Victim] | Refusal:
    """One component of a heterogeneous job."""
    queue = call.queue
    parts = _components(call, target.job_id)
    if not parts:
        return (
            NOT_HETEROGENEOUS
            if not target.component and queue.find(target.job_id)
            else Refusal(*Errno.INVALID_JOB_ID.value)
        )
    chosen = [job for job in parts if job.het_job_offset == target.component]
    if chosen and chosen[0].pending:
        return NOT_WHOLE
    return [Victim(target.text, job) for job in chosen] or Refusal(*Errno.INVALID_JOB_ID.value)


def _cancel(call: Call, victim: Victim, query: Query) -> Refusal | None:
    """Cancel or signal one; the refusal, if it was refused."""
    signal = query.signal or KILL
    reach = Reach.FULL if "full" in query.flags else Reach.BATCH if "batch" in query.flags else None
    try:
        if victim.step is not None:
            call.queue.signal_step(victim.job, victim.step, signal=signal, user_id=call.queue.user_id)
        else:
            tasks = victim.job.tasks if query.filters and victim.tasks is None else victim.tasks
            call.queue.cancel(victim.job, tasks, user_id=call.queue.user_id, signal=signal, target=reach)
    except SlurmError as error:
        return Refusal(error.errno.number, error.text)
    return None


async def _by_filter(call: Call, query: Query) -> int:
    """Cancel or signal what matches the filters and was named. Returns the highest error number."""
    victims, worst = _candidates(call, query)
    chosen = [victim for victim in victims if query.matches(victim.job)]
    if query.filters and not chosen and query.verbose:
        call.error(f"No active jobs match ALL job filters, including: {query.described()}")
    answers = call.lines()
    for victim in chosen:
        if "interactive" in query.flags and not await _confirmed(call, victim, answers):
            continue
        if query.verbose:
            call.err(f"scancel: {_announced(victim, query)}")
        refusal = _cancel(call, victim, query)
        if refusal is not None:
            call.error(f"Kill job error on job {'step ' if victim.step else ''}id {victim.name}: {refusal.text}")
            worst = max(worst, refusal.number)
    return worst


def _candidates(call: Call, query: Query) -> tuple[list[Victim], int]:
    """What was named and is not over, or, without names, everything that is not over; 1 if a name was wrong."""
    queue = call.queue
    if not query.targets:
        return [Victim(_shown(job), job) for job in queue.jobs.values() if _live(job)], 0
    victims: dict[tuple[int, int | None], Victim] = {}
    code = 0
    for target in query.targets:
        named = _named(call, target)
        found = [] if isinstance(named, Refusal) else [victim for victim in named if _live(victim.job)]
        if target.step is not None:
            found = [victim for part in found for victim in _steps(call, target, part)]
        if not found:
            code = _not_found(call, query, target, named)
        for victim in found:
            name = victim.name if victim.step or victim.tasks else _shown(victim.job)
            key = (victim.job.job_id, target.step)
            victims[key] = _joined(victims.get(key), Victim(name, victim.job, victim.tasks, victim.step))
    return list(victims.values()), code


def _joined(known: Victim | None, victim: Victim) -> Victim:
    """Tasks of one record that were named apart are cancelled together."""
    if known is None or victim.tasks is None:
        return victim
    if known.tasks is None:
        return known
    tasks = known.tasks | victim.tasks
    return Victim(array_id(victim.job.array_job_id, task_list(tasks, 0), 0), victim.job, tasks)


def _not_found(call: Call, query: Query, target: Target, named: list[Victim] | Refusal) -> int:
    refusal = named if isinstance(named, Refusal) else Refusal(*Errno.INVALID_JOB_ID.value)
    if "quiet" not in query.flags:
        what = "job id" if target.step is None else "job step id"
        text = f"{target.text}0" if target.text.endswith(".") else target.text
        call.error(f"Kill job error on {what} {text}: {refusal.text}")
    return 1 if refusal.number == Errno.INVALID_JOB_ID.number else refusal.number


def _steps(call: Call, target: Target, victim: Victim) -> Iterator[Victim]:
    for step in call.queue.steps(victim.job):
        if step.step_id == str(target.step):
            yield Victim(f"{victim.job.display_id}.{step.step_id}", victim.job, None, step)


def _live(job: Job) -> bool:
    return not job.state.finished and job.state is not State.COMPLETING


def _shown(job: Job) -> str:
    """The id of a record as scancel names it."""
    if job.tasks is not None:
        return array_id(job.array_job_id, task_list(job.tasks, job.throttle), 0)
    return job.display_id


def _announced(victim: Victim, query: Query) -> str:
    reach = "full " if "full" in query.flags else "batch " if "batch" in query.flags else ""
    what = f"step {victim.name}" if victim.step else f"{reach}job {victim.name}"
    return f"Terminating {what}" if query.signal in (None, KILL) else f"Signal {query.signal} to {what}"


async def _confirmed(call: Call, victim: Victim, answers: AsyncIterator[str]) -> bool:
    """Ask until there is a yes or a no; the end of the answers is a no."""
    what = f"step_id={victim.name}" if victim.step else f"job_id={victim.name}"
    request = victim.job.request
    while True:
        call.out(f"Cancel {what} name={request.job_name} partition={victim.job.partition} [y/n]? ")
        answer = await anext(answers, None)
        if answer is None or answer[:1] in ("n", "N"):
            return False
        if answer[:1] in ("y", "Y"):
            return True
