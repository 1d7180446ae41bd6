"""The head of the documents that --json and --yaml write."""

from typing import Any


def openapi_meta(version: str, plugin: str = "v0.0.38", name: str = "Slurm OpenAPI v0.0.38") -> dict[str, Any]:
    """Which plugin of which release the layout is that of; ``version`` is Slurm's, such as 22.05.8."""
    major, minor, micro = (int(part) if part.isdecimal() else 0 for part in (*version.split("."), "0", "0")[:3])
    return {
        "plugin": {"type": f"openapi/{plugin}", "name": name},
        "Slurm": {"version": {"major": major, "micro": micro, "minor": minor}, "release": version},
    }
