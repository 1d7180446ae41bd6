"""Jobs whose script is over before all of its steps are: COMPLETING, and how they ended is known already."""

import contextlib
from collections.abc import Iterator

import pytest

from shim.executor.base import Ended
from shim.job.record import Job
from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=4)) as it:
        yield it


def script_over(world: World, job: Job, status: int, restarts: int = 0) -> None:
    now = world.queue.now()
    world.do(lambda: world.queue.script_over(Ended(job.job_id, restarts, status, now, now)))


def test_its_end_is_known(world: World) -> None:
    job = world.submit()
    script_over(world, job, 3 << 8)
    assert (job.state.code, job.reason, job.exit_status) == ("CG", "NonZeroExitCode", 3 << 8)
    end = job.end_time
    world.crash()
    job = world.queue.jobs[job.job_id]
    assert (job.state.code, world.executor.ending) == ("CG", set()), "nobody needs to end it"
    world.end(job.job_id, 0, node_failure="its supervisor died")
    assert (job.state.code, job.reason, job.exit_status, job.batch_status) == ("F", "NonZeroExitCode", 768, 768)
    assert job.end_time == end


def test_what_it_has_left_behind_keeps_its_resources(world: World) -> None:
    job, child = world.submit(cpus_per_task=4), world.submit()
    script_over(world, job, 0)
    assert (child.state.code, world.queue.nodes[0].alloc_cpus) == ("PD", 4)
    world.end(job.job_id)
    assert (job.state.code, child.state.code) == ("CD", "R")


def test_it_can_be_requeued(world: World) -> None:
    job = world.submit()
    script_over(world, job, 0)
    user = world.queue.user_id
    assert world.do(lambda: world.queue.cancel(job, user_id=user)) is not None
    assert world.do(lambda: world.queue.hold(job, user_id=user)) is not None
    assert not world.do(lambda: world.queue.requeue(job, user_id=user))
    assert not world.executor.ending
    world.end(job.job_id)
    assert (job.state.code, job.restarts) == ("R", 1)
    script_over(world, job, 0, restarts=0)
    assert job.state.code == "R", "this is about another run"


def test_a_job_that_is_being_ended_is_not_ended_by_its_script(world: World) -> None:
    job = world.submit()
    world.do(lambda: world.queue.cancel(job, user_id=world.queue.user_id))
    script_over(world, job, 0)
    world.end(job.job_id, 15)
    assert job.state.code == "CA"
