"""What scontrol has changed of nodes and partitions beyond the configuration; kept in the job table."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from shim.config.settings import PartitionConfig
from shim.scheduler.nodes import Node

if TYPE_CHECKING:
    from shim.controller.queue import Queue

NODE, PARTITION = "node", "partition"
_DELETED = "null"


def keep_node(queue: "Queue", node: Node) -> None:
    """Write down that a node is drained or down, or no longer."""
    value = json.dumps([node.drained, node.drain_reason, node.drain_time]) if node.drained else ""
    queue.write(lambda table: table.save_override(NODE, node.name, value))


def apply_to_node(queue: "Queue", node: Node) -> None:
    """A node that has just been made is as drained as it was."""
    if kept := queue.node_overrides.get(node.name):
        node.drained, node.drain_reason, node.drain_time = json.loads(kept)


def keep_partition(queue: "Queue", name: str, partition: PartitionConfig | None) -> None:
    """Write down a partition that was created, changed or deleted (None)."""
    configured = queue.config.partition(name)
    value = "" if partition == configured else _DELETED if partition is None else json.dumps(asdict(partition))
    queue.write(lambda table: table.save_override(PARTITION, name, value))


def partitions(queue: "Queue") -> dict[str, PartitionConfig]:
    """The partitions of the configuration with what scontrol has made of them."""
    result = {partition.name: partition for partition in queue.config.partitions}
    for name, value in queue.table.overrides(PARTITION).items():
        given = json.loads(value)
        if given is None:
            result.pop(name, None)
        else:
            result[name] = PartitionConfig(**{**given, "nodes": tuple(given["nodes"])})
    return result
