"""``scontrol create``, ``update`` and ``delete`` of partitions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from shim.commands.scontrol.session import Session
from shim.commands.scontrol.specification import BadSpecification, Pair, find_key, pairs
from shim.config.settings import PartitionConfig
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.timelimit import parse_time_limit
from shim.job.errors import Errno, SlurmError
from shim.job.request import UNLIMITED

_STATES = ("UP", "DOWN", "DRAIN", "INACTIVE")


@dataclass(frozen=True)
class _Field:
    """One field of a partition: what its value changes."""

    name: str
    least: int
    read: Callable[[str], dict[str, Any]]


def _minutes(name: str, none: bool = False) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        if none and value.lower() == "none":
            return {name: None}
        return {name: UNLIMITED if value == "-1" else parse_time_limit(value)}

    return read


def _count(name: str) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        if value.lower() in {"unlimited", "infinite", "-1"}:
            return {name: UNLIMITED}
        return {name: int(value)}

    return read


def _default(value: str) -> dict[str, Any]:
    return {"default": {"yes": True, "no": False}[value.lower()]}


def _all(value: str) -> dict[str, Any]:
    """Everybody may use every partition here: the controller serves one user."""
    if value and value.lower() != "all":
        raise SlurmError(Errno.NOT_SUPPORTED)
    return {}


_FIELDS = (
    _Field("AllowGroups", 7, _all),
    _Field("AllowAccounts", 7, _all),
    _Field("AllowQos", 7, _all),
    _Field("Default", 7, _default),
    _Field("DefaultTime", 8, _minutes("default_time", none=True)),
    _Field("MaxNodes", 4, _count("max_nodes")),
    _Field("MaxTime", 4, _minutes("max_time")),
    _Field("MinNodes", 2, _count("min_nodes")),
    _Field("Nodes", 1, lambda value: {"nodes": expand_hostlist(value)}),
    _Field("PriorityTier", 9, _count("priority_tier")),
)


def create(session: Session, words: list[str]) -> None:
    """``create PartitionName=…``."""
    try:
        if not _names_partition(words):
            session.fail(f"scontrol: error: Invalid creation entity: {words[0]}")
            return
        name, changes = _read(words)
        if not name or name in session.queue.partitions:
            raise SlurmError(Errno.INVALID_PARTITION_NAME)
        _set(session, replace(PartitionConfig(name, (), executor=_executor(session, changes)), **changes))
    except BadSpecification as error:
        session.fail("\n".join(error.lines))
    except SlurmError as error:
        session.refuse(error, prefix="Error creating the partition: ")


def _names_partition(words: list[str]) -> bool:
    keys = (word.partition("=")[0].lower() for word in words)
    return any(len(key) >= 4 and "partitionname".startswith(key) for key in keys)


def _executor(session: Session, changes: dict[str, Any]) -> str:
    """What runs jobs on the partition's nodes."""
    of_nodes = (node.executor for node in session.queue.nodes if node.name in changes.get("nodes", ()))
    return next(of_nodes, next(iter(session.queue.executors)))


def update_partition(session: Session, words: list[str]) -> None:
    """``update PartitionName=…``."""
    try:
        name, changes = _read(words)
        partition = session.queue.partitions.get(name or "")
        if partition is None:
            raise SlurmError(Errno.INVALID_PARTITION_NAME)
        _set(session, replace(partition, **changes))
    except BadSpecification as error:
        session.fail("\n".join((*error.lines, "slurm_update error: No error")))
    except SlurmError as error:
        session.refuse(error, prefix="slurm_update error: ")


def delete(session: Session, words: list[str]) -> None:
    """``delete PartitionName=…``: only where no job needs it."""
    key, equals, name = words[0].partition("=")
    if not equals:
        if len(words) != 2:
            session.call.error("Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'")
            session.fail()
            return
        name = words[1]
    what = " ".join(words)
    if len(key) >= 4 and "reservationname".startswith(key.lower()):
        session.fail(f"delete_reservation {what}: {Errno.RESERVATION_INVALID.text}")
        return
    if len(key) < 4 or not "partitionname".startswith(key.lower()):
        session.fail(f"Invalid deletion entity: {words[0]}")
        return
    queue = session.queue
    if name not in queue.partitions:
        session.fail(f"delete_partition {what}: {Errno.INVALID_PARTITION_NAME.text}")
    elif any(name in job.partition.split(",") and not job.state.finished for job in queue.jobs.values()):
        session.fail(f"delete_partition {what}: {Errno.PARTITION_IN_USE.text}")
    else:
        queue.set_partition(None, name)


def _read(words: list[str]) -> tuple[str | None, dict[str, Any]]:
    """The partition's name and what is to change of it."""
    name: str | None = None
    changes: dict[str, Any] = {}
    for pair in pairs(words):
        key = pair.key.lower()
        if len(key) >= 4 and "partitionname".startswith(key):
            name = pair.value
        elif len(key) >= 5 and "state".startswith(key):
            changes["state"] = _state(pair)
        else:
            field = find_key(_FIELDS, key)
            if field is None:
                raise BadSpecification(
                    f"scontrol: error: Update of this parameter is not supported: {pair.written}\n",
                    "scontrol: error: Request aborted",
                )
            try:
                changes |= field.read(pair.value or "")
            except (GrammarError, KeyError, ValueError):
                raise BadSpecification(f"scontrol: error: Invalid input {pair.written}") from None
    return name, changes


def _state(pair: Pair) -> str:
    value = (pair.value or "").upper()
    if value not in _STATES:
        raise BadSpecification(
            f"scontrol: error: Invalid input: {pair.written}",
            "scontrol: error: Acceptable State values are UP, DOWN, DRAIN and INACTIVE",
        )
    return value


def _set(session: Session, partition: PartitionConfig) -> None:
    queue = session.queue
    known = {node.name for node in queue.nodes}
    if not set(partition.nodes) - {"ALL"} <= known:
        raise SlurmError(Errno.INVALID_NODE_NAME)
    if partition.default:
        for other in list(queue.partitions.values()):
            if other.default and other.name != partition.name:
                queue.set_partition(replace(other, default=False), other.name)
    queue.set_partition(partition, partition.name)
