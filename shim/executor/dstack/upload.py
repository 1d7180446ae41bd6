"""The submit directory, or what the configuration lists of it, as an archive for dstack."""

import io
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from shim.executor.dstack import payload
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.payload import ARCHIVE_LIMIT
from shim.executor.dstack.server import Server
from shim.job.record import Job

PATH = "slurm-submit"
"""Where it is in the job, below the run's working directory."""

_BLOCK = 512


async def send(server: Server, job: Job, directory: Path, patterns: Sequence[str]) -> Sequence[tuple[str, str]] | None:
    """The archives of a job, uploaded: id and path; None while the server is away. Raises DstackError, OSError."""
    packed = {PATH: pack(Path(job.request.work_dir), patterns)}
    if payload.inline_command(content(directory)) is None:
        packed[payload.ARCHIVE_PATH] = payload.archive(content(directory))
    archives = []
    for path, archive in packed.items():
        stored = await server.ask(partial(server.client.upload, archive))
        if stored is None:
            return None
        archives.append((stored, path))
    return archives


def content(directory: Path) -> Mapping[str, bytes]:
    """What travels with a job that cannot look into its directory here."""
    names = ("slurm_script", "launch.sh", "job.conf", "prolog.sh")
    own = {name: (directory / name).read_bytes() for name in names if (directory / name).exists()}
    return own | dict(payload.guest_files())


def check_size(folder: Path, patterns: Sequence[str]) -> None:
    """Whether the files are few and small enough, without reading them. Raises NotExpressible, OSError."""
    total = 3 * _BLOCK
    for path in _chosen(folder, patterns):
        status = path.lstat()
        blocks = -(-status.st_size // _BLOCK) if stat.S_ISREG(status.st_mode) else 0
        total += (1 + blocks) * _BLOCK
        if total > ARCHIVE_LIMIT:
            raise _too_much(folder)


def pack(folder: Path, patterns: Sequence[str]) -> bytes:
    """An uncompressed tar of the files. Raises NotExpressible where it is longer than dstack takes, OSError."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, PATH, recursive=False)
        for path in _chosen(folder, patterns):
            tar.add(path, f"{PATH}/{path.relative_to(folder)}", recursive=False)
            if buffer.tell() + 2 * _BLOCK > ARCHIVE_LIMIT:
                raise _too_much(folder)
    return buffer.getvalue()


def _too_much(folder: Path) -> NotExpressible:
    return NotExpressible(
        f"{folder} is more than the {ARCHIVE_LIMIT:,} bytes that dstack uploads: "
        "list what jobs need in dstack.upload, or use shared files"
    )


def _chosen(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Files and folders below ``folder`` that a pattern names or that lie in one it names, each once, in order."""
    seen: set[Path] = set()
    for pattern in patterns:
        for found in sorted(folder.glob(pattern)) if pattern != "." else [folder]:
            for path in _below(found):
                if path != folder and path not in seen:
                    seen.add(path)
                    yield path


def _below(found: Path) -> Iterator[Path]:
    """A file, or a folder and all in it, one at a time: there may be far too many."""
    if found.name == ".git":
        return
    yield found
    if found.is_dir() and not found.is_symlink():
        for path in sorted(found.iterdir()):
            yield from _below(path)
