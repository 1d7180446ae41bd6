"""Time limits of running jobs, as they stand after changes."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

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
