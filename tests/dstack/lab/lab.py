"""The server, the hosts and the fleet together."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.dstack.lab.machine import Host, Machine
from tests.dstack.lab.server import PROJECT, TOKEN, DstackServer, Release, seed_database

FLEET_TIMEOUT = 120.0
INSTALLED = Release()


class Lab:
    """Everything `with Lab(directory, hosts) as lab` needs is started, and all of it is gone afterwards.

    `timer_scale` shortens the intervals at which the server looks at its runs (1: as shipped), not what a job is told
    to do within: the stages of a stop. `environment` adds variables to the server's, which is of `release`.
    """

    token = TOKEN
    project = PROJECT
    fleet = "lab"

    def __init__(
        self,
        directory: Path,
        hosts: Sequence[Host] = (Host(), Host()),
        timer_scale: float = 0.1,
        environment: dict[str, str] | None = None,
        release: Release = INSTALLED,
    ) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.server = DstackServer(self.directory / "server", timer_scale, release, environment)
        self._release = release
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab hosts", daemon=True)
        self._key = self._make_key()
        public_key = self._key.with_suffix(".pub").read_text()
        self.hosts = [
            Machine(
                host,
                f"127.0.1.{number}",
                self.directory / f"host-{number}",
                public_key,
                release.version,
                self._loop,
            )
            for number, host in enumerate(hosts, start=1)
        ]

    @property
    def url(self) -> str:
        return self.server.url

    def __enter__(self) -> "Lab":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        assert not (left := self.leftovers()), f"left running: {left}"

    def start(self) -> None:
        """Return when every host of the fleet is idle."""
        self._thread.start()
        if not self.server.directory.exists():
            seed_database(self.server.directory / "data", self._release)
        for host in self.hosts:
            host.boot()
        self.server.start()
        self.create_fleet()

    def lose_database(self) -> None:
        """The server comes back with an empty one: it knows the token and the project's name, and nothing else."""
        self.server.kill()
        shutil.rmtree(self.server.directory / "data")
        seed_database(self.server.directory / "data", self._release)
        self.server.start()

    def create_fleet(self) -> None:
        """Return when every host of the new fleet is idle."""
        self._apply_fleet()
        self._await_fleet()

    def clear(self) -> None:
        """Stop every run, and return when all hosts are idle."""
        active = self.post("runs/list", {"project_name": self.project, "only_active": True, "limit": 100})
        if names := [run["run_spec"]["run_name"] for run in active]:
            self.project_post("runs/stop", {"runs_names": names, "abort": False})
        self._await_fleet()

    def stop(self) -> None:
        """End the server, then the hosts with their jobs."""
        self.server.stop()
        if self._thread.is_alive():
            for host in self.hosts:
                with contextlib.suppress(AttributeError):  # a host that never booted
                    host.crash()
                host.kill_leftovers()
            asyncio.run_coroutine_threadsafe(_finish_tasks(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def leftovers(self) -> list[str]:
        """Command lines of processes that still work with this lab's files (ssh masters go within seconds)."""
        deadline = time.monotonic() + 5
        while (left := self._users()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            time.sleep(0.05)
        return list(left.values())

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request to the server's API, for tests that look behind the executor's back."""
        answer = httpx.post(
            f"{self.url}/api/{path}",
            json=body or {},
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def project_post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.post(f"project/{PROJECT}/{path}", body)

    def write_cli_config(self, home: Path) -> None:
        """What `dstack project add` leaves in `home`."""
        (home / ".dstack").mkdir(parents=True, exist_ok=True)
        (home / ".dstack" / "config.yml").write_text(
            f"projects:\n- default: true\n  name: {PROJECT}\n  token: {TOKEN}\n  url: {self.url}\n"
        )

    def _users(self) -> dict[int, str]:
        found = {}
        for process in psutil.process_iter(["cmdline"]):
            command = " ".join(process.info["cmdline"] or [])
            if process.pid != os.getpid() and str(self.directory) + "/" in command:
                found[process.pid] = command
        return found

    def _make_key(self) -> Path:
        key = self.directory / "key"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        return key

    def _apply_fleet(self) -> None:
        key = {"private": self._key.read_text(), "public": self._key.with_suffix(".pub").read_text()}
        hosts = [
            {"hostname": m.address, "port": m.port, "internal_ip": m.address, "blocks": m.host.blocks}
            for m in self.hosts
        ]
        configuration = {
            "type": "fleet",
            "name": self.fleet,
            "placement": "cluster",
            "ssh_config": {"user": "lab", "ssh_key": key, "hosts": hosts},
        }
        plan = {"spec": {"configuration": configuration, "profile": {}}, "current_resource": None}
        self.project_post("fleets/apply", {"plan": plan, "force": False})

    def _await_fleet(self) -> None:
        deadline = time.monotonic() + FLEET_TIMEOUT
        while True:
            instances = self.project_post("fleets/get", {"name": self.fleet})["instances"]
            if all(instance["status"] == "idle" for instance in instances):
                return
            if time.monotonic() > deadline:
                states = {instance["name"]: instance["status"] for instance in instances}
                raise RuntimeError(f"hosts not idle: {states}; see {self.server.log}")
            time.sleep(0.1)  # the server has no other way to tell


async def _finish_tasks() -> None:
    """Let what the hosts' loop still has under way come to its end."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
