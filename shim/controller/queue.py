"""The queue: every job that waits, runs or ended lately, in memory, with the job table behind it.

All of it happens in one event loop. A change is made in memory, noted in the journal, and made durable with
everything else that changed in the same turn of the loop; only then is it acted upon: runs are started, answers are
sent. So a job whose id anybody has seen is on disk, and a run never starts that the table does not know.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.config.settings import Config, PartitionConfig
from shim.controller import cancel, finish, laststeps, modify, overrides, requeue
from shim.controller.allocations import Allocations
from shim.controller.dispatch import Dispatcher
from shim.controller.endings import Endings
from shim.controller.journal import Journal
from shim.controller.line import Line
from shim.controller.records import Records
from shim.controller.steps import Steps
from shim.controller.submit import Estimate, Submitted, Texts, accept, estimate
from shim.controller.waiting import Dependencies
from shim.executor.base import Ended, Executor, RemoteCall, Target
from shim.grammar.array import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.request import Request
from shim.job.states import ACTIVE, WAITING, State
from shim.scheduler.need import Need, need_of
from shim.scheduler.nodes import Node
from shim.table.table import Table

if TYPE_CHECKING:
    from shim.controller.mail import Mailer

HANDLE_DELAY = 0.2
"""Seconds until the handle of a run that has begun is written, if nothing else is written before."""


class Queue(Records):
    """The live queue of one controller. Operations that are refused raise SlurmError."""

    def __init__(self, config: Config, table: Table, executors: Mapping[str, Executor], state_dir: Path) -> None:
        super().__init__()
        self.config = config
        self.state_dir = state_dir
        self.user_id = os.getuid()
        self.table = table
        self.executors = executors
        self.partitions: dict[str, PartitionConfig] = overrides.partitions(self)
        self.node_overrides = table.overrides(overrides.NODE)
        self.nodes: list[Node] = []
        self.needs: dict[int, Need] = {}
        self.job_count = config.max_job_count  # at most so many jobs and tasks are in memory (see submit)
        self.line = Line(self)
        self.endings = Endings(self)
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
        waiting = self.line.take_all()
        self.partitions = partitions
        self.dispatcher.refresh_nodes()
        for job in waiting:
            self.line.place(job)

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

    # -- records and their indexes -----------------------------------------------------------------------------------

    def take_job_id(self) -> int:
        """The next job id; it is never given again, whatever becomes of this one."""
        self.next_job_id += 1
        return self.next_job_id - 1

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

    def forget(self, job: Job) -> None:
        """Take a record out of memory; the table keeps it for accounting."""
        super().forget(job)
        self.needs.pop(job.job_id, None)

    async def flushed(self) -> None:
        """Wait until everything changed so far is durable. Raises SlurmError where it cannot be written."""
        if not self.settled:
            self.wake()
            await self.journal.settled()

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
            self.line.place(job)

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

    def script_over(self, ended: Ended) -> None:
        """The script of a run has ended, not all of its steps."""
        finish.script_over(self, ended)

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

    def recover_endings(self) -> None:
        """After a start: go on ending the runs that were being ended, and watch the limits of the others."""
        for job in list(self.running):
            if job.ending and job.runs_script and not job.script_over:
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
                self.line.place(job)
        self.endings.restored()
        self.wake()
