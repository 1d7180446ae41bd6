"""Dependencies in the queue, against a reference that looks at everything again after each step."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shim.grammar.array import IndexSet
from tests.controller.harness import World

FAILED = 256


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=10_000)) as it:
        yield it


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("afterok", 0, ""),
        ("afterok", FAILED, "DependencyNeverSatisfied"),
        ("afterok", 9, "DependencyNeverSatisfied"),
        ("afternotok", 0, "DependencyNeverSatisfied"),
        ("afternotok", FAILED, ""),
        ("afterany", 0, ""),
        ("afterany", FAILED, ""),
        ("aftercorr", 0, ""),
        ("aftercorr", FAILED, "DependencyNeverSatisfied"),
    ],
)
def test_each_kind_on_a_parent_that_ends(world: World, kind: str, status: int, reason: str) -> None:
    parent = world.submit()
    child = world.submit(dependency=f"{kind}:{parent.job_id}")
    assert (child.state.word, child.reason) == ("PENDING", "Dependency")
    world.crash()
    world.end(parent.job_id, status)
    job = world.queue.jobs[child.job_id]
    assert (job.state.word, job.reason) == (("PENDING", reason) if reason else ("RUNNING", "None"))
    assert str(job.waits) == (f"{kind}:{parent.job_id}(failed)" if reason else "")


def test_after_needs_only_the_start(world: World) -> None:
    parent = world.submit(hold=True)
    child = world.submit(dependency=f"after:{parent.job_id}")
    assert child.pending
    world.do(lambda: world.queue.release(parent, user_id=world.queue.user_id))
    assert world.state(child.job_id) == "RUNNING"


def test_an_unknown_parent_counts_as_met_for_every_kind(world: World) -> None:
    for kind in ("after", "afterok", "afternotok", "afterany", "aftercorr"):
        child = world.submit(dependency=f"{kind}:9999")
        assert child.state.word == "RUNNING"


def test_any_of_several(world: World) -> None:
    one, two = world.submit(), world.submit()
    child = world.submit(dependency=f"afterok:{one.job_id}?afterok:{two.job_id}")
    world.end(one.job_id, FAILED)
    assert child.reason == "Dependency"
    world.end(two.job_id)
    assert child.state.word == "RUNNING"


def test_a_task_of_b_starts_before_all_of_a_have_ended(world: World) -> None:
    first = world.submit(array="1-3")
    second = world.submit(array="1-3", dependency=f"aftercorr:{first.job_id}")
    assert second.pending and len(second.tasks or ()) == 3
    tasks = {job.task_id: job.job_id for job in world.queue.array_records(first.job_id)}
    world.end(tasks[2])
    world.end(tasks[3], FAILED)
    assert world.state(second.job_id, 2) == "RUNNING"
    assert world.queue.find(second.job_id, 3)[0].reason == "DependencyNeverSatisfied"
    assert world.state(second.job_id, 1) == "PENDING"
    world.crash()
    world.end(tasks[1])
    assert world.state(second.job_id, 1) == "RUNNING"


def test_tasks_without_counterpart_wait_for_the_whole_array(world: World) -> None:
    first = world.submit(array="1-2")
    second = world.submit(array="1-4", dependency=f"aftercorr:{first.job_id}")
    tasks = {job.task_id: job.job_id for job in world.queue.array_records(first.job_id)}
    world.end(tasks[1])
    assert world.state(second.job_id, 1) == "RUNNING"
    assert world.state(second.job_id, 4) == "PENDING"
    world.end(tasks[2])
    assert {world.state(second.job_id, task) for task in (1, 2, 3, 4)} == {"RUNNING"}


def test_singletons_run_one_after_the_other_in_order_over_a_crash(world: World) -> None:
    jobs = [world.submit(job_name="ModelTraining", dependency="singleton") for _ in range(3)]
    other = world.submit(job_name="other", dependency="singleton")
    assert [job.state.word for job in (*jobs, other)] == ["RUNNING", "PENDING", "PENDING", "RUNNING"]
    world.crash()
    world.end(jobs[0].job_id, FAILED)
    assert [world.state(job.job_id) for job in jobs] == ["FAILED", "RUNNING", "PENDING"]
    world.end(jobs[1].job_id)
    assert world.state(jobs[2].job_id) == "RUNNING"


def test_a_singleton_need_not_wait_for_a_job_that_was_given_another_name(world: World) -> None:
    held = world.submit(job_name="x", hold=True)
    first, second = (world.submit(job_name="x", dependency="singleton") for _ in range(2))
    user = world.queue.user_id
    world.do(lambda: world.queue.update(held, None, {"job_name": "y"}, user_id=user))
    assert [world.state(job.job_id) for job in (held, first, second)] == ["PENDING", "RUNNING", "PENDING"]
    world.do(lambda: world.queue.cancel(first, user_id=user))
    world.end(first.job_id, 15)
    assert world.state(second.job_id) == "RUNNING"


def test_kill_on_invalid_dep_cancels_and_cascades(world: World) -> None:
    parent = world.submit()
    child = world.submit(dependency=f"afterok:{parent.job_id}", kill_on_invalid_dep=True)
    grandchild = world.submit(dependency=f"afternotok:{child.job_id}")
    world.end(parent.job_id, FAILED)
    assert (world.state(child.job_id), child.cancelled_by) == ("CANCELLED", -1)
    assert world.state(grandchild.job_id) == "RUNNING"


def test_circles_are_refused(world: World) -> None:
    first = world.submit(hold=True)
    second = world.submit(dependency=f"afterok:{first.job_id}")
    user = world.queue.user_id
    error = world.do(lambda: world.queue.update(first, None, {"dependency": f"afterok:{second.job_id}"}, user_id=user))
    assert error and error.text == "Circular job dependency"
    error = world.do(lambda: world.queue.update(first, None, {"dependency": f"afterok:{first.job_id}"}, user_id=user))
    assert error and error.text == "Job dependency problem"


def test_a_requeued_parent_has_not_ended(world: World) -> None:
    parent = world.submit()
    child = world.submit(dependency=f"afterany:{parent.job_id}")
    world.do(lambda: world.queue.requeue(parent, user_id=world.queue.user_id))
    world.end(parent.job_id, 15)
    assert world.state(parent.job_id) == "RUNNING"
    assert world.state(child.job_id) == "PENDING"
    world.end(parent.job_id)
    assert world.state(child.job_id) == "RUNNING"


@dataclass
class Thing:
    """A job or array in the reference: the state of each of its tasks (None is a plain job's only one).

    A task that was cancelled while it was part of the array's rest is gone: it has no record, so nobody knows it by
    itself, but the array as a whole is not ok.
    """

    tasks: dict[int | None, str]  # waiting, running, ok, bad, gone
    terms: list[tuple[str, int, int | None]] = field(default_factory=list)
    any: bool = False
    name: str = ""


OVER = {"ok", "bad", "gone"}


class DependencyMachine(RuleBasedStateMachine):
    """Random graphs of jobs and arrays; a task runs exactly if the reference says that its conditions are met."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(cpus=10_000)
        self.things: dict[int, Thing] = {}

    def teardown(self) -> None:
        self.world.close()

    # -- the reference -----------------------------------------------------------------------------------------------

    def _term(self, term: tuple[str, int, int | None], task: int | None, me: int) -> str:
        kind, parent_id, parent_task = term
        if kind == "singleton":
            mine = self.things[me].name
            earlier = [
                state
                for job_id, other in self.things.items()
                if job_id < me and other.name == mine
                for state in other.tasks.values()
            ]
            return "met" if all(state in OVER for state in earlier) else "open"
        parent = self.things[parent_id].tasks
        if kind == "aftercorr" and task is not None and parent.get(task, "gone") != "gone":
            states = [parent[task]]
        elif parent_task is not None:
            if parent.get(parent_task, "gone") == "gone":
                return "met"
            states = [parent[parent_task]]
        else:
            states = list(parent.values())
        if kind == "after":
            return "met" if all(state in OVER | {"running"} for state in states) else "open"
        if any(state not in OVER for state in states):
            return "open"
        fine = all(state == "ok" for state in states)
        if kind == "afterany":
            return "met"
        return "met" if fine == (kind != "afternotok") else "failed"

    def _expected(self, me: int, task: int | None) -> str:
        thing = self.things[me]
        outcomes = [self._term(term, task, me) for term in thing.terms]
        if thing.any and thing.terms:
            return "run" if "met" in outcomes else "never" if set(outcomes) == {"failed"} else "wait"
        return "never" if "failed" in outcomes else "run" if set(outcomes) <= {"met"} else "wait"

    def _advance(self) -> None:
        """Let the reference start everything that may start, until nothing changes."""
        changed = True
        while changed:
            changed = False
            for me, thing in self.things.items():
                for task, state in thing.tasks.items():
                    if state == "waiting" and self._expected(me, task) == "run":
                        thing.tasks[task] = "running"
                        changed = True

    # -- what happens ------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.things) < 8)
    @rule(
        data=st.data(),
        array=st.sampled_from(["", "", "1-3", "2-4", "1"]),
        any_of=st.booleans(),
        name=st.sampled_from(["a", "b"]),
        count=st.integers(0, 3),
    )
    def submit(self, data: st.DataObject, array: str, any_of: bool, name: str, count: int) -> None:
        kinds = ["after", "afterok", "afternotok", "afterany", "aftercorr"]
        terms: list[tuple[str, int, int | None]] = []
        for _ in range(count if self.things else 0):
            parent = data.draw(st.sampled_from(sorted(self.things)))
            task = data.draw(st.sampled_from([None, None, 2]))
            kind = data.draw(st.sampled_from(kinds if task is None else kinds[:-1]))
            if any(state == "ok" or state == "bad" for state in self.things[parent].tasks.values()):
                continue  # parents that have partly ended are the table tests' business
            if task is not None and task not in self.things[parent].tasks:
                task = None
            terms.append((kind, parent, task))
        if data.draw(st.integers(0, 4)) == 0 and not any_of:
            terms.append(("singleton", 0, None))
        text = ("?" if any_of else ",").join(
            kind if kind == "singleton" else f"{kind}:{parent}" + ("" if task is None else f"_{task}")
            for kind, parent, task in terms
        )
        job = self.world.submit(array=array, dependency=text, job_name=name)
        tasks: list[int | None] = list(IndexSet.parse(array)) if array else [None]
        self.things[job.job_id] = Thing(dict.fromkeys(tasks, "waiting"), terms, any_of, name)
        self._advance()

    @precondition(lambda self: self.world.executor.running)
    @rule(data=st.data(), status=st.sampled_from([0, 0, FAILED, 15]))
    def finish(self, data: st.DataObject, status: int) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.world.executor.running)))
        job = self.world.queue.jobs[job_id]
        self.things[job.array_job_id or job_id].tasks[job.task_id] = "bad" if status else "ok"
        self.world.end(job_id, status)
        self._advance()

    @precondition(lambda self: self.things)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        me = data.draw(st.sampled_from(sorted(self.things)))
        waiting = [task for task, state in self.things[me].tasks.items() if state == "waiting"]
        if not waiting:
            return
        task = data.draw(st.sampled_from(waiting))
        (job,) = self.world.queue.find(me, task)
        only = IndexSet.from_iterable([task]) if task is not None and job.is_array_rest else None
        self.world.do(lambda: self.world.queue.cancel(job, only, user_id=self.world.queue.user_id))
        self.things[me].tasks[task] = "gone" if only else "bad"
        self._advance()

    @rule()
    def crash(self) -> None:
        self.world.crash()

    @invariant()
    def the_queue_agrees_with_the_reference(self) -> None:
        for me, thing in self.things.items():
            for task, state in thing.tasks.items():
                records = self.world.queue.find(me, task)
                if not records:
                    assert state == "gone", (me, task, state)
                    continue
                (job,) = records
                if state == "running":
                    assert job.state.word == "RUNNING", (me, task, str(job.waits), job.reason)
                elif state == "waiting":
                    expected = {"wait": "Dependency", "never": "DependencyNeverSatisfied"}[self._expected(me, task)]
                    assert (job.state.word, job.reason) == ("PENDING", expected), (me, task, str(job.waits))
                else:
                    assert job.state.finished, (me, task)


TestDependencyMachine = DependencyMachine.TestCase
TestDependencyMachine.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
