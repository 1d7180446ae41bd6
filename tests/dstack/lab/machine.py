"""A host of an SSH fleet: an SSH server on a loopback address with a shim behind it."""

import asyncio
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from tests.dstack.lab.process import kill_marked
from tests.dstack.lab.shim import Shim

SHIM_PORT = 10998
"""Where the server believes every host's shim to listen."""

T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    """What a host announces. CPUs and GPUs must be divisible by `blocks`."""

    cpus: int = 4
    memory_gb: int = 16
    gpus: int = 0
    gpu_name: str = ""
    gpu_memory_gb: int = 0
    blocks: int = 4
    disk_gb: int = 100


class Machine:
    """A running host. Its methods may be called from any thread; everything else happens on the lab's event loop."""

    def __init__(
        self,
        host: Host,
        address: str,
        directory: Path,
        client_key: str,
        version: str,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.host, self.address, self._loop = host, address, loop
        self.directory, self._client_key = directory, client_key
        self._version = version
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._shim: Shim | None = None
        self._boots = 0
        self.environment: dict[str, str] = {}  # for the containers of this host
        self.port = 0

    @property
    def task_ids(self) -> list[str]:
        """The tasks that the shim holds."""
        return self._call(lambda: list(self._shim.tasks) if self._shim else [])

    def crash(self) -> None:
        """The power fails: no SSH, no agents, no processes of jobs. `boot` brings an empty host back."""
        self._call(self._crash)

    def boot(self) -> None:
        """Start the SSH server; the dstack server installs the agent when the fleet is created."""
        asyncio.run_coroutine_threadsafe(self._boot(), self._loop).result()

    def _call(self, function: Callable[[], T]) -> T:
        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _boot(self) -> None:
        (self.directory / ".ssh").mkdir(parents=True, exist_ok=True)
        (self.directory / "tmp").mkdir(exist_ok=True)
        keys = self.directory / ".ssh" / "authorized_keys"
        if not keys.exists():
            keys.write_text(self._client_key)
        if self._boots:  # the agent is a system service: it starts with the machine
            await self._restart_shim()
        self._boots += 1
        self._listener = await asyncssh.listen(
            self.address,
            self.port,
            server_host_keys=[self._host_key],
            server_factory=lambda: _Session(self),
            process_factory=self._execute,
            encoding=None,
            compression_algs=None,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(self.directory)),
        )
        self.port = self._listener.get_port()

    def _crash(self) -> None:
        self._listener.close()
        for connection in list(self._connections):
            connection.abort()
        if self._shim:
            self._shim.close()
        self._shim = None

    async def _restart_shim(self) -> None:
        if self._shim:
            self._shim.close()
        self._shim = Shim(self.directory / f"tasks-{self._boots}", self._version, self.environment)
        await self._shim.server.start()

    async def _execute(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        out, status = await self._answer(process.command or "")
        process.stdout.write(out)
        process.exit(status)

    async def _answer(self, command: str) -> tuple[bytes, int]:
        """The commands with which the server installs its agent; anything else is an error that its log shows."""
        if command == "uname -m":
            return platform.machine().encode(), 0
        if "authorized_keys" in command:
            shell = await asyncio.create_subprocess_exec("sh", "-c", command, env={"HOME": str(self.directory)})
            return b"", await shell.wait()
        if "systemctl restart dstack-shim" in command:
            await self._restart_shim()
            return b"", 0
        if command.endswith("host_info.json") and "cat" in command:
            return json.dumps(self._host_info()).encode(), 0
        if command.startswith("curl") and self._shim:
            return json.dumps(self._shim.health()).encode(), 0
        known = ("mktemp -t dstack-shim", "shim.env", "sudo test -e")
        return (b"", 0) if any(word in command for word in known) else (b"unexpected command", 127)

    def _host_info(self) -> dict[str, Any]:
        host = self.host
        return {
            "gpu_vendor": "nvidia" if host.gpus else "none",
            "gpu_name": host.gpu_name,
            "gpu_count": host.gpus,
            "gpu_memory": host.gpu_memory_gb << 10,
            "addresses": [f"{self.address}/24"],
            "cpus": host.cpus,
            "memory": host.memory_gb << 30,
            "disk_size": host.disk_gb << 30,
        }

    def forward_port(self, port: int) -> int:
        """Where a tunnel to this host's `port` ends: the shim's well-known port is another one for each host."""
        return self._shim.server.port if port == SHIM_PORT and self._shim else port

    def kill_leftovers(self) -> int:
        """End what a job left running after its task was removed. Returns how many processes."""
        return sum(kill_marked(f"LAB_TASK={path.name}") for path in self.directory.glob("tasks-*/*"))


class _Session(asyncssh.SSHServer):
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._machine._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._machine._connections.discard(self._conn)

    def begin_auth(self, username: str) -> bool:
        self._conn.set_authorized_keys(str(self._machine.directory / ".ssh" / "authorized_keys"))
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        return self._conn.forward_connection("127.0.0.1", self._machine.forward_port(dest_port))
