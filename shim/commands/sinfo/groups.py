"""The entries of ``sinfo --json`` in the layout of Slurm 23.11: one for each node of each partition.

Slurm joins nodes that are alike in everything; clients add the entries up.
"""

from typing import TYPE_CHECKING, Any

from shim.commands.display.modern import number
from shim.commands.display.nodes import NodeView
from shim.config.settings import PartitionConfig
from shim.job.request import UNLIMITED

if TYPE_CHECKING:
    from shim.controller.queue import Queue

Document = dict[str, Any]


def node_groups(queue: "Queue") -> list[Document]:
    """The entries, partition by partition."""
    cluster = queue.config.cluster_name
    return [
        _entry(cluster, partition, NodeView(node))
        for partition in queue.config.partitions
        for node in queue.nodes
        if partition.name in node.partitions
    ]


def _entry(cluster: str, partition: PartitionConfig, view: NodeView) -> Document:
    node, base = view.node, view.node.base
    load = None if view.load is None else int(view.load * 100)
    states = [view.base, *["DRAIN"] * view.draining, *["NOT_RESPONDING"] * (not view.responding)]
    return {
        "port": 0,
        "node": {"state": states},
        "nodes": {
            **_counts(view, 1, bool(node.alloc_cpus)),
            "hostnames": [view.host_name],
            "addresses": [view.address],
            "nodes": [view.name],
        },
        "cpus": {
            **_cpus(view),
            **_range(base.cpus),
            "load": _range(load),
            "per_node": {"max": number(None, infinite=True)},
        },
        "sockets": _range(base.sockets),
        "cores": _range(base.cores_per_socket),
        "threads": _range(base.threads_per_core),
        "disk": _range(base.tmp_disk),
        "memory": {**_range(base.memory), "free": _range_of_number(view.free_memory), "allocated": node.alloc_memory},
        "weight": _range(base.weight),
        "features": {"total": ",".join(base.features), "active": ",".join(base.features)},
        "gres": {"total": view.gres, "used": view.gres_used},
        "cluster": cluster,
        "comment": "",
        "extra": "",
        "reason": {"description": view.reason or "", "time": int(node.drain_time if node.drained else 0)},
        "reservation": "",
        "partition": _partition(cluster, partition),
    }


def _counts(view: NodeView, count: int, allocated: bool) -> Document:
    usable = view.responding and not view.draining
    return {
        "allocated": count * (usable and allocated),
        "idle": count * (usable and not allocated),
        "other": count * (not usable),
        "total": count,
    }


def _cpus(view: NodeView) -> Document:
    total, allocated = view.node.base.cpus, view.node.alloc_cpus
    free = total - allocated
    usable = view.responding and not view.draining
    return {"allocated": allocated, "idle": free * usable, "other": free * (not usable), "total": total}


def _range(value: int | None) -> Document:
    return {"minimum": value or 0, "maximum": value or 0}


def _range_of_number(value: int | None) -> Document:
    return {"minimum": number(value), "maximum": number(value)}


def _partition(cluster: str, partition: PartitionConfig) -> Document:
    unlimited = partition.max_time == UNLIMITED
    most = partition.max_nodes
    return {
        "name": partition.name,
        "cluster": cluster,
        "nodes": {"configured": ",".join(partition.nodes)},
        "defaults": {"time": number(partition.default_time)},
        "maximums": {
            "time": number(None if unlimited else partition.max_time, infinite=unlimited),
            "nodes": number(None if most == UNLIMITED else most, infinite=most == UNLIMITED),
        },
        "minimums": {"nodes": partition.min_nodes},
        "priority": {"tier": partition.priority_tier},
        "partition": {"state": [partition.state]},
    }
