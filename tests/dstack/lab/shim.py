"""dstack's shim: the agent of a host, which creates a container (here: a runner) for every task the server submits."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.dstack.lab.http import HttpServer, Refused, Request
from tests.dstack.lab.runner import Runner

UNPULLABLE_IMAGE = "registry.invalid"
"""Images of this registry cannot be pulled; any other image is as good as pulled."""


@dataclass
class Task:
    id: str
    runner: Runner | None
    status: str = "running"
    reason: str = ""
    message: str = ""
    starting: list[asyncio.Task[Any]] = field(default_factory=list)

    def info(self) -> dict[str, Any]:
        ports = [{"container": 10999, "host": self.runner.server.port}] if self.runner else []
        return {
            "id": self.id,
            "status": self.status,
            "termination_reason": self.reason,
            "termination_message": self.message,
            "ports": ports,
        }


class Shim:
    def __init__(self, directory: Path, version: str, environment: Mapping[str, str]) -> None:
        self._directory, self._version, self._environment = directory, version, environment
        self.tasks: dict[str, Task] = {}
        components = [
            {"name": name, "version": version, "status": "installed"} for name in ("dstack-runner", "dstack-shim")
        ]
        self.server = HttpServer(
            {
                "GET /api/healthcheck": lambda request: self.health(),
                "GET /api/instance/health": lambda request: {},
                "GET /api/instance/info": lambda request: {},
                "GET /api/components": lambda request: {"components": components},
                "POST /api/shutdown": lambda request: None,
                "GET /api/tasks": lambda request: {"tasks": [task.info() for task in self.tasks.values()]},
                "POST /api/tasks": self._submit,
                "GET /api/tasks/{id}": lambda request, id: self._task(id).info(),
                "POST /api/tasks/{id}/terminate": self._terminate,
                "POST /api/tasks/{id}/remove": self._remove,
            }
        )

    def health(self) -> dict[str, str]:
        return {"service": "dstack-shim", "version": self._version}

    def close(self) -> None:
        for task in self.tasks.values():
            if task.runner:
                task.runner.destroy()
        self.server.close()

    def _task(self, id: str) -> Task:
        if id not in self.tasks:
            raise Refused(404, "task not found")
        return self.tasks[id]

    def _submit(self, request: Request) -> dict[str, Any]:
        body = request.json()
        if body["id"] in self.tasks:
            raise Refused(409, "task already submitted")
        if failure := _creation_failure(body):
            task = Task(body["id"], None, "terminated", "creating_container_error", failure)
        else:
            task = Task(body["id"], Runner(body["id"], self._directory / body["id"], self._version, self._environment))
            assert task.runner
            task.starting.append(asyncio.get_running_loop().create_task(task.runner.server.start()))
        self.tasks[task.id] = task
        return task.info()

    def _terminate(self, request: Request, id: str) -> dict[str, Any]:
        task, body = self._task(id), request.json()
        if task.status != "terminated":
            if task.runner:
                task.runner.destroy()
            task.status, task.reason, task.message = (
                "terminated",
                body["termination_reason"],
                body["termination_message"],
            )
        return task.info()

    def _remove(self, request: Request, id: str) -> None:
        if self._task(id).status != "terminated":
            raise Refused(409, "task is not terminated")
        shutil.rmtree(self._directory / id, ignore_errors=True)
        del self.tasks[id]


def _creation_failure(body: dict[str, Any]) -> str:
    """Why no container can be made of this task, or nothing."""
    if UNPULLABLE_IMAGE in body["image_name"]:
        return f"failed to pull image {body['image_name']}"
    for mount in body["instance_mounts"]:
        if mount["instance_path"] != mount["path"] or not Path(mount["path"]).exists():
            return f"cannot mount {mount['instance_path']} at {mount['path']}: without containers, paths are the same"
    return ""
