"""Heterogeneous jobs: their components start together, the first one's script runs, and they end together."""

import contextlib
from collections.abc import Iterator

import pytest

from shim.job.record import Job
from shim.job.request import Request
from tests.controller.harness import Submission, World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=4)) as it:
        yield it


def submit(world: World, *cpus: int, **request: object) -> list[Job]:
    parts = [Submission(Request(job_name="het", work_dir="/", cpus_per_task=count, **request)) for count in cpus]
    first: Job = world.run(world.queue.submit(list(parts)))
    world.settle()
    return world.queue.components(first)


def codes(world: World, parts: list[Job]) -> list[str]:
    return [world.queue.jobs[part.job_id].state.code for part in parts]


def test_they_start_and_end_together_and_one_script_runs(world: World) -> None:
    parts = submit(world, 1, 2)
    assert codes(world, parts) == ["R", "R"]
    assert world.executor.launched == [(parts[0].job_id, 0)]
    world.crash()
    world.end(parts[0].job_id, 256)
    assert codes(world, parts) == ["F", "F"]
    assert world.queue.nodes[0].alloc_cpus == 0


def test_none_starts_before_all_fit(world: World) -> None:
    blocker = world.submit(cpus_per_task=2, time_limit=60)
    parts = submit(world, 1, 3)
    assert codes(world, parts) == ["PD", "PD"]
    assert {part.reason for part in parts} == {"Resources"}
    assert world.queue.nodes[0].alloc_cpus == 2
    small = world.submit(cpus_per_task=2)
    assert small.state.code == "PD", "it would delay the job that was promised its turn"
    world.end(blocker.job_id)
    assert codes(world, parts) == ["R", "R"]


@pytest.mark.parametrize("which", [0, 1])
def test_cancelling_any_of_them_cancels_all(world: World, which: int) -> None:
    user = world.queue.user_id
    waiting = submit(world, 1, 1, hold=True)
    assert not world.do(lambda: world.queue.cancel(waiting[which], user_id=user))
    assert codes(world, waiting) == ["CA", "CA"]
    running = submit(world, 1, 1)
    assert not world.do(lambda: world.queue.cancel(running[which], user_id=user))
    assert codes(world, running) == ["CG", "CG"]
    world.end(running[0].job_id, 15)
    assert codes(world, running) == ["CA", "CA"]


def test_none_starts_while_one_is_held(world: World) -> None:
    user = world.queue.user_id
    parts = submit(world, 1, 1, 1, hold=True)
    for which, reasons in (
        (0, ["Resources", "JobHeldUser", "JobHeldUser"]),
        (2, ["Resources", "JobHeldUser", "Resources"]),
    ):
        world.do(lambda which=which: world.queue.release(parts[which], user_id=user))
        assert [part.reason for part in parts] == reasons
    world.do(lambda: world.queue.release(parts[1], user_id=user))
    assert codes(world, parts) == ["R", "R", "R"]


def test_a_hold_of_one_keeps_all_in_the_queue(world: World) -> None:
    user = world.queue.user_id
    blocker = world.submit(cpus_per_task=4)
    parts = submit(world, 1, 1)
    world.do(lambda: world.queue.hold(parts[1], user_id=user))
    world.end(blocker.job_id)
    assert codes(world, parts) == ["PD", "PD"]
    world.crash()
    assert codes(world, parts) == ["PD", "PD"]
    world.do(lambda: world.queue.release(world.queue.jobs[parts[1].job_id], user_id=user))
    assert codes(world, parts) == ["R", "R"]


def test_all_are_suspended_and_resumed_together(world: World) -> None:
    parts = submit(world, 1, 2)
    assert world.do(lambda: world.queue.suspend(parts[1], user_id=0)) is not None
    world.do(lambda: world.queue.suspend(parts[0], user_id=0))
    assert codes(world, parts) == ["S", "S"]
    assert world.queue.nodes[0].alloc_cpus == 0
    world.do(lambda: world.queue.resume(parts[0], user_id=0))
    assert codes(world, parts) == ["R", "R"]
    assert world.queue.nodes[0].alloc_cpus == 3


def test_a_requeue_is_for_all(world: World) -> None:
    user = world.queue.user_id
    parts = submit(world, 1, 1)
    world.do(lambda: world.queue.requeue(parts[0], user_id=user))
    world.end(parts[0].job_id, 15)
    assert codes(world, parts) == ["R", "R"]
    assert world.executor.launched == [(parts[0].job_id, 0), (parts[0].job_id, 1)]
    world.end(parts[0].job_id)
    assert codes(world, parts) == ["CD", "CD"]


def test_a_node_that_fails_again_and_again_is_not_tried_at_once(world: World) -> None:
    job = world.submit()
    world.end(job.job_id, node_failure="gone")
    assert job.state.code == "R"
    world.end(job.job_id, node_failure="gone")
    assert (job.state.code, job.reason) == ("PD", "BeginTime")
