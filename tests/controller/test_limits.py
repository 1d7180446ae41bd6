"""Time limits of running jobs, as they stand after changes."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from shim.controller.dispatch import TRAP_TIME
from shim.job.record import Job
from shim.job.request import UNLIMITED
from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=2)) as it:
        yield it


def almost_over(world: World, seconds: float) -> Job:
    """A running job that has so much of its minute left."""
    job = world.submit(time_limit=1)
    job.start_time = world.queue.now() - 60 + seconds
    world.do(lambda: world.queue.dispatcher.watch_limit(job))
    return job


def test_a_limit_that_is_lifted_ends_nothing(world: World) -> None:
    lifted, watched = almost_over(world, 0.2), almost_over(world, 0.3)
    world.do(lambda: world.queue.update(lifted, None, {"time_limit": UNLIMITED}, user_id=0))

    async def until_ending() -> None:
        while not watched.ending:
            await asyncio.sleep(0.01)

    world.run(until_ending())
    assert (watched.ending, watched.state.word) == ("TIMEOUT", "COMPLETING")
    assert (lifted.ending, lifted.state.word) == ("", "RUNNING")


USR1 = 10


def warned(world: World) -> list[tuple[int, int]]:
    """The signals that were sent, once everything that is due has happened."""
    world.run(asyncio.sleep(0))
    world.settle()
    return [(job_id, signal) for job_id, signal, _ in world.executor.signals]


def running_for(world: World, job: Job, seconds: float) -> None:
    """Let the job have started so long ago."""
    job.start_time = world.queue.now() - seconds
    world.do(lambda: world.queue.changed(job))


def test_a_signal_that_was_due_without_a_controller_is_sent_once(world: World) -> None:
    job = world.submit(time_limit=1, signal="B:USR1@20")
    running_for(world, job, 45)
    assert warned(world) == []
    world.crash()
    assert warned(world) == [(job.job_id, USR1)]
    world.crash()
    assert warned(world) == [(job.job_id, USR1)]


def test_a_script_has_time_to_set_its_traps(world: World) -> None:
    job = world.submit(time_limit=1, signal="B:USR1@60")
    world.do(lambda: world.queue.dispatcher.watch_limit(job))
    assert warned(world) == []
    running_for(world, job, TRAP_TIME)
    world.do(lambda: world.queue.dispatcher.watch_limit(job))
    assert warned(world) == [(job.job_id, USR1)]


def test_each_run_is_signalled(world: World) -> None:
    job = world.submit(time_limit=1, signal="B:USR1@60")
    for run in (1, 2):
        running_for(world, job, 30)
        world.do(lambda: world.queue.dispatcher.watch_limit(job))
        assert warned(world) == [(job.job_id, USR1)] * run
        world.do(lambda: world.queue.requeue(job, user_id=0))
        world.end(job.job_id)
        assert job.state.word == "RUNNING"
