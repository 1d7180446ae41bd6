"""Doing one thing to many jobs, and saying what came of it in Slurm's words."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shim.commands.scontrol.session import Session
from shim.commands.scontrol.targets import JobId, Target, parse_job_id
from shim.grammar.array import parse_array
from shim.grammar.indexset import IndexSet
from shim.job.errors import Errno, SlurmError

Operation = Callable[[Target], None]


@dataclass
class _Outcomes:
    """What came of the tasks of an array, those with one answer together."""

    tasks: dict[str, list[str]] = field(default_factory=dict)

    def add(self, error: SlurmError | None, tasks: str) -> None:
        self.tasks.setdefault(error.text if error else Errno.SUCCESS.text, []).append(tasks)

    def groups(self) -> list[tuple[IndexSet, str]]:
        """The tasks of each answer, in the order of their first ones."""
        groups = [(parse_array(",".join(tasks)).indices, text) for text, tasks in self.tasks.items()]
        return sorted(groups, key=lambda group: group[0].first())

    @property
    def all_well(self) -> bool:
        return self.tasks.keys() <= {Errno.SUCCESS.text}


def operate(session: Session, word: str, operation: Operation, *, whole: bool = False) -> SlurmError | None:
    """Do it to the job or the array tasks that ``word`` means. Returns why nothing of it could be done.

    An array is answered task by task: where not all went well, every group of tasks is told about. ``whole``: the
    tasks of an array that wait together are acted on, and told about, together.
    """
    job_id = parse_job_id(word)
    try:
        if job_id is None:
            raise SlurmError(Errno.INVALID_JOB_ID)
        targets = job_id.targets(session.queue)
        if whole:
            targets = [Target(target.job) for target in targets]
    except SlurmError as error:
        session.refuse(error, suffix=f" for job {word}")
        return error
    if len(targets) == 1 and not targets[0].job.array:
        return _plain(session, word, targets[0], operation)
    _array(session, job_id, targets, operation)
    return None


def _plain(session: Session, word: str, target: Target, operation: Operation) -> SlurmError | None:
    try:
        operation(target)
    except SlurmError as error:
        session.refuse(error, suffix=f" for job {word}")
        return error
    return None


def _array(session: Session, job_id: JobId, targets: list[Target], operation: Operation) -> None:
    outcomes = _Outcomes()
    missing = _missing(job_id.tasks, targets) if job_id.tasks is not None else None
    for target in targets:
        text = target.task_text
        try:
            operation(target)
            outcomes.add(None, text)
        except SlurmError as error:
            outcomes.add(error, text)
    if missing:
        outcomes.add(SlurmError(Errno.INVALID_JOB_ID), missing.display(0))
    if not outcomes.all_well:
        for tasks, text in outcomes.groups():
            session.fail(f"{job_id.job_id}_{tasks.display(0)}: {text}")


def _missing(tasks: IndexSet, targets: list[Target]) -> IndexSet:
    for target in targets:
        tasks = tasks - parse_array(target.task_text).indices
    return tasks
