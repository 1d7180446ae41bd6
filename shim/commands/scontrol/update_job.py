"""``scontrol update JobId=…``: changing fields of jobs."""

from shim.commands.scontrol.job_fields import FIELDS, NO_CHANGES, Changes, JobField, Situation
from shim.commands.scontrol.operation import operate
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.specification import BadSpecification, Pair, find_key, pairs, unsupported
from shim.commands.scontrol.targets import Target, components, named, parse_job_id, split_jobs
from shim.commands.submission import known_gres
from shim.job.errors import Errno, SlurmError
from shim.job.record import NO_PRIORITY
from shim.job.user import known_user_id

_Wanted = list[tuple[JobField, str]]


def update_jobs(session: Session, words: list[str]) -> None:
    """Change the jobs of JobId=, or those with JobName= and UserID=. Raises BadSpecification."""
    jobs: list[str] | None = None
    user_id: int | None = None
    names: list[Pair] = []
    wanted: _Wanted = []
    for pair in pairs(words, alone=("nice",)):
        key = pair.key.lower()
        if len(key) >= 3 and "jobid".startswith(key):
            jobs = split_jobs(pair.value or "")
        elif len(key) >= 3 and "userid".startswith(key):
            user_id = _user(pair.value or "")
        else:
            field = find_key(FIELDS, key)
            if field is None:
                raise unsupported(pair)
            if field.name == "JobName":
                names.append(pair)
            wanted.append((field, pair.value or ""))
    if jobs is None:
        jobs = _by_name(session, names, user_id)
        wanted = [(field, value) for field, value in wanted if field.name != "JobName"]
    if not wanted:
        raise BadSpecification(NO_CHANGES)
    if any(parse_job_id(job) is None for job in jobs or ()):
        jobs = [",".join(jobs or ())]  # Slurm's controller is asked about the whole list
    nodes = frozenset(node.name for node in session.queue.nodes)
    for job in jobs or [""]:
        for one in components(session.queue, job):
            operate(session, one, lambda target: _change(session, target, wanted, nodes))


def _by_name(session: Session, names: list[Pair], user_id: int | None) -> list[str]:
    """The jobs of the name that stands for a job id."""
    name = names[0].value or ""
    wanted_user = session.user_id if user_id is None and session.user_id else user_id
    found = [str(job.display_id) for job in named(session.queue, name, wanted_user)]
    if not found:
        who = f"user ID {user_id} and " if user_id is not None else ""
        raise BadSpecification(f"scontrol: error: No jobs with {who}name '{name}'")
    return found


def _user(text: str) -> int:
    try:
        return known_user_id(text)
    except KeyError:
        raise BadSpecification(f"Invalid UserID: {text}", "Request aborted") from None


def _change(session: Session, target: Target, wanted: _Wanted, nodes: frozenset[str]) -> None:
    queue = session.queue
    situation = Situation(session.user_id, queue.now(), nodes, target.job, frozenset(known_gres(queue)))
    changes: Changes = {}
    for field, value in wanted:
        change = field.read(value, situation)
        if field.administrator and not situation.administrator:
            raise SlurmError(Errno.ACCESS_DENIED)
        changes |= change
    if changes.get("priority") == NO_PRIORITY:  # another word for hold
        del changes["priority"]
        queue.hold(target.job, target.tasks, user_id=session.user_id, admin=situation.administrator)
        if not changes:
            return
    if changes or target.job.state.finished:
        queue.update(target.job, target.tasks, changes, user_id=session.user_id)
