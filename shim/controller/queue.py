"""The queue: every job that waits, runs or ended lately, in memory, with the job table behind it.

All of it happens in one event loop. A change is made in memory, noted in the journal, and made durable with
everything else that changed in the same turn of the loop; only then is it acted upon: runs are started, answers are
sent. So a job whose id anybody has seen is on disk, and a run never starts that the table does not know.
"""

import asyncio
import os
import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.config.settings import Config, PartitionConfig
from shim.controller import cancel, finish, laststeps, modify, overrides, requeue
from shim.controller.allocations import Allocations
from shim.controller.arrays import Array
from shim.controller.dispatch import Dispatcher
from shim.controller.journal import RETRY_COMMIT, Journal
from shim.controller.steps import Steps
from shim.controller.submit import Estimate, Submitted, Texts, accept, estimate
from shim.controller.waiting import Dependencies
from shim.executor.base import Ended, Executor, RemoteCall, Target
from shim.grammar.array import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.request import Request
from shim.job.states import ACTIVE, HOLDS, WAITING, Reason, State
from shim.scheduler.need import Need, need_of
from shim.scheduler.nodes import Node
from shim.table.table import Table

if TYPE_CHECKING:
    from shim.controller.mail import Mailer

HANDLE_DELAY = 0.2
"""Seconds until the handle of a run that has begun is written, if nothing else is written before."""


class Queue:
    """The live queue of one controller. Operations that are refused raise SlurmError."""

    def __init__(self, config: Config, table: Table, executors: Mapping[str, Executor], state_dir: Path) -> None:
        self.config = config
        self.state_dir = state_dir
        self.user_id = os.getuid()
        self.table = table
        self.executors = executors
        self.jobs: dict[int, Job] = {}
        self.arrays: dict[int, Array] = {}
        self.partitions: dict[str, PartitionConfig] = overrides.partitions(self)
        self.node_overrides = table.overrides(overrides.NODE)
        self.nodes: list[Node] = []
        self.needs: dict[int, Need] = {}
        self.job_count = config.max_job_count  # at most so many jobs and tasks are in memory (see submit)
        self.ready: list[tuple[int, int, int, Job]] = []  # waiting for nothing but resources, by rank
        self.unjudged: set[Job] = set()  # ready, but no pass of the scheduler has come to them yet
        self.running: set[Job] = set()
        self.het_jobs: dict[int, list[Job]] = {}  # the components of heterogeneous jobs, by the id of the first
        self.step_table = Steps(self)
        self.allocations = Allocations(self)
        self.mailer: Mailer | None = None
        self.start_waiters: dict[int, list[asyncio.Future[None]]] = {}
        self.journal = Journal(self)
        self.dependencies = Dependencies(self)
        self.dispatcher = Dispatcher(self)
        self.next_job_id = table.counter("next_job_id", config.first_job_id)
        self.on_shutdown: Callable[[], None] = lambda: None
        self.on_reconfigure: Callable[[], None] = lambda: None
        self.on_call: Callable[[RemoteCall], None] = lambda call: call.end(1)
        self.begun = time.time()
        self._settling = False
        self._finish_waiters: dict[int, list[asyncio.Future[None]]] = {}
        self._to_purge: deque[tuple[float, Job]] = deque()
        self._timers: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self._handles: asyncio.TimerHandle | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop everything happens in."""
        return asyncio.get_running_loop()

    # -- looking things up -------------------------------------------------------------------------------------------

    @staticmethod
    def now() -> float:
        """The time, in epoch seconds."""
        return time.time()

    def job(self, job_id: int) -> Job | None:
        """The record under that id; the rest of an array goes by the array's id."""
        return self.jobs.get(job_id)

    def array_records(self, array_job_id: int) -> list[Job]:
        """All records of an array, the pending rest first; empty for what is no array."""
        array = self.arrays.get(array_job_id)
        return array.records() if array else []

    def find(self, job_id: int, task_id: int | None = None) -> list[Job]:
        """The records that ``job_id`` or ``job_id_task_id`` names: a whole array is all its records."""
        array = self.arrays.get(job_id)
        if task_id is None:
            if array:
                return array.records()
            job = self.jobs.get(job_id)
            return [job] if job else []
        if array is None:
            return []
        if task_id in array.tasks:
            return [array.tasks[task_id]]
        return [array.rest] if array.rest and array.rest.tasks is not None and task_id in array.rest.tasks else []

    def components(self, job: Job) -> list[Job]:
        """The components of a heterogeneous job, which start and end together; a plain job alone."""
        return self.het_jobs.get(job.het_job_id, [job]) if job.het_job_id else [job]

    def need(self, job: Job) -> Need:
        """The size of a job, resolved once."""
        need = self.needs.get(job.job_id)
        if need is None:
            component = bool(job.het_job_id)
            need = self.needs[job.job_id] = self.need_in(job.request, job.partition, component=component)
        return need

    def need_in(self, request: Request, partitions: str, *, component: bool) -> Need:
        """The size of a request as the executor of its (first) partition counts it. Raises GrammarError.

        ``component`` tells that of a heterogeneous job from that of a plain one.
        """
        name = partitions.split(",")[0]
        need = need_of(request, self.config)
        return self.executor_for(name).adapt(replace(need, component=True) if component else need, name)

    def steps(self, job: Job) -> list[Step]:
        """The steps of a job that run now."""
        return self.step_table.of(job.job_id)

    def partition_nodes(self, names: str) -> list[Node]:
        """The nodes of a comma separated list of partitions, each once."""
        wanted = names.split(",")
        return [node for node in self.nodes if any(name in node.partitions for name in wanted)]

    def executor_of(self, job: Job) -> Executor:
        """What runs the jobs of this job's partition."""
        return self.executor_for(job.partition.split(",")[0])

    def executor_for(self, name: str) -> Executor:
        """What runs the jobs of a partition."""
        partition = self.partitions.get(name)
        return self.executors[partition.executor if partition else next(iter(self.executors))]

    @property
    def idle(self) -> bool:
        """True while nothing waits or runs, and nothing is unsaved."""
        return not self.running and self.settled and not any(job.pending for job in self.jobs.values())

    # -- operations --------------------------------------------------------------------------------------------------

    def _owner(self, user_id: int) -> None:
        """All jobs of a queue belong to one user; only that user and root may change them."""
        if user_id not in (0, self.user_id):
            raise SlurmError(Errno.ACCESS_DENIED)

    async def submit(self, submissions: Submitted | list[Submitted]) -> Job:
        """Take a job (or the parts of a heterogeneous job) in. Returns its first record once that is durable."""
        entered = accept(self, submissions if isinstance(submissions, list) else [submissions])
        await asyncio.gather(*entered.values())
        return next(iter(entered))

    def test(self, submissions: Sequence[Submitted]) -> list[Estimate]:
        """When and where the parts of a job would start (sbatch --test-only); each takes a job id, as in Slurm."""
        return estimate(self, submissions)

    def cancel(
        self, job: Job, tasks: IndexSet | None = None, *, user_id: int, signal: int = 9, target: Target | None = None
    ) -> None:
        """Cancel or signal a job, or some pending tasks of an array's rest."""
        self._owner(user_id)
        cancel.cancel(self, job, tasks, user_id=user_id, signal=signal, target=target)

    def signal_step(self, job: Job, step: Step, *, user_id: int, signal: int = 9) -> None:
        """Send a signal to the tasks of one step."""
        self._owner(user_id)
        self.step_table.signal(job, step, signal, user_id)

    def hold(self, job: Job, tasks: IndexSet | None = None, *, user_id: int, admin: bool = False) -> None:
        """Keep a job, or tasks of an array's rest, from starting."""
        self._owner(user_id)
        modify.hold(self, job, tasks, admin=admin)

    def release(self, job: Job, tasks: IndexSet | None = None, *, user_id: int) -> None:
        """Undo a hold."""
        self._owner(user_id)
        modify.release(self, job, tasks, user_id=user_id)

    def update(self, job: Job, tasks: IndexSet | None, changes: dict[str, object], *, user_id: int) -> None:
        """Change fields of a job, by the names of Request or of the job record."""
        self._owner(user_id)
        modify.update(self, job, tasks, changes, user_id=user_id)

    def requeue(self, job: Job, *, user_id: int, hold: bool = False, special: bool = False) -> None:
        """Run a job again from the top under the same id."""
        self._owner(user_id)
        requeue.requeue(self, job, hold=hold, special=special)

    def suspend(self, job: Job, *, user_id: int) -> None:
        """Stop all processes of a running job and free its CPUs."""
        modify.suspend(self, job, user_id=user_id)

    def resume(self, job: Job, *, user_id: int) -> None:
        """Let a suspended job go on."""
        modify.resume(self, job, user_id=user_id)

    def script(self, job: Job) -> bytes:
        """The batch script as it was submitted."""
        return self.table.content(job.script_id)

    def shutdown(self) -> None:
        """Stop the controller; runs go on."""
        self.on_shutdown()

    def reconfigure(self) -> None:
        """Read the configuration again. Raises shim.config.load.ConfigError and keeps what it has."""
        self.on_reconfigure()

    def configure(self, config: Config) -> None:
        """Take over another configuration; nodes keep their administrative state and their jobs."""
        self.config = config
        self.needs.clear()
        self._use_partitions(overrides.partitions(self))

    def _use_partitions(self, partitions: dict[str, PartitionConfig]) -> None:
        """The line is sorted anew: a partition's tier may be another."""
        waiting = [entry[-1] for entry in self.ready]
        self.ready.clear()
        self.partitions = partitions
        self.dispatcher.refresh_nodes()
        for job in waiting:
            self.place_in_queue(job)

    def set_node_state(self, name: str, state: str, reason: str = "") -> None:
        """Drain, resume or take down a node (scontrol update NodeName=). Raises SlurmError for an unknown one."""
        node = next((node for node in self.nodes if node.name == name), None)
        if node is None:
            raise SlurmError(Errno.INVALID_NODE_NAME)
        wanted = state.upper()
        node.drained = wanted if wanted in ("DRAIN", "DOWN") else ""
        node.drain_reason, node.drain_time = (reason, self.now()) if node.drained else ("", 0)
        overrides.keep_node(self, node)
        self.dispatcher.resources_freed()

    def set_partition(self, partition: PartitionConfig | None, name: str) -> None:
        """Create, change (a new value for the name) or delete (None) a partition."""
        others = {other: value for other, value in self.partitions.items() if other != name or partition}
        self._use_partitions(others | ({name: partition} if partition else {}))
        overrides.keep_partition(self, name, partition)

    async def wait_finished(self, job_id: int) -> None:
        """Return when the job, or all tasks of the array, are over (and that is durable)."""
        while not self._is_over(job_id):
            future = self.loop.create_future()
            self._finish_waiters.setdefault(job_id, []).append(future)
            await future
        with suppress(SlurmError):  # over it is, whether the disk is full or not
            await self.flushed()

    def _is_over(self, job_id: int) -> bool:
        array = self.arrays.get(job_id)
        if array:
            return array.finished
        job = self.jobs.get(job_id)
        return job is None or job.state.finished

    # -- records and their indexes -----------------------------------------------------------------------------------

    def take_job_id(self) -> int:
        """The next job id; it is never given again, whatever becomes of this one."""
        self.next_job_id += 1
        return self.next_job_id - 1

    def add(self, job: Job) -> None:
        """Enter a record that is new in memory into all indexes."""
        self.jobs[job.job_id] = job
        if job.array:
            array = self.arrays.get(job.array.job_id)
            if array is None:
                array = self.arrays[job.array.job_id] = Array(job.array, job.request.array)
            if job.tasks is not None:
                array.rest = job
            elif job.task_id is not None:
                array.tasks[job.task_id] = job
                array.unfinished += not job.state.finished
                array.running += job.state.active
        if job.het_job_id:
            parts = self.het_jobs.setdefault(job.het_job_id, [])
            parts.append(job)
            parts.sort(key=lambda part: part.het_job_offset)
        if job.state.active:
            self.running.add(job)
        elif job.state.finished:
            self._to_purge.append((job.end_time + self.config.min_job_age, job))

    def changed(self, job: Job) -> None:
        """The record must be written."""
        self.journal.note(job)
        self.wake()

    def write(self, action: Callable[[Table], None]) -> None:
        """Something else must be written, together with the records that changed."""
        self.journal.note_write(action)
        self.wake()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Act once everything changed so far is durable."""
        self.journal.then(action)
        self.wake()

    def enter(self, job: Job, texts: Texts) -> "asyncio.Future[None]":
        """A newly submitted job. The future is done when it is stored, or fails with SlurmError: then it is gone."""
        self.add(job)
        self.wake()
        return self.journal.enter(job, texts)

    async def flushed(self) -> None:
        """Wait until everything changed so far is durable. Raises SlurmError where it cannot be written."""
        if not self.settled:
            self.wake()
            await self.journal.settled()

    def forget(self, job: Job) -> None:
        """Take a record out of memory; the table keeps it for accounting."""
        self.jobs.pop(job.job_id, None)
        self.needs.pop(job.job_id, None)
        if job.het_job_id and (parts := self.het_jobs.get(job.het_job_id)):
            parts.remove(job)
            if not parts:
                del self.het_jobs[job.het_job_id]
        if job.array and (array := self.arrays.get(job.array.job_id)):
            if job.task_id is not None and array.tasks.get(job.task_id) is job:
                del array.tasks[job.task_id]
                array.lost = array.lost or job.state is not State.COMPLETED
            if array.rest is job:
                array.rest = None
            if array.finished and not array.tasks and not array.rest:
                del self.arrays[job.array.job_id]

    # -- the waiting line --------------------------------------------------------------------------------------------

    def place_in_queue(self, job: Job) -> None:
        """Put a waiting job where it belongs now: in the line, or on what it waits for, with the reason."""
        self.leave_line(job)
        if not job.pending:
            return
        now = self.now()
        self.watch_deadline(job)
        if job.held:
            if job.reason not in HOLDS:
                job.reason = Reason.HELD_USER
            return
        if job.waits and self.dependencies.blocks(job):
            return
        if job.het_job_offset:
            return  # it starts with the first component
        begin = max(job.request.begin, job.eligible_time if job.restarts else 0)
        if begin > now:
            job.reason = Reason.BEGIN_TIME
            self.at(job, begin, lambda: self.place_in_queue(job))
            return
        if job.reason in (Reason.HELD_USER, Reason.HELD_ADMIN, Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.DEP_NEVER):
            job.reason = Reason.NONE
        if not job.accrue_time:
            job.eligible_time = job.accrue_time = now
            self.journal.note(job)
        insort(self.ready, (*self.rank(job), job))
        self.unjudged.add(job)
        self.wake()

    def rank(self, job: Job) -> tuple[int, int, int]:
        """What the waiting line is sorted by: the tier of its partition, its priority, its id."""
        tiers = [p.priority_tier for name in job.partition.split(",") if (p := self.partitions.get(name))]
        return -max(tiers, default=0), -job.priority, job.job_id

    def leave_line(self, job: Job) -> None:
        """The job waits for resources no more. Must come before its priority or partition changes."""
        at = bisect_left(self.ready, self.rank(job))
        if at < len(self.ready) and self.ready[at][-1] is job:
            del self.ready[at]
        self.unjudged.discard(job)

    def watch_deadline(self, job: Job) -> None:
        """End a job that still waits at its --deadline."""
        if job.request.deadline:
            self.at(job, job.request.deadline, lambda: cancel.miss_deadline(self, job), "deadline")

    # -- time --------------------------------------------------------------------------------------------------------

    def at(self, job: Job, when: float, action: Callable[[], None], what: str = "") -> None:
        """Do something at an epoch time, unless the job gets another appointment of that kind first."""
        if timer := self._timers.get((job.job_id, what)):
            timer.cancel()
        self._timers[job.job_id, what] = self.loop.call_later(max(0.0, when - self.now()), action)

    def no_timer(self, job: Job) -> None:
        """Drop the job's appointments."""
        for what in ("", "deadline", "signal"):
            if timer := self._timers.pop((job.job_id, what), None):
                timer.cancel()

    # -- the turn of the loop ----------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Settle at the end of this turn of the loop: decide, make durable, act."""
        if not self._settling:
            self._settling = True
            self.loop.call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        self.dispatcher.run()
        self.journal.settle()

    @property
    def settled(self) -> bool:
        """True while nothing waits to be decided or written."""
        return not self._settling and self.journal.clean

    def accepted(self, job: Job) -> None:
        """A new job has been stored: from now on it counts, and may start."""
        if job.pending:
            self.dependencies.watch(job)
            self.place_in_queue(job)

    # -- what executors report (see shim.executor.base.Events) ---------------------------------------------------------

    def started(self, job_id: int, restarts: int, handle: str, when: float) -> None:
        """A run has begun."""
        job = self.jobs.get(job_id)
        if job and job.restarts == restarts and job.state.active:
            job.handle = handle
            if job.state is not State.CONFIGURING:
                return  # the handle is written with the next change; where runs begin at once they are found without it
            for part in self.components(job):
                part.state = State.RUNNING
                part.start_time = when
                self.dispatcher.watch_limit(part)
                self.journal.note(part)
            for future in self.start_waiters.pop(job_id, ()):
                if not future.done():
                    future.set_result(None)
            if self._handles is None:  # no haste: the executor finds the run without it, too
                self._handles = self.loop.call_later(HANDLE_DELAY, self._save_handles)

    def _save_handles(self) -> None:
        self._handles = None
        self.wake()

    def finished(self, ended: Ended) -> None:
        """A run is over."""
        finish.finished(self, ended)

    def not_started(self, job_id: int, restarts: int, reason: str) -> None:
        """A run could not begin: the job waits on."""
        finish.not_started(self, job_id, restarts, reason)

    def capacity_changed(self) -> None:
        """An executor has other nodes now; what jobs need is told in the words of the nodes."""
        self.needs.clear()
        self.dispatcher.refresh_nodes()
        self.dispatcher.resources_freed()

    def called(self, call: RemoteCall) -> None:
        """A command was called inside a job that runs elsewhere."""
        self.on_call(call)

    # -- after a job has ended ----------------------------------------------------------------------------------------

    def over(self, job: Job) -> None:
        """A record has reached a final state: tell who waits, and plan to forget it."""
        self._to_purge.append((self.now() + self.config.min_job_age, job))
        self.no_timer(job)
        self.allocations.over(job)
        if len(self._to_purge) == 1:
            self.loop.call_later(self.config.min_job_age, self._purge)
        for job_id in {job.job_id, job.array_job_id}:
            if job_id in self._finish_waiters and self._is_over(job_id):
                for future in self._finish_waiters.pop(job_id):
                    if not future.done():
                        future.set_result(None)

    def _purge(self) -> None:
        """Forget finished jobs that are older than MinJobAge."""
        now = self.now()
        while self._to_purge and self._to_purge[0][0] <= now:
            job = self._to_purge.popleft()[1]
            if (
                job.state.finished
                and self.jobs.get(job.job_id) is job
                and job.end_time + self.config.min_job_age <= now
            ):
                if not self.journal.stored(job):
                    self._to_purge.append((now + RETRY_COMMIT, job))
                    break
                self.forget(job)
        if self._to_purge:
            self.loop.call_later(max(0.05, self._to_purge[0][0] - now), self._purge)

    def recover_endings(self) -> None:
        """After a start: go on ending the runs that were being ended, and watch the limits of the others."""
        for job in list(self.running):
            if job.ending and job.runs_script:
                self.executor_of(job).terminate(job, "", self.config.kill_wait)
            self.dispatcher.watch_limit(job)
        self.allocations.recover()
        laststeps.recover(self)

    def restore(self) -> None:
        """Read the table after a start: everything unfinished, and what ended less than MinJobAge ago."""
        recent = self.now() - self.config.min_job_age
        live = str(tuple(state.word for state in WAITING | ACTIVE))
        where = (
            f"state in {live} or end_time > ? or array_job_id in "
            f"(select array_job_id from job where array_job_id is not null and state in {live})"
        )
        losses = self.table.array_losses()
        for job in self.table.jobs(where, recent):
            self.add(job)
        for array_id in losses & self.arrays.keys():
            self.arrays[array_id].lost = True
        self.dispatcher.refresh_nodes()
        for job in self.running:
            self.dispatcher.hold_resources(job)
        for job in self.jobs.values():
            if not job.state.finished:
                self.dependencies.watch(job)
        for job in list(self.jobs.values()):
            if job.pending:
                self.place_in_queue(job)
        self._to_purge = deque(sorted(self._to_purge, key=lambda entry: entry[0]))
        if self._to_purge:
            self.loop.call_later(max(0.05, self._to_purge[0][0] - self.now()), self._purge)
        self.wake()
