"""The controller's book of steps: limits, states, derived exit codes."""

import asyncio
from collections.abc import Iterator

import pytest

from shim.job.record import Job, Step
from shim.job.request import UNLIMITED
from shim.job.states import State
from shim.scheduler.stepplacement import StepRequest
from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    it = World()
    yield it
    it.close()


def begin(world: World, job: Job, told: list[tuple[bytes, bytes]], age: float = 0, limit: int = UNLIMITED) -> Step:
    """A step of one task that began ``age`` seconds ago."""
    step = Step(job.job_id, job.restarts, str(job.next_step_id), "step", start_time=world.queue.now() - age)
    step.time_limit = limit
    job.next_step_id += 1

    def start() -> None:
        placed = world.queue.step_table.place(job, StepRequest(exact=True))
        assert placed is not None
        world.queue.step_table.begin(job, placed, step, lambda kind, data: told.append((kind, data)))

    world.do(start)
    return step


def stored(world: World, step: Step) -> Step:
    (row,) = world.table.steps("job_id = ? and step_id = ?", step.job_id, step.step_id)
    return row


def test_a_step_ends_at_its_limit(world: World) -> None:
    told: list[tuple[bytes, bytes]] = []
    job = world.submit(ntasks=2)
    begin(world, job, told, age=59, limit=1)
    assert told == []
    step = begin(world, job, told, age=60, limit=1)
    world.run(asyncio.sleep(0))
    assert told == [(b"T", b" DUE TO TIME LIMIT")]
    step.exit_status = 15
    world.do(lambda: world.queue.step_table.end(step, world.queue.now()))
    assert stored(world, step).state is State.TIMEOUT


def test_states_and_the_derived_exit_code(world: World) -> None:
    job = world.submit()
    states = []
    for status in (0, 3 << 8, 1 << 8, 9):
        step = begin(world, job, [])
        step.exit_status = status
        world.do(lambda step=step: world.queue.step_table.end(step, world.queue.now()))  # type: ignore[misc]
        states.append(stored(world, step).state)
    assert states == [State.COMPLETED, State.FAILED, State.FAILED, State.CANCELLED]
    assert job.derived_exit_status == 3 << 8


def test_the_end_of_a_job_is_told_to_its_steps_and_ends_them(world: World) -> None:
    told: list[tuple[bytes, bytes]] = []
    job = world.submit()
    step = begin(world, job, told)
    world.do(lambda: world.queue.cancel(job, user_id=world.queue.user_id))
    assert told == [(b"A", b"")]
    world.end(job.job_id, 15)
    assert (stored(world, step).state, stored(world, step).exit_status) == (State.CANCELLED, 15)
    assert not world.queue.steps(job)
