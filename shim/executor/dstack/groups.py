"""The components of a heterogeneous job as node groups of one task: they start together, or none of them does.

A task with groups has no ``entrypoint``: dstack has its ``shell`` run the commands, behind some of its own that need
its own image. So the shell is a script of ours that knows what to run and reads nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.payload import quote

ENTRY = "node"
"""The script that every node of the run begins with, in the job's directory."""

_OF_A_GROUP = ("nodes", "resources")
_OF_ALL = ("instances", "max_duration")
_OF_NONE = ("name", "entrypoint", "commands", "stop_criteria", "tags", "priority")


def entry_script(guest: Path, directory: Path) -> bytes:
    """What `ENTRY` holds."""
    words = ("/bin/sh", str(guest / "node.sh"), str(directory))
    return b"#!/bin/sh\nexec %s\n" % b" ".join(quote(word.encode()) for word in words)


def merge(tasks: Sequence[Mapping[str, Any]], entry: str) -> dict[str, Any]:
    """The task whose groups are what would be a task each, run by ``entry``. Raises NotExpressible."""
    first = tasks[0]
    for task in tasks[1:]:
        for key in sorted(first.keys() | task.keys()):
            if key not in (*_OF_A_GROUP, *_OF_ALL, *_OF_NONE) and first.get(key) != task.get(key):
                raise NotExpressible(f"the components of a heterogeneous job share a run of dstack, thus its {key}")
    merged = {
        key: value for key, value in first.items() if key not in (*_OF_A_GROUP, *_OF_ALL, "entrypoint", "commands")
    }
    limits = [task.get("max_duration") for task in tasks]
    return {
        **merged,
        "shell": entry,
        "groups": [
            {"name": str(number), "nodes": task.get("nodes", 1), "resources": _resources(task), "commands": [entry]}
            for number, task in enumerate(tasks)
        ],
        "stop_criteria": "master-done",
        **({"max_duration": max(filter(None, limits))} if all(limits) else {}),
        **({"instances": names} if (names := [name for task in tasks for name in task.get("instances", ())]) else {}),
    }


def _resources(task: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of a group. Nodes that exist have just so many CPUs, lest another group take them."""
    resources = dict(task["resources"])
    if len(task.get("instances", ())) == task.get("nodes", 1):
        least = resources["cpu"].removesuffix("..")
        resources["cpu"] = f"{least}..{least.rpartition(':')[2]}"
    return resources
