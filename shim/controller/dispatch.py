"""Starting jobs: from the scheduler's decisions to launches."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shim.controller import cancel, finish, overrides, scratch
from shim.controller.launch import has_run, make_launch
from shim.executor.base import Ended, Launch, Target
from shim.grammar.array import IndexSet
from shim.grammar.hostlist import fold_hostlist
from shim.grammar.signal import parse_signal
from shim.job.record import Job, Share
from shim.job.request import UNLIMITED
from shim.job.states import Reason, State
from shim.scheduler.forecast import Forecast, make_forecast
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node
from shim.scheduler.placement import place
from shim.scheduler.plan import Start, View, expected_end, make_plan, seconds

if TYPE_CHECKING:
    from shim.controller.queue import Queue

TRAP_TIME = 5.0
"""Seconds that a run has to set its traps before ``--signal`` may reach it; Slurm looks every half minute only."""


class Dispatcher:
    """Runs the scheduler over one queue and carries out what it decides."""

    def __init__(self, queue: "Queue") -> None:
        self.queue = queue
        self.by_name: dict[str, Node] = {}
        self.by_partition: dict[str, list[Node]] = {}
        self._launches: list[Job] = []
        self._need_pass = False

    # -- nodes -------------------------------------------------------------------------------------------------------

    def refresh_nodes(self) -> None:
        """Take over the nodes that the executors have now, keeping what is allocated."""
        queue, old = self.queue, self.by_name
        nodes: dict[str, Node] = {}
        for kind, executor in queue.executors.items():
            for state in executor.nodes():
                partitions = tuple(
                    p.name
                    for p in queue.partitions.values()
                    if p.executor == kind
                    and (state.name in p.nodes or "ALL" in p.nodes)
                    and (state.partitions is None or p.name in state.partitions)
                )
                node = Node(state, kind, partitions)
                if before := old.get(state.name):
                    node.drained, node.drain_reason = before.drained, before.drain_reason
                    node.drain_time = before.drain_time
                else:
                    overrides.apply_to_node(queue, node)
                nodes[state.name] = node
        self.by_name = nodes
        queue.nodes = list(nodes.values())
        if old:
            for job in queue.running:
                self.hold_resources(job)
        self._index_partitions()

    def _index_partitions(self) -> None:
        self.by_partition = {
            name: sorted((n for n in self.queue.nodes if name in n.partitions), key=lambda n: n.base.weight)
            for name in self.queue.partitions
        }

    def partition_nodes(self, name: str) -> list[Node]:
        """The nodes of one partition in the order jobs are placed on them."""
        return self.by_partition.get(name, [])

    def hold_resources(self, job: Job) -> None:
        """The job holds its shares."""
        if job.state is State.SUSPENDED:
            return
        for share in job.shares:
            if node := self.by_name.get(share.node):
                node.allocate(share)

    def free_resources(self, job: Job) -> None:
        """The job's shares are free again."""
        for share in job.shares:
            if node := self.by_name.get(share.node):
                node.release(share)

    # -- a pass ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let the scheduler decide, and note what it decided in the records; launches follow the commit."""
        queue = self.queue
        if not queue.line.ready or not (queue.line.unjudged or self._need_pass):
            return
        self._need_pass = False
        view = self._view()
        plan = make_plan([entry[-1] for entry in queue.line.ready], view)
        for start in plan.starts:
            self._begin(start)
        for job, reason in plan.reasons.items():
            self._set_reason(job, reason, view.now)
        for job in queue.line.unjudged:  # the pass ended before it came to them: others go first
            if job not in plan.reasons and job.pending:
                self._set_reason(job, Reason.PRIORITY, view.now)
        queue.line.unjudged.clear()

    def _view(self) -> View:
        queue = self.queue
        return View(
            now=queue.now(),
            partitions=queue.partitions,
            nodes=self.by_partition,
            needs=queue.need,
            running_tasks=lambda array_id: queue.arrays[array_id].running,
            running=queue.running,
            components=queue.components,
            max_tests=queue.config.bf_max_job_test,
        )

    def forecast(self) -> dict[Job, Forecast]:
        """When and where waiting jobs are expected to start. Costs as much as a long pass: for those who ask only."""
        return make_forecast((entry[-1] for entry in self.queue.line.ready), self._view())

    def resources_freed(self) -> None:
        """Something that ready jobs wait for has become available."""
        self._need_pass = True
        self.queue.wake()

    def _set_reason(self, job: Job, reason: str, now: float) -> None:
        for part in self.queue.components(job):
            if part.pending and part.reason != reason:
                part.reason = str(reason)
                part.last_sched_eval = now
                self.queue.changed(part)

    def _begin(self, start: Start) -> None:
        queue = self.queue
        job = start.job
        if job.is_array_rest:
            assert job.tasks is not None
            job = self.split(job, job.tasks.first())
        else:
            queue.line.leave(job)
        self.allocate(job, start.partition, start.shares)

    def allocate(self, job: Job, partition: str, shares: tuple[Share, ...]) -> None:
        """The job gets its place: it runs, as far as the table is concerned."""
        queue, now = self.queue, self.queue.now()
        queue.no_timer(job)
        job.partition = partition
        job.shares = shares
        job.node_list = fold_hostlist([share.node for share in shares])
        job.reason = Reason.NONE
        job.start_time = job.last_sched_eval = now
        job.end_time = 0
        job.handle = job.ending = ""
        job.warned = False
        executor = queue.executor_of(job)
        job.state = State.CONFIGURING if executor.remote else State.RUNNING
        for share in shares:
            self.by_name[share.node].allocate(share)
        queue.running.add(job)
        if job.array:
            queue.arrays[job.array.job_id].running += 1
        queue.changed(job)
        queue.dependencies.unwatch(job)
        if not self._launches:
            queue.after_commit(self._launch)
        self._launches.append(job)

    def _launch(self) -> None:
        queue = self.queue
        jobs, self._launches = self._launches, []
        batches: dict[str, list[Launch]] = {}
        for job in jobs:
            if queue.jobs.get(job.job_id) is not job or not job.state.active:
                continue
            try:
                scratch.make(queue, job)
                if has_run(queue, job):
                    batches.setdefault(queue.executor_of(job).name, []).append(make_launch(queue, job))
            except OSError as error:
                now = queue.now()
                finish.finished(queue, Ended(job.job_id, job.restarts, 0, now, now, launch_failure=str(error)))
                continue
            if job.state is State.RUNNING:
                self.watch_limit(job)
            if queue.mailer:
                queue.mailer.on_change(job, "BEGIN")
            queue.dependencies.parent_started(job)
            for future in queue.start_waiters.pop(job.job_id, ()):
                if not future.done():
                    future.set_result(None)
        for name, launches in batches.items():
            queue.executors[name].start(launches)

    def watch_limit(self, job: Job) -> None:
        """End the job at its time limit, and send it the signal of ``--signal`` before."""
        if job.state is State.RUNNING and job.time_limit < UNLIMITED and not job.ending:
            end = job.start_time + job.suspended_for + seconds(job.time_limit)
            self.queue.at(job, end, lambda: finish.time_out(self.queue, job))
            if job.request.signal:
                self._watch_signal(job, end)

    def _watch_signal(self, job: Job, end: float) -> None:
        """A moment that is past is made up for, unless the signal was sent then."""
        moment = max(job.start_time + TRAP_TIME, end - parse_signal(job.request.signal).seconds)
        if not job.warned or moment > self.queue.now():
            self.queue.at(job, moment, lambda: self._warn(job), "signal")

    def _warn(self, job: Job) -> None:
        """Send the signal of ``--signal``."""
        wanted = parse_signal(job.request.signal)
        target = Target.BATCH if wanted.batch_only else Target.STEPS
        self.queue.executor_of(job).signal(job, wanted.number, target)
        job.warned = True
        self.queue.changed(job)

    def when_free(self, need: Need, nodes: Sequence[Node]) -> tuple[float, tuple[Share, ...] | None]:
        """When running jobs will have left enough room, by their time limits, and where (sbatch --test-only)."""
        now = self.queue.now()
        rooms = {node.name: node.copy_room() for node in nodes}
        for job in sorted(self.queue.running, key=lambda job: expected_end(job, now)):
            for share in job.shares:
                if share.node in rooms:
                    rooms[share.node].give(share)
            if shares := place(need, list(rooms.values())):
                return expected_end(job, now), shares
        return now, None

    # -- arrays ------------------------------------------------------------------------------------------------------

    def split(self, rest: Job, index: int) -> Job:
        """Give one pending task of an array a record of its own; the last one takes the array's record."""
        queue = self.queue
        assert rest.array is not None and rest.tasks is not None
        array = queue.arrays[rest.array.job_id]
        left = rest.tasks.without(index)
        if not left:
            queue.line.leave(rest)
            rest.tasks, rest.task_id = None, index
            array.rest = None
            array.tasks[index] = rest
            array.unfinished += 1
            queue.changed(rest)
            return rest
        rest.tasks = left
        task = Job(
            job_id=queue.take_job_id(),
            request=rest.request,
            user_id=rest.user_id,
            user_name=rest.user_name,
            group_id=rest.group_id,
            group_name=rest.group_name,
            submit_time=rest.submit_time,
            script_id=rest.script_id,
            environment_id=rest.environment_id,
            request_id=rest.request_id,
            array=rest.array,
            task_id=index,
            throttle=rest.throttle,
            reason=rest.reason,
            priority=rest.priority,
            eligible_time=rest.eligible_time,
            accrue_time=rest.accrue_time,
            waits=rest.waits,
            partition=rest.partition,
            time_limit=rest.time_limit,
            admin_comment=rest.admin_comment,
            system_comment=rest.system_comment,
        )
        if need := queue.needs.get(rest.job_id):
            queue.needs[task.job_id] = need
        queue.add(task)
        queue.dependencies.watch(task)
        queue.changed(task)
        queue.changed(rest)
        return task

    def split_all(self, rest: Job, tasks: IndexSet) -> list[Job]:
        """Give each of these pending tasks a record of its own and put it in its place in the queue."""
        records = []
        for index in tasks:
            if rest.tasks is not None and index in rest.tasks:
                records.append(self.split(rest, index))
        for job in records:
            self.queue.line.place(job)
        return records

    def cancel_invalid(self, job: Job) -> None:
        """A dependency can never be met and the job said to cancel it then."""
        cancel.end_pending(self.queue, job, State.CANCELLED, reason=Reason.DEP_NEVER)
