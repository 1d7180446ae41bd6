"""The dstack server as a child process on loopback, with everything it keeps in one directory."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

TOKEN = "lab-admin-token"
PROJECT = "main"
START_TIMEOUT = 120.0
"""Seconds; a first start on a busy machine migrates its database for half a minute."""


@dataclass(frozen=True)
class Release:
    """A version of dstack and the interpreter that has it."""

    version: str = version("dstack")
    python: str = sys.executable


class DstackServer:
    """`start`, `stop` and `kill` as often as wanted: data, address and token stay."""

    def __init__(
        self, directory: Path, timer_scale: float, release: Release, environment: dict[str, str] | None = None
    ) -> None:
        self.directory, self._timer_scale, self._extra = directory, timer_scale, environment or {}
        self._release = release
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Return when the server answers; RuntimeError with the end of its log if it never does."""
        for name in ("home", "data"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        argv = [*self._command(), "--yes", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                env=self._environment(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"dstack server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)  # the server says nowhere else that it is ready

    def _command(self) -> list[str]:
        python, timers = self._release.python, Path(__file__).with_name("timers.py")
        if self._timer_scale == 1:
            return [str(Path(python).with_name("dstack")), "server"]
        return [python, "-P", str(timers), str(self._timer_scale)]  # -P: the modules here are not the server's

    def answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthcheck", trust_env=False).status_code == 200
        return False

    def stop(self) -> None:
        """An orderly end; a killing one after half a minute."""
        if self._process:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
            self.kill()

    def make_spot(self, instance: str) -> None:
        """From now on the instance is a spot instance of a cloud: when it is gone, it was taken away."""
        known = "json_set(job_provisioning_data, '$.instance_type.resources.spot', json('true'))"
        with contextlib.closing(sqlite3.connect(self.directory / "data" / "data" / "sqlite.db")) as database, database:
            changed = database.execute(
                f"UPDATE instances SET job_provisioning_data = {known} WHERE name = ? AND deleted = 0", (instance,)
            )
            assert changed.rowcount == 1

    def kill(self) -> None:
        """End the server, and the ssh masters of its session, at once."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return inherited | {
            "HOME": str(self.directory / "home"),
            "DSTACK_SERVER_DIR": str(self.directory / "data"),
            "DSTACK_SERVER_ADMIN_TOKEN": TOKEN,
            "DSTACK_SERVER_LOG_LEVEL": "INFO",
            "DSTACK_SERVER_LOG_FORMAT": "standard",
            "DSTACK_DEFAULT_CREDS_DISABLED": "1",
            "DSTACK_SHIM_DOWNLOAD_URL": "file:///dev/null",
            "PYTHONWARNINGS": "ignore",
            **self._extra,
        }


def seed_database(data: Path, release: Release) -> None:
    """Give a new server a migrated database, which is made once for each version of dstack and then copied."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "slurm-shim-lab"
    cache.mkdir(parents=True, exist_ok=True)
    seed = cache / f"dstack-{release.version}"
    with _locked(cache / "lock"):
        if not seed.exists():
            making = cache / f"making-{os.getpid()}"
            server = DstackServer(making, 1, release)
            server.start()
            server.stop()
            (making / "data").rename(seed)
            shutil.rmtree(making)
    shutil.copytree(seed, data)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
