"""``scontrol update StepId=…``: the time limit of steps that run."""

from shim.commands.scontrol.session import Session
from shim.commands.scontrol.specification import BadSpecification, Pair, pairs, unsupported
from shim.commands.scontrol.targets import parse_job_id
from shim.grammar.errors import GrammarError
from shim.grammar.timelimit import parse_time_limit
from shim.job.errors import Errno
from shim.job.record import Step
from shim.job.request import UNLIMITED


def update_steps(session: Session, words: list[str]) -> None:
    """Change the time limit of one step, or of all steps of a job. Raises BadSpecification."""
    steps: list[Step] = []
    limit = None
    for pair in pairs(words):
        key = pair.key.lower()
        if len(key) >= 4 and "stepid".startswith(key):
            steps = _steps(session, pair.value or "")
        elif len(key) >= 5 and "timelimit".startswith(key):
            limit = _limit(pair)
        else:
            raise unsupported(pair)
    if limit is None:
        raise BadSpecification("No changes specified")
    if not steps:
        session.fail(f"slurm_update error: {Errno.INVALID_JOB_ID.text}")
    for step in steps:
        session.queue.step_table.change_limit(step, _changed(step.time_limit, *limit))


def _steps(session: Session, text: str) -> list[Step]:
    job_text, dot, number = text.partition(".")
    job_id = parse_job_id(job_text)
    if job_id is None:
        return []
    wanted = number if number.isdecimal() else "0"  # what scontrol makes of 12.batch
    jobs = session.queue.find(job_id.job_id, job_id.tasks.first() if job_id.tasks else None)
    return [step for job in jobs for step in session.queue.steps(job) if not dot or step.step_id == wanted]


def _limit(pair: Pair) -> tuple[str, int]:
    """A sign, if there is one, and minutes."""
    value = pair.value or ""
    sign = value[:1] if value[:1] in {"+", "-"} else ""
    try:
        return sign, parse_time_limit(value.removeprefix(sign))
    except GrammarError:
        raise BadSpecification("scontrol: error: Invalid TimeLimit value") from None


def _changed(now: int, sign: str, minutes: int) -> int:
    if not sign:
        return minutes
    if UNLIMITED in {now, minutes}:
        return now
    return max(1, now + minutes if sign == "+" else now - minutes)
