"""Arrays in the queue: one record until something happens to a part, and never an index in two places."""

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shim.grammar.array import IndexSet, parse_array
from shim.job.record import Job
from shim.job.states import State
from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=2)) as it:
        yield it


def shown(world: World, array_id: int) -> list[tuple[str, str]]:
    """(id, state) of all records of an array."""
    return [
        (f"[{job.tasks}]" if job.is_array_rest else str(job.task_id), job.state.code)
        for job in world.queue.array_records(array_id)
    ]


def test_an_array_is_one_record_until_its_tasks_start(world: World) -> None:
    array = world.submit(array="0-999", hold=True)
    assert len(world.queue.jobs) == 1
    assert shown(world, array.job_id) == [("[0-999]", "PD")]
    rows = world.table.db.execute("select array_tasks from job").fetchall()
    assert rows == [("0-999",)]


def test_tasks_get_ids_as_they_start_and_the_last_one_takes_the_arrays(world: World) -> None:
    array = world.submit(array="0-2")
    first, second = world.executor.order
    assert array.job_id not in (first, second)
    world.end(first)
    assert world.executor.order[-1] == array.job_id
    assert world.queue.jobs[array.job_id].task_id == 2


def test_the_throttle_holds_and_can_be_changed_while_the_array_runs(world: World) -> None:
    array = world.submit(array="0-9%1")
    assert len(world.executor.running) == 1
    assert array.reason == "JobArrayTaskLimit"
    assert not world.do(lambda: world.queue.update(array, None, {"throttle": 2}, user_id=world.queue.user_id))
    assert len(world.executor.running) == 2
    world.crash()
    world.end(world.executor.order[0])
    assert len(world.executor.running) == 2


def test_one_task_can_be_held_while_the_rest_runs(world: World) -> None:
    array = world.submit(array="0-3", hold=True)
    user = world.queue.user_id
    world.do(lambda: world.queue.release(array, IndexSet.parse("1"), user_id=user))
    assert [launch.job.task_id for launch in world.executor.running.values()] == [1]
    assert shown(world, array.job_id) == [("[0,2-3]", "PD"), ("1", "R")]


def test_cancelled_pending_tasks_vanish_and_the_array_is_not_ok(world: World) -> None:
    array = world.submit(array="0-3", hold=True)
    child = world.submit(dependency=f"afterok:{array.job_id}")
    user = world.queue.user_id
    world.do(lambda: world.queue.cancel(array, IndexSet.parse("0-2"), user_id=user))
    assert shown(world, array.job_id) == [("[3]", "PD")]
    world.do(lambda: world.queue.release(array, None, user_id=user))
    world.crash()
    world.end(array.job_id)
    assert world.queue.jobs[child.job_id].reason == "DependencyNeverSatisfied"


class ArrayMachine(RuleBasedStateMachine):
    """Random lives of arrays; after each step every index is in exactly one place."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(cpus=3)
        self.specs: dict[int, IndexSet] = {}
        self.limits: dict[int, int] = {}
        self.cancelled: dict[int, set[int]] = {}
        self.requeued: set[int] = set()

    def teardown(self) -> None:
        self.world.close()

    def _user(self) -> int:
        return self.world.queue.user_id

    def _records(self) -> list[Job]:
        return [job for array_id in self.specs for job in self.world.queue.array_records(array_id)]

    @precondition(lambda self: len(self.specs) < 4)
    @rule(
        spec=st.sampled_from(["0-5", "1,3,5-9", "0-20:4", "7", "0-30"]),
        limit=st.integers(0, 3),
        hold=st.booleans(),
    )
    def submit(self, spec: str, limit: int, hold: bool) -> None:
        text = f"{spec}%{limit}" if limit else spec
        job = self.world.submit(array=text, hold=hold)
        self.specs[job.job_id] = parse_array(text).indices
        self.limits[job.job_id] = limit
        self.cancelled[job.job_id] = set()

    @precondition(lambda self: self.world.executor.running)
    @rule(data=st.data(), status=st.sampled_from([0, 0, 256, 9]))
    def finish(self, data: st.DataObject, status: int) -> None:
        self.world.end(data.draw(st.sampled_from(sorted(self.world.executor.running))), status)

    @precondition(lambda self: self.specs)
    @rule(data=st.data(), part=st.sampled_from(["0-2", "3", "5-30", "0-30"]))
    def cancel_part(self, data: st.DataObject, part: str) -> None:
        array_id = data.draw(st.sampled_from(sorted(self.specs)))
        tasks = IndexSet.parse(part)
        for job in self.world.queue.array_records(array_id):
            if job.is_array_rest and job.pending:
                self.cancelled[array_id] |= set(job.tasks & tasks)  # type: ignore[operator]
                if job.tasks & tasks:  # type: ignore[operator]
                    self.world.do(lambda job=job: self.world.queue.cancel(job, tasks, user_id=self._user()))
            elif job.task_id in tasks and not job.state.finished:
                self.world.do(lambda job=job: self.world.queue.cancel(job, user_id=self._user()))

    @precondition(lambda self: self.specs)
    @rule(data=st.data(), part=st.sampled_from(["1", "0-3", "4-30", None]), hold=st.booleans())
    def hold_or_release(self, data: st.DataObject, part: str | None, hold: bool) -> None:
        array_id = data.draw(st.sampled_from(sorted(self.specs)))
        tasks = IndexSet.parse(part) if part else None
        operation = self.world.queue.hold if hold else self.world.queue.release
        for job in self.world.queue.array_records(array_id):
            if not job.pending or (tasks and job.task_id is not None and job.task_id not in tasks):
                continue
            if tasks and job.tasks is not None and not job.tasks & tasks:
                continue
            self.world.do(lambda job=job: operation(job, tasks, user_id=self._user()))

    @precondition(lambda self: self.world.executor.running)
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.world.executor.running)))
        job = self.world.queue.jobs[job_id]
        if not self.world.do(lambda: self.world.queue.requeue(job, user_id=self._user())):
            self.requeued.add(job_id)

    @precondition(lambda self: self.specs)
    @rule(data=st.data(), limit=st.integers(0, 4))
    def throttle(self, data: st.DataObject, limit: int) -> None:
        array_id = data.draw(st.sampled_from(sorted(self.specs)))
        jobs = [job for job in self.world.queue.array_records(array_id) if not job.state.finished]
        running = sum(job.state.active for job in jobs)
        if jobs and (limit == 0 or running <= limit):
            self.world.do(lambda: self.world.queue.update(jobs[0], None, {"throttle": limit}, user_id=self._user()))
            self.limits[array_id] = limit

    @rule()
    def crash(self) -> None:
        self.world.crash()

    @invariant()
    def every_index_is_in_exactly_one_place(self) -> None:
        for array_id, indices in self.specs.items():
            places: list[int] = []
            for job in self.world.queue.array_records(array_id):
                if job.tasks is not None:
                    places += list(job.tasks)
                    if job.state is State.CANCELLED:
                        self.cancelled[array_id] -= set(job.tasks)
                else:
                    assert job.task_id is not None
                    places.append(job.task_id)
            places += [index for index in self.cancelled[array_id] if index not in places]
            assert sorted(places) == sorted(indices)

    @invariant()
    def the_throttle_is_never_exceeded(self) -> None:
        for array_id, limit in self.limits.items():
            running = [job for job in self.world.queue.array_records(array_id) if job.state.active]
            assert not limit or len(running) <= limit
            assert self.world.queue.arrays[array_id].running == len(running)

    @invariant()
    def nothing_runs_twice_under_one_number(self) -> None:
        launched = self.world.executor.launched
        assert len(set(launched)) == len(launched)
        once = [job_id for job_id, _ in launched if job_id not in self.requeued]
        assert len(set(once)) == len(once)

    @invariant()
    def what_runs_is_what_holds_resources(self) -> None:
        active = {job.job_id for job in self._records() if job.state.active}
        assert active == set(self.world.executor.running)
        assert sum(node.alloc_cpus for node in self.world.queue.nodes) == len(active)

    @invariant()
    def nothing_idles_that_could_run(self) -> None:
        free = sum(node.room.cpus for node in self.world.queue.nodes)
        if not free:
            return
        for job in self._records():
            if job.pending and not job.held:
                limit = self.limits[job.array_job_id]
                assert limit and self.world.queue.arrays[job.array_job_id].running >= limit

    @invariant()
    def the_table_says_the_same(self) -> None:
        kept = {job.job_id: job for job in self.world.table.jobs("1")}
        for job in self._records():
            row = kept[job.job_id]
            assert (row.state, row.task_id, row.tasks, row.priority, row.restarts, row.shares) == (
                job.state, job.task_id, job.tasks, job.priority, job.restarts, job.shares)  # fmt: skip


TestArrayMachine = ArrayMachine.TestCase
TestArrayMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
