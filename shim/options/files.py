"""Values that name files and folders (sbatch(1), --chdir and FILENAME PATTERN)."""

from collections.abc import Mapping
from typing import Any

from shim.options.joboption import Reading, Value


def absolute(folder: str, name: str) -> str:
    """``name`` below ``folder`` unless it is absolute: put together as Slurm does, without tidying up."""
    return name if name.startswith("/") else f"{folder}/{name}"


def _chdir(reading: Reading) -> Mapping[str, Any]:
    return {"work_dir": absolute(reading.place.cwd, reading.given)}


CHDIR = Value(_chdir, lambda fields: str(fields["work_dir"]))


def stream(name: str) -> Value:
    """A file for a standard stream; ``none`` in any case means nowhere."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        return {name: "/dev/null" if reading.given.lower() == "none" else reading.given}

    return Value(parse, lambda fields: absolute(fields.get("work_dir") or fields["submit_dir"], fields[name]))
