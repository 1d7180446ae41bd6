"""The environment in a file: ``NAME=value`` entries that end in NUL (sbatch(1), ``--export-file``)."""

from __future__ import annotations


def parse_environment_file(content: bytes) -> dict[str, str]:
    """Return the variables; the last of several counts, entries without ``=`` are left out.

    Bytes that are not UTF-8 are kept (surrogateescape), as in os.environ.
    """
    entries = content.decode(errors="surrogateescape").split("\0")
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, equals, value in pairs if name and equals}
