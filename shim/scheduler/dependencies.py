"""What a dependency comes to: pure judgements over what is known of its parents (sbatch man page, --dependency)."""

from dataclasses import dataclass, replace
from enum import Enum

from shim.job.record import Job, Wait, Waits
from shim.job.states import State

MINUTE = 60


class Outcome(Enum):
    """A term, or a whole dependency: still open, fulfilled, or never to be fulfilled."""

    OPEN = 0
    MET = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Parent:
    """What matters of the job, array task or whole array that is waited for."""

    started: bool  # a whole array: all its tasks
    finished: bool
    ok: bool  # ended COMPLETED; a whole array: all its tasks
    start_time: float = 0

    @classmethod
    def of(cls, job: Job) -> "Parent":
        """A plain job or a single array task with a record of its own."""
        return cls(
            started=not job.pending,
            finished=job.state.finished,
            ok=job.state is State.COMPLETED,
            start_time=job.start_time or job.end_time,
        )


WAITING = Parent(False, False, False)


def judge(wait: Wait, parent: Parent | None, now: float) -> Outcome:
    """One term. A parent nobody knows (never there, or purged) fulfils every kind, as in Slurm."""
    if parent is None:
        return Outcome.MET
    if wait.kind == "after":
        due = parent.start_time + wait.delay * MINUTE
        return Outcome.MET if parent.started and now >= due else Outcome.OPEN
    if not parent.finished:
        return Outcome.OPEN
    if wait.kind in ("afterany", "afterburstbuffer"):
        return Outcome.MET
    wants_ok = wait.kind != "afternotok"
    return Outcome.MET if parent.ok == wants_ok else Outcome.FAILED


def settle(waits: Waits, outcomes: list[Outcome]) -> tuple[Waits, Outcome]:
    """The dependency with its terms judged: fulfilled ones gone, failed ones marked, and what it comes to."""
    if not waits.terms:
        return waits, Outcome.MET
    if waits.any and Outcome.MET in outcomes:
        return Waits(), Outcome.MET
    left = tuple(
        replace(wait, state="failed") if outcome is Outcome.FAILED and wait.state != "failed" else wait
        for wait, outcome in zip(waits.terms, outcomes, strict=True)
        if outcome is not Outcome.MET
    )
    if not left:
        return Waits(), Outcome.MET
    settled = Waits(left, waits.any)
    return settled, Outcome.FAILED if settled.lost else Outcome.OPEN
