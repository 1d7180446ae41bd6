"""The waiting line: priorities and tiers, backfill behind a job that does not fit, reasons."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World(cpus=4)) as it:
        yield it


def test_a_short_job_goes_ahead_where_it_delays_nobody(world: World) -> None:
    running = world.submit(cpus_per_task=3, time_limit=60)
    large = world.submit(cpus_per_task=4, time_limit=60)
    long = world.submit(cpus_per_task=1, time_limit=120)
    short = world.submit(cpus_per_task=1, time_limit=30)
    assert [job.state.code for job in (running, large, long, short)] == ["R", "PD", "PD", "R"]
    assert [job.reason for job in (large, long)] == ["Resources", "Priority"]
    world.end(short.job_id)
    world.end(running.job_id)
    assert [job.state.code for job in (large, long)] == ["R", "PD"]


def test_a_small_job_that_still_leaves_room_for_the_promise_goes_ahead(world: World) -> None:
    world.submit(cpus_per_task=3, time_limit=60)
    promised = world.submit(cpus_per_task=3, time_limit=60)
    small = world.submit(cpus_per_task=1, time_limit=600)
    assert (promised.state.code, small.state.code) == ("PD", "R")


def test_nice_and_tiers_decide_who_is_next(world: World) -> None:
    partitions = world.queue.partitions
    fast = replace(partitions["debug"], name="fast", default=False, priority_tier=5)
    world.do(lambda: world.queue.set_partition(fast, "fast"))
    blocker = world.submit(cpus_per_task=4)
    nice = world.submit(cpus_per_task=4, nice=100)
    plain = world.submit(cpus_per_task=4)
    first = world.submit(cpus_per_task=4, partition="fast")
    order = []
    running = blocker
    for _ in range(3):
        world.end(running.job_id)
        (running,) = (job for job in (nice, plain, first) if job.state.code == "R")
        order.append(running)
    assert order == [first, plain, nice]


def test_a_job_larger_than_the_partition_waits_with_slurms_reason(world: World) -> None:
    assert world.submit(ntasks=9).reason == "PartitionConfig"
    assert world.submit(nodes_min=2, nodes_max=2).reason == "PartitionNodeLimit"


def test_a_drained_node_takes_nothing_until_it_is_resumed(world: World) -> None:
    world.do(lambda: world.queue.set_node_state("n1", "drain", "broken"))
    job = world.submit()
    assert job.state.code == "PD" and job.reason.startswith("Nodes required for job are DOWN, DRAINED")
    world.crash()
    (node,) = world.queue.nodes
    assert (node.state, node.drain_reason) == ("IDLE+DRAIN", "broken")
    assert world.state(job.job_id) == "PENDING"
    world.do(lambda: world.queue.set_node_state("n1", "resume"))
    assert world.state(job.job_id) == "RUNNING"


def test_partitions_that_scontrol_made_or_deleted_stay_so_over_a_crash(world: World) -> None:
    made = replace(world.queue.partitions["debug"], name="made", default=False)
    world.do(lambda: world.queue.set_partition(made, "made"))
    world.do(lambda: world.queue.set_partition(None, "debug"))
    world.crash()
    assert set(world.queue.partitions) == {"made"}
    assert world.submit(partition="made").state.code == "R"


def test_a_begin_time_and_a_deadline_are_kept_over_a_crash(world: World) -> None:
    now = int(world.queue.now())
    later = world.submit(begin=now + 3600)
    assert later.reason == "BeginTime"
    late = world.submit(hold=True, deadline=now + 2)
    world.crash()
    late = world.queue.jobs[late.job_id]

    async def until_over() -> None:
        await world.queue.endings.wait(late.job_id)

    world.run(until_over())
    assert (late.state.word, late.reason) == ("DEADLINE", "DeadLine")
    assert world.queue.jobs[later.job_id].reason == "BeginTime"
