"""``scontrol update``: what kind of thing the specification is about."""

from collections.abc import Callable
from dataclasses import dataclass

from shim.commands.scontrol.partitions import update_partition
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.specification import BadSpecification, find_key
from shim.commands.scontrol.update_job import update_jobs
from shim.commands.scontrol.update_node import update_nodes
from shim.commands.scontrol.update_step import update_steps


@dataclass(frozen=True)
class _Kind:
    name: str
    least: int
    change: Callable[[Session, list[str]], None]


def _no_reservation(session: Session, _words: list[str]) -> None:
    session.fail("slurm_update error: Requested reservation is invalid")


_KINDS = (
    _Kind("NodeName", 3, update_nodes),
    _Kind("PartitionName", 3, update_partition),
    _Kind("ReservationName", 3, _no_reservation),
    _Kind("JobId", 3, update_jobs),
    _Kind("JobName", 4, update_jobs),
    _Kind("StepId", 4, update_steps),
)
"""The keys that say what is to be changed, wherever they stand among the others."""


def update(session: Session, words: list[str]) -> None:
    """Change jobs, nodes or a partition."""
    typed = [word.partition("=")[0] for word in words]
    named = {kind.name for key in typed if (kind := find_key(_KINDS, key))}
    # "ReservationName=" and "PartitionName=" are also fields of a job
    order = ("JobId", "StepId", "NodeName", "JobName", "PartitionName", "ReservationName")
    wanted = next((name for name in order if name in named), None)
    kind = next((kind for kind in _KINDS if kind.name == wanted), None)
    if kind is None:
        session.fail(
            "No valid entity in update command\n"
            'Input line must include "NodeName", "PartitionName", "Reservation", "JobId", or "SlurmctldDebug"'
        )
        return
    try:
        kind.change(session, words)
    except BadSpecification as error:
        session.fail("\n".join(error.lines), error.code)
