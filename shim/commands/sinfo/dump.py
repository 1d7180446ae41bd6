"""``sinfo --json`` and ``--yaml``: all nodes in the layout of Slurm 22.05 (its OpenAPI plugin v0.0.38), or of 23.11.

As there, filters and formats are ignored.
"""

import getpass
from typing import TYPE_CHECKING, Any

from shim.commands.display.document import to_json, to_yaml
from shim.commands.display.meta import openapi_meta
from shim.commands.display.modern import frame
from shim.commands.display.nodes import NodeView, architecture, operating_system
from shim.commands.sinfo.groups import node_groups

if TYPE_CHECKING:
    from shim.controller.queue import Queue


def document(queue: "Queue", *, modern: bool = False) -> dict[str, Any]:
    """All nodes as nested dictionaries, ready to be written."""
    if modern:
        return {"sinfo": node_groups(queue), **frame(queue.config.version, queue.config.cluster_name)}
    return {
        "meta": openapi_meta(queue.config.version),
        "errors": [],
        "nodes": [_node(queue, NodeView(node)) for node in queue.nodes],
    }


def json_report(queue: "Queue", *, modern: bool = False) -> str:
    """The nodes as JSON."""
    return to_json(document(queue, modern=modern))


def yaml_report(queue: "Queue", *, modern: bool = False) -> str:
    """The nodes as YAML."""
    return to_yaml(document(queue, modern=modern)) + "\n"


def _node(queue: "Queue", view: NodeView) -> dict[str, Any]:
    """One node, its keys in the plugin's order."""
    node, base = view.node, view.node.base
    drained = node.drain_time if node.drained else 0
    return {
        "architecture": architecture() if view.local else "",
        "burstbuffer_network_address": "",
        "boards": 1,
        "boot_time": int(view.boot_time),
        "comment": "",
        "cores": base.cores_per_socket,
        "cpu_binding": 0,
        "cpu_load": None if view.load is None else int(view.load * 100),
        "extra": "",
        "free_memory": view.free_memory,
        "cpus": base.cpus,
        "last_busy": int(queue.now()) if node.jobs else 0,
        "features": ",".join(base.features),
        "active_features": ",".join(base.features),
        "gres": view.gres,
        "gres_drained": "N/A",
        "gres_used": view.gres_used,
        "mcs_label": "",
        "name": view.name,
        "next_state_after_reboot": "invalid",
        "address": view.address,
        "hostname": view.host_name,
        "state": view.base.lower(),
        "state_flags": ["DRAIN"] * view.draining + ["NOT_RESPONDING"] * (not view.responding),
        "next_state_after_reboot_flags": [],
        "operating_system": operating_system() if view.local else "",
        "owner": None,
        "partitions": list(node.partitions),
        "port": 0,
        "real_memory": base.memory,
        "reason": view.reason,
        "reason_changed_at": int(drained),
        "reason_set_by_user": getpass.getuser() if drained else None,
        "slurmd_start_time": int(queue.begun),
        "sockets": base.sockets,
        "threads": base.threads_per_core,
        "temporary_disk": base.tmp_disk,
        "weight": base.weight,
        "tres": str(view.tres),
        "slurmd_version": queue.config.version,
        "alloc_memory": node.alloc_memory,
        "alloc_cpus": node.alloc_cpus,
        "idle_cpus": base.cpus - node.alloc_cpus,
        "tres_used": str(view.tres_used) or None,
        "tres_weighted": float(node.alloc_cpus),
    }
