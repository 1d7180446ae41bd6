"""Holds, releases and requeues, of jobs that wait and of jobs that run."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=2)) as it:
        yield it


def test_a_running_job_goes_on_through_hold_and_release(world: World) -> None:
    job = world.submit()
    user = world.queue.user_id
    world.do(lambda: world.queue.hold(job, user_id=user))
    assert (job.state.word, job.reason) == ("RUNNING", "JobHeldUser")
    world.do(lambda: world.queue.release(job, user_id=user))
    assert (job.state.word, job.reason) == ("RUNNING", "None")
    world.end(job.job_id)
    assert job.state.word == "COMPLETED"
    assert world.executor.launched == [(job.job_id, 0)]


def test_a_job_in_special_exit_is_still_there_after_a_crash(world: World) -> None:
    job = world.submit()
    user = world.queue.user_id
    world.do(lambda: world.queue.requeue(job, user_id=user, hold=True, special=True))
    world.end(job.job_id, 15)
    assert job.state.word == "SPECIAL_EXIT"
    world.crash()
    job = world.queue.jobs[job.job_id]
    assert job.state.word == "SPECIAL_EXIT"
    world.do(lambda: world.queue.release(job, user_id=user))
    assert world.executor.launched[-1] == (job.job_id, 1)


@pytest.mark.parametrize(("hold", "special"), [(False, False), (True, False), (True, True)])
def test_a_job_that_is_on_its_way_back_to_the_queue_can_be_cancelled(world: World, hold: bool, special: bool) -> None:
    job = world.submit()
    user = world.queue.user_id
    world.do(lambda: world.queue.requeue(job, user_id=user, hold=hold, special=special))
    assert not world.do(lambda: world.queue.cancel(job, user_id=user))
    world.end(job.job_id, 15)
    assert job.state.word == "CANCELLED"


def test_a_task_takes_the_comments_of_its_array_along(world: World) -> None:
    array = world.submit(array="1-2", hold=True)
    user = world.queue.user_id
    world.do(lambda: world.queue.update(array, None, {"admin_comment": "note"}, user_id=user))
    world.do(lambda: world.queue.release(array, user_id=user))
    assert [job.admin_comment for job in world.queue.array_records(array.job_id)] == ["note", "note"]
