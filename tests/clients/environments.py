"""Where the clients live: one virtual environment for each set of pins, built once and kept.

The cache is `$SHIM_CLIENTS_CACHE`, or `slurm-shim-clients` under `$XDG_CACHE_HOME` (default `~/.cache`). An environment
is named after its pins, so a changed pin builds a new one and an unchanged one costs nothing. It is built with the
system's Python (`$SHIM_CLIENTS_PYTHON` overrides), because a job may run as a user who cannot read the developer's own.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .clients import Client


class CannotInstall(Exception):
    """A client's packages could not be installed; the text says which command failed and how."""


def cache() -> Path:
    """The directory that holds every client's environment."""
    if named := os.environ.get("SHIM_CLIENTS_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slurm-shim-clients"


def python() -> str:
    """The interpreter that environments are made with, and that runs drivers which need no packages."""
    return (
        os.environ.get("SHIM_CLIENTS_PYTHON")
        or shutil.which("python3", path="/usr/bin:/usr/local/bin")
        or sys.executable
    )


def build(client: Client) -> Path:
    """Install what the client needs, unless it is there already, and return its environment's directory."""
    _install_system_packages(client)
    return environment(client.distribution, client.pins, client.npm)


def environment(name: str, pins: tuple[str, ...], npm: tuple[str, ...] = ()) -> Path:
    """The directory of the environment with exactly these packages."""
    digest = hashlib.sha256("\n".join((python(), *pins, *npm)).encode()).hexdigest()[:8]
    place = cache() / f"{name}-{digest}"
    complete = place / ".complete"
    if complete.exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if pins:
        _install_python_packages(place, pins)
    if npm:
        _run("npm", "install", "--prefix", str(place), "--silent", "--no-fund", "--no-audit", *npm)
    _run("chmod", "-R", "go+rX", str(place))
    complete.touch()
    return place


def search_path(place: Path) -> list[str]:
    """The directories of an environment that hold commands."""
    return [str(place / "bin"), str(place / "node_modules" / ".bin")]


def _install_python_packages(place: Path, pins: tuple[str, ...]) -> None:
    interpreter = str(place / "bin" / "python")
    if uv := shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent)):
        _run(uv, "venv", "--quiet", "--clear", "--python", python(), str(place))
        _run(uv, "pip", "install", "--quiet", "--python", interpreter, *pins)
    else:
        _run(python(), "-m", "venv", str(place))
        _run(interpreter, "-m", "pip", "install", "--quiet", *pins)


def _install_system_packages(client: Client) -> None:
    missing = [package for package in client.apt if not system_version(package)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise CannotInstall(f"{client.name} needs: apt-get install {' '.join(missing)}")
    _run("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing)


def version(client: Client) -> str:
    """The client's version: its first pin's, or that of its Debian package."""
    return client.pins[0].partition("==")[2] if client.pins else system_version(client.apt[0])


def system_version(package: str) -> str:
    """The installed version of a Debian package, empty when it is not installed."""
    query = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    status, _, version = query.stdout.partition(" ")
    return version if status == "installed" else ""


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CannotInstall(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
