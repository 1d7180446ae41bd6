"""The submit directory, or what the configuration lists of it, as an archive for dstack."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.payload import ARCHIVE_LIMIT

PATH = "slurm-submit"
"""Where it is in the job, below the run's working directory."""

_BLOCK = 512


def pack(folder: Path, patterns: Sequence[str]) -> bytes:
    """An uncompressed tar of the files. Raises NotExpressible where it is longer than dstack takes, OSError."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, PATH, recursive=False)
        for path in _chosen(folder, patterns):
            tar.add(path, f"{PATH}/{path.relative_to(folder)}", recursive=False)
            if buffer.tell() + 2 * _BLOCK > ARCHIVE_LIMIT:
                raise NotExpressible(
                    f"{folder} is more than the {ARCHIVE_LIMIT:,} bytes that dstack uploads: "
                    "list what jobs need in dstack.upload, or use shared files"
                )
    return buffer.getvalue()


def _chosen(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Files and folders below ``folder`` that a pattern names or that lie in one it names, each once, in order."""
    seen: set[Path] = set()
    for pattern in patterns:
        for found in sorted(folder.glob(pattern)) if pattern != "." else [folder]:
            below = sorted(found.rglob("*")) if found.is_dir() and not found.is_symlink() else []
            for path in [found, *below]:
                if path != folder and path not in seen and ".git" not in path.relative_to(folder).parts:
                    seen.add(path)
                    yield path
