"""Dependencies in the live queue: who waits for whom, looked at only when a parent changes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shim.grammar.dependency import Dependency
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Wait, Waits
from shim.job.states import Reason
from shim.scheduler.dependencies import MINUTE, Outcome, Parent, judge, settle

if TYPE_CHECKING:
    from shim.controller.queue import Queue

_Key = TypeVar("_Key", int, str)


class Dependencies:
    """The waits of all jobs of one queue."""

    def __init__(self, queue: "Queue") -> None:
        self.queue = queue
        self.children: dict[int, set[Job]] = defaultdict(set)  # by the id (of a job or array) they wait for
        self.named: dict[str, set[Job]] = defaultdict(set)  # unfinished records by job name, for singleton
        self.singletons: dict[str, set[Job]] = defaultdict(set)

    # -- registering -------------------------------------------------------------------------------------------------

    def resolve(self, wanted: Dependency, job_id: int) -> Waits:
        """What a parsed --dependency means now; raises SlurmError for a job that would wait for itself."""
        waits = []
        for term in wanted.terms:
            if term.kind == "singleton":
                waits.append(Wait("singleton"))
                continue
            if term.job_id == job_id:
                raise SlurmError(Errno.INVALID_DEPENDENCY)
            whole = term.task_id is None and term.job_id in self.queue.arrays
            waits.append(Wait(str(term.kind), term.job_id, term.task_id, whole, term.delay_minutes))
        return Waits(tuple(waits), wanted.any)

    def watch(self, job: Job) -> None:
        """Begin to follow a record: as a name, and as a child of what it waits for."""
        self.named[job.request.job_name].add(job)
        for wait in job.waits.terms:
            if wait.kind == "singleton":
                self.singletons[job.request.job_name].add(job)
            else:
                self.children[wait.job_id].add(job)

    def unwatch(self, job: Job) -> None:
        """Stop following a record's waits (they have changed or are met)."""
        _discard(self.singletons, job.request.job_name, job)
        for wait in job.waits.terms:
            if wait.kind != "singleton":
                _discard(self.children, wait.job_id, job)

    def set(self, job: Job, waits: Waits) -> None:
        """Give a waiting job another dependency."""
        self.unwatch(job)
        job.waits = waits
        self.watch(job)

    def would_circle(self, job: Job, waits: Waits) -> bool:
        """True if the job, waiting so, would wait for itself in the end."""
        seen: set[int] = set()
        open_ids = [wait.job_id for wait in waits.terms if wait.job_id]
        while open_ids:
            job_id = open_ids.pop()
            if job_id in (job.job_id, job.array_job_id):
                return True
            if job_id in seen:
                continue
            seen.add(job_id)
            for parent in self.queue.find(job_id):
                open_ids += [wait.job_id for wait in parent.waits.terms if wait.job_id]
        return False

    # -- judging -----------------------------------------------------------------------------------------------------

    def blocks(self, job: Job) -> bool:
        """Judge all waits of a job now, record what they have come to; True if it must wait on."""
        if job.is_array_rest and any(wait.kind == "aftercorr" for wait in job.waits.terms):
            self._split_corresponding(job)
        if job.reason == Reason.DEP_NEVER and job.waits.lost:
            return True  # as in Slurm, what is lost is not looked at again until it is changed
        outcomes = [self._judge(job, wait) for wait in job.waits.terms]
        waits, outcome = settle(job.waits, outcomes)
        if waits != job.waits:
            self.set(job, waits)
            self.queue.changed(job)
        if outcome is Outcome.MET:
            return False
        self._wait_on(job, failed=outcome is Outcome.FAILED)
        return True

    def _wait_on(self, job: Job, failed: bool) -> None:
        kill = job.request.kill_on_invalid_dep
        if failed and job.reason != Reason.DEP_NEVER and self.queue.mailer:
            self.queue.mailer.on_change(job, "INVALID_DEPEND")
        if failed and (self.queue.config.kill_invalid_depend if kill is None else kill):
            self.queue.dispatcher.cancel_invalid(job)
            return
        reason = Reason.DEP_NEVER if failed else Reason.DEPENDENCY
        if job.reason != reason:
            job.reason = reason
            self.queue.changed(job)
        delayed = [wait for wait in job.waits.terms if wait.kind == "after" and wait.delay]
        due = [when for wait in delayed if (when := self._due(wait)) is not None]
        if due:
            self.queue.at(job, min(due), lambda: self.queue.line.place(job))

    def _due(self, wait: Wait) -> float | None:
        parent = self._parent(wait)
        return parent.start_time + wait.delay * MINUTE if parent and parent.started else None

    def _judge(self, job: Job, wait: Wait) -> Outcome:
        if wait.state == "failed":
            return Outcome.FAILED
        if wait.kind == "singleton":
            return Outcome.OPEN if self._earlier_namesake(job) else Outcome.MET
        if wait.kind == "aftercorr" and job.task_id is not None:
            return judge(wait, self._corresponding(wait.job_id, job.task_id), self.queue.now())
        return judge(wait, self._parent(wait), self.queue.now())

    def _parent(self, wait: Wait) -> Parent | None:
        queue = self.queue
        array = queue.arrays.get(wait.job_id)
        if wait.task_id is not None:
            return array.task(wait.task_id) if array else None
        if array and (wait.whole_array or wait.job_id == array.info.job_id):
            return array.whole()
        job = queue.jobs.get(wait.job_id)
        return Parent.of(job) if job else None

    def _corresponding(self, array_id: int, index: int) -> Parent | None:
        """The parent of one task under aftercorr: its counterpart, or the whole array where there is none."""
        array = self.queue.arrays.get(array_id)
        if array is None:
            job = self.queue.jobs.get(array_id)
            return Parent.of(job) if job else None
        return array.task(index) or array.whole()

    def _split_corresponding(self, rest: Job) -> None:
        """Give each task of an array's rest, whose counterpart has ended, a record that waits no more for it."""
        assert rest.tasks is not None
        queue, now = self.queue, self.queue.now()
        parents = [wait.job_id for wait in rest.waits.terms if wait.kind == "aftercorr"]
        if all(parent not in queue.arrays for parent in parents):
            return  # plain jobs or forgotten ones: all tasks share one fate
        undecided = rest.tasks
        for parent in parents:
            array = queue.arrays.get(parent)
            if array and not array.finished:
                undecided = undecided - array.waiting  # those certainly wait on, however many they are
                undecided = undecided & array.indices  # a task without counterpart waits for the whole array
        for index in undecided:
            outcomes = [
                judge(wait, self._corresponding(wait.job_id, index), now)
                for wait in rest.waits.terms
                if wait.kind == "aftercorr"
            ]
            if any(outcome is not Outcome.OPEN for outcome in outcomes):
                task = queue.dispatcher.split(rest, index)
                if task is not rest:  # the last one is judged by who asked
                    queue.line.place(task)

    def _earlier_namesake(self, job: Job) -> bool:
        """True while an earlier job of the same name (and user: there is one) is not over."""
        mine = _submitted_as(job)
        return any(_submitted_as(other) < mine for other in self.named.get(job.request.job_name, ()))

    # -- parents that change -------------------------------------------------------------------------------------------

    def parent_started(self, job: Job) -> None:
        """A job has begun: those that wait with ``after`` may go."""
        self._look_at(
            child
            for job_id in {job.job_id, job.array_job_id} & self.children.keys()
            for child in self.children[job_id]
            if any(wait.kind == "after" and wait.job_id == job_id for wait in child.waits.terms)
        )

    def parent_over(self, job: Job) -> None:
        """A job, or an array's task, has ended: look at those that wait for it, and at its namesakes."""
        _discard(self.named, job.request.job_name, job)
        self.tasks_over({job.job_id, job.array_job_id})
        self._next_singleton(job.request.job_name)

    def renamed(self, job: Job, name: str) -> None:
        """The job is about to get another name: it is in the way of others than before."""
        old = job.request.job_name
        self.forget(job)
        job.request = replace(job.request, job_name=name)
        self.watch(job)
        self._next_singleton(old)

    def _next_singleton(self, name: str) -> None:
        """Look at the earliest job that waits for its namesakes; all the others wait for this one, too."""
        if waiting := self.singletons.get(name):
            first = min(map(_submitted_as, waiting))
            self._look_at(job for job in waiting if _submitted_as(job) == first)

    def tasks_over(self, ids: Iterable[int]) -> None:
        """Something of these jobs or arrays has ended: look at those that wait for it."""
        self._look_at(child for job_id in set(ids) & self.children.keys() for child in self.children[job_id])

    def _look_at(self, children: Iterable[Job]) -> None:
        for child in sorted(set(children), key=lambda child: child.job_id):
            if child.pending and child.waits and not child.held:
                self.queue.line.place(child)
            elif child.held and child.waits:
                self._judge_held(child)

    def _judge_held(self, job: Job) -> None:
        """A held job's reason stays, but what it shows as its dependency follows the parents (not its namesakes)."""
        outcomes = [Outcome.OPEN if wait.kind == "singleton" else self._judge(job, wait) for wait in job.waits.terms]
        waits, _ = settle(job.waits, outcomes)
        if waits != job.waits:
            self.set(job, waits)
            self.queue.changed(job)

    def forget(self, job: Job) -> None:
        """The record waits for nothing any more and is no longer anybody's namesake."""
        self.unwatch(job)
        _discard(self.named, job.request.job_name, job)


def _submitted_as(job: Job) -> int:
    """The id that sbatch printed: tasks of an array are as old as the array."""
    return job.array_job_id or job.job_id


def _discard(index: dict[_Key, set[Job]], key: _Key, job: Job) -> None:
    """Take a job out of an index, and a key that nothing is left for."""
    if jobs := index.get(key):
        jobs.discard(job)
        if not jobs:
            del index[key]
