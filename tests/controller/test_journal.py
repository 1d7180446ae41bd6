"""What cannot be written keeps nothing else from the job table."""

import contextlib
from collections.abc import Iterator

import pytest

from shim.job.record import Step
from tests.controller.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    with contextlib.closing(World()) as it:
        yield it


def test_a_value_that_no_table_holds_is_left_out_alone(world: World) -> None:
    bad, good = world.submit(hold=True), world.submit(hold=True)

    async def change() -> None:
        bad.admin_comment, good.admin_comment = "changed", "changed"
        bad.throttle = 2**70
        world.queue.changed(bad)
        world.queue.changed(good)
        world.queue.write(lambda table: table.save_override("node", "n1", 2**70))  # type: ignore[arg-type]
        world.queue.write(lambda table: table.save_override("node", "n2", "kept"))
        with contextlib.suppress(Exception):
            await world.queue.flushed()

    world.loop.run_until_complete(change())
    assert any("left out of the job table" in str(error) for error in world.errors)
    world.errors.clear()
    world.do(world.queue.wake)
    after = world.submit(hold=True)
    world.crash()
    comments = {job.job_id: job.admin_comment for job in world.queue.jobs.values()}
    assert comments == {bad.job_id: "", good.job_id: "changed", after.job_id: ""}
    assert world.table.overrides("node") == {"n2": "kept"}


def test_texts_of_any_bytes_are_written(world: World) -> None:
    odd = b"\xff\xed\xa0\x80".decode(errors="surrogateescape")
    job = world.submit(job_name=odd, comment=odd)
    step = Step(job.job_id, 0, "0", odd, start_time=job.start_time, submit_line=f"srun {odd}")
    world.do(lambda: world.queue.write(lambda table: table.save_steps([step])))
    world.crash()
    assert world.queue.jobs[job.job_id].request.job_name == odd
    (stored,) = (one for one in world.table.steps("job_id = ?", job.job_id) if one.step_id == "0")
    assert stored.submit_line == "srun \\udcff\\udced\\udca0\\udc80"
