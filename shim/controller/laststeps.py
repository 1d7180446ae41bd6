"""After a restart: how steps ended while no controller was there, and steps of which nobody will ever tell."""

import contextlib
import logging
import marshal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.job.record import Step
from shim.job.states import State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

FOLDER = "ended-steps"
"""Where clients leave what became of their steps, below the state folder (see shim.guest.reconnect)."""

GRACE = 30.0
"""Seconds that clients have to come back after a restart of the controller."""

_LOG = logging.getLogger(__name__)


def recover(queue: "Queue") -> None:
    """Record the steps that ended meanwhile; those that nobody takes up again are given up after a while."""
    folder = queue.state_dir / FOLDER
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            _record(queue, marshal.loads(path.read_bytes()))
        except (OSError, ValueError, EOFError, TypeError, KeyError):
            _LOG.exception("%s cannot be read", path)
        queue.after_commit(lambda path=path: _remove(path))  # type: ignore[misc]
    running = list(queue.table.steps("state = 'RUNNING'"))
    for step in running:
        job = queue.jobs.get(step.job_id)
        if job and job.state.active and job.restarts == step.restarts:
            queue.step_table.expect(step)
    if running:
        queue.loop.call_later(GRACE, _give_up, queue)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _record(queue: "Queue", left: Mapping[str, Any]) -> None:
    """What one client has left."""
    for number, name in enumerate(left["steps"]):
        step = find(queue, name, left["restarts"])
        if step is None:
            continue
        queue.step_table.account(step, [task for task in left["result"]["tasks"] if task[0] == number])
        queue.step_table.close(step, left["result"]["end"])
        job = queue.jobs.get(step.job_id)
        if job and not job.request.batch and job.restarts == step.restarts:
            queue.allocations.release(job, step.exit_status)


def find(queue: "Queue", name: str, restarts: int) -> Step | None:
    """The step ``12.0``: the live one, else as the job table has it."""
    job_id, _, step_id = name.partition(".")
    for step in queue.step_table.of(int(job_id)):
        if (step.restarts, step.step_id) == (restarts, step_id):
            return step
    where = "job_id = ? and restarts = ? and step_id = ?"
    return next(iter(queue.table.steps(where, int(job_id), restarts, step_id)), None)


def _give_up(queue: "Queue") -> None:
    """Nobody has come back for these."""
    for step in list(queue.table.steps("state = 'RUNNING'")):
        live = find(queue, f"{step.job_id}.{step.step_id}", step.restarts)
        if live is None or live.state is not State.RUNNING:
            continue
        if live not in queue.step_table.of(step.job_id):
            queue.step_table.close(live, queue.now(), State.CANCELLED)
        elif queue.step_table.deserted(live):
            queue.step_table.end(live, queue.now(), State.CANCELLED)
