"""The directory where runs and controller meet: on files that the hosts share, or of the controller alone.

guest/HASH/           the scripts that run a job there
jobs/ID-RESTARTS/     one run of one job (see guest/job.sh), and in `carrier` the name of the dstack run it is in
calls/                commands called inside jobs (see calls.py)
workers/NAME/         the queue of a run that takes one job after another (see guest/worker.sh)
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from shim.executor.dstack import payload

WORKER_IDLE = 5
"""Seconds a worker waits for its next job: it holds its part of the fleet meanwhile."""

RETIRED = "stop"


class ControlDirectory:
    """All reading and writing there. Files appear whole: they are written beside and renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.guest = root

    def prepare(self) -> None:
        """Put the guest's scripts there. Raises OSError."""
        scripts = payload.guest_files()
        digest = hashlib.sha256(b"".join(scripts.values())).hexdigest()[:12]
        self.guest = self.root / "guest" / digest
        self.guest.mkdir(parents=True, exist_ok=True)
        for name, content in scripts.items():
            publish(self.guest / name, content)
        (self.guest / "command.sh").chmod(0o755)
        (self.guest / "bin").mkdir(exist_ok=True)
        for name in payload.COMMANDS:
            with contextlib.suppress(FileExistsError):
                (self.guest / "bin" / name).symlink_to("../command.sh")
        for name in ("jobs", "workers", "calls"):
            (self.root / name).mkdir(exist_ok=True)

    def job(self, job_id: int, restarts: int) -> Path:
        """The directory of one run of a job."""
        return self.root / "jobs" / f"{job_id}-{restarts}"

    def worker(self, name: str) -> Path:
        """The directory of a worker."""
        return self.root / "workers" / name

    def write_job(self, directory: Path, files: Mapping[str, bytes]) -> None:
        """Make a job's directory anew."""
        discard(directory)
        (directory / "control").mkdir(parents=True)
        for name, content in files.items():
            (directory / name).write_bytes(content)
            (directory / name).chmod(0o700 if content.startswith(b"#!") else 0o600)

    def write_worker(self, directory: Path) -> None:
        """Make a worker's directory with an empty queue."""
        (directory / "queue").mkdir(parents=True, exist_ok=True)
        publish(directory / "idle-limit", b"%d\n" % WORKER_IDLE)

    def forget_job(self, job_id: int, restarts: int) -> None:
        """Remove what is left of a run."""
        discard(self.job(job_id, restarts))


def common_root(configured: str, shared: Iterable[str], folder: Path) -> Path:
    """Where runs and controller meet: the configured directory, or the controller's own if hosts see it."""
    if configured:
        return Path(configured)
    if any(folder.is_relative_to(path) for path in shared):
        return folder / "dstack"
    raise ValueError(f"dstack.control_dir: needed, as {folder} is in none of dstack.shared")


def identity(path: Path) -> str:
    """A name that tells this controller's runs from those of others on the project; made once."""
    try:
        return path.read_text()
    except FileNotFoundError:
        name = os.urandom(6).hex()
        publish(path, name.encode())
        return name


def publish(path: Path, content: bytes) -> None:
    """Write a file that others may be waiting for."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.rename(path)


def assign(directory: Path, carrier: str) -> None:
    """Note which run of dstack a job is in, before it is."""
    publish(directory / "carrier", carrier.encode())


def carrier_of(directory: Path) -> str:
    """The run of dstack that a job was given to, "" for none."""
    try:
        return (directory / "carrier").read_text()
    except OSError:
        return ""


def enqueue(worker: Path, directory: Path) -> None:
    """Give a job to a worker."""
    publish(worker / "queue" / directory.name, f"{directory}\n".encode())


def withdraw(worker: Path, directory: Path) -> bool:
    """Take a job back from a worker; False if it has taken it."""
    try:
        (worker / "queue" / directory.name).unlink()
    except FileNotFoundError:
        return False
    return True


def retire(worker: Path) -> None:
    """Let a worker end once its present job is over."""
    publish(worker / RETIRED, b"")


def request(directory: Path, number: int, text: str) -> None:
    """Ask a job's guest for something; requests are done in the order of their numbers."""
    publish(directory / "control" / f"{number:06}", text.encode())


def name_nodes(directory: Path, names: Iterable[str]) -> None:
    """Tell the nodes of a job, by rank, their names."""
    (directory / "nodes").mkdir(exist_ok=True)
    publish(directory / "nodes" / "names", "".join(f"{name}\n" for name in names).encode())


def discard(directory: Path) -> None:
    """Remove a job's directory."""
    shutil.rmtree(directory, ignore_errors=True)


def heartbeat(directory: Path) -> float:
    """When a job's guest has given its last sign of life, by the clock of the files; 0 where it never did."""
    try:
        return (directory / "heartbeat").stat().st_mtime
    except OSError:
        return 0.0


def record(directory: Path, name: str) -> dict[str, str] | None:
    """The ``started`` or ``ended`` file of a job, None while there is none."""
    try:
        return payload.parse_record((directory / name).read_text(errors="replace"))
    except OSError:
        return None
