"""The clusters that clients are tried on, each the same to a driver: commands on PATH and an environment."""

import os
import pwd
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import environments

REPOSITORY = Path(__file__).parents[2]
COMMANDS = ("sbatch", "squeue", "scancel", "srun", "salloc", "scontrol", "sacct", "sinfo", "sacctmgr", "sshare")
SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Cluster:
    """Where a driver's commands come from, and who runs it.

    `commands` is their folder. `user` is who runs the clients; root may name another user, who must be able to read
    the repository and the clients' cache.
    """

    name: str
    user: str
    commands: Path

    def environment(self, home: Path, path: list[str]) -> dict[str, str]:
        """All that a process started here sees: nothing leaks in from the developer's own environment."""
        return {
            "PATH": os.pathsep.join([*path, str(self.commands), *SYSTEM_PATH]),
            "HOME": str(home),
            "USER": self.user,
            "LOGNAME": self.user,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def argv(self, home: Path, path: list[str], *command: object) -> list[str]:
        """The command as the cluster's user runs it in the cluster's environment."""
        switch = ["runuser", "-u", self.user, "--"] if self.user != current_user() else []
        variables = [f"{name}={value}" for name, value in self.environment(home, path).items()]
        return [*switch, "env", "-i", *variables, *map(str, command)]

    def clear(self, home: Path) -> None:
        """Cancel what was submitted in that directory and is still in the queue."""
        question = self.argv(home, [], "squeue", "-h", "--me", "-o", "%A %Z")
        queue = subprocess.run(question, capture_output=True, text=True, check=True).stdout.splitlines()
        if left := [line.split(" ", 1)[0] for line in queue if line.split(" ", 1)[1].startswith(str(home))]:
            subprocess.run(self.argv(home, [], "scancel", *left), check=True)


def directory(user: str) -> Path:
    """A new empty directory that the user owns."""
    made = Path(tempfile.mkdtemp(prefix="slurm-client-"))
    made.chmod(0o755)
    shutil.chown(made, user)
    return made


def current_user() -> str:
    """The name of the user who runs the tests."""
    return pwd.getpwuid(os.geteuid()).pw_name


def wrap(commands: Path, place: Path, **settings: object) -> None:
    """Make `place` a folder of the same commands that know their cluster by themselves.

    Variables in the clients' environment would not do: some clear all that begin with SLURM_ before they call a
    command, others call it in an environment of their own making.
    """
    place.mkdir()
    variables = " ".join(f"{name}={value}" for name, value in settings.items())
    for name in COMMANDS:
        if (commands / name).exists():
            wrapper = place / name
            wrapper.write_text(f'#!/bin/sh\n{variables} exec {commands / name} "$@"\n')
            wrapper.chmod(0o755)


@contextmanager
def real_slurm(user: str) -> Iterator[Cluster]:
    """A real Slurm cluster that runs already, named by SLURM_CONF: what proves the drivers themselves."""
    place = directory(user)
    wrap(Path("/usr/bin"), place / "commands", SLURM_CONF=os.environ["SLURM_CONF"])
    yield Cluster("slurm", user, place / "commands")
    shutil.rmtree(place)


@contextmanager
def shim_with_local_executor(user: str) -> Iterator[Cluster]:
    """The shim on an emulated cluster of four nodes."""
    with shim("local", user, Path(__file__).with_name("cluster.toml").read_text()) as cluster:
        yield cluster


@contextmanager
def shim_with_dstack_executor(user: str) -> Iterator[Cluster]:
    """The shim on a real dstack server with a fleet of four loopback hosts, whose files are this host's."""
    from ..dstack.lab import Host, Lab

    gpus = [("NVIDIA L4", 24), ("NVIDIA H100 80GB HBM3", 80)]
    hosts = [Host(cpus=8, blocks=8)] * 2
    hosts += [Host(cpus=8, blocks=4, gpus=4, gpu_name=name, gpu_memory_gb=memory) for name, memory in gpus]
    with tempfile.TemporaryDirectory(prefix="dstack-lab-") as place, Lab(Path(place), hosts) as lab:
        shared = [tempfile.gettempdir(), str(environments.cache())]
        configuration = DSTACK.format(
            server=lab.url, project=lab.project, token=lab.token, shared=shared, fleet=lab.fleet
        )
        with shim("dstack", user, configuration) as cluster:
            yield cluster


DSTACK = """
cluster_name = "oracle"
max_array_size = 10001
def_mem_per_cpu = 100

[dstack]
server = "{server}"
project = "{project}"
token = "{token}"
shared = {shared}
drop_env = []  # the hosts have the very files of the login node, interpreters included
poll = 0.5

[[partition]]
name = "debug"
executor = "dstack"
default = true
dstack = {{ fleets = ["{fleet}"] }}

[[partition]]
name = "gpu"
nodes = "{fleet}-[2-3]"
executor = "dstack"
dstack = {{ fleets = ["{fleet}"] }}
"""


@contextmanager
def shim(name: str, user: str, configuration: str) -> Iterator[Cluster]:
    """The shim, run by `user` from a copy of this tree, with a queue of its own.

    The copy keeps a running trial apart from edits, and lets a user try it who may not read the developer's checkout.
    """
    place = directory(user)
    for part in ("bin", "shim"):
        shutil.copytree(REPOSITORY / part, place / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "config.toml").write_text(configuration)
    shutil.chown(place / "config.toml", user)
    subprocess.run(["chmod", "-R", "a+rX", place / "bin", place / "shim"], check=True)
    dependencies = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    (place / ".venv").symlink_to(environments.environment("slurm-shim", tuple(dependencies)))
    wrap(place / "bin", place / "commands", SLURMSHIM_CONFIG=place / "config.toml", SLURMSHIM_STATE=place / "state")
    cluster = Cluster(name, user, place / "commands")
    try:
        yield cluster
    finally:
        for farewell in (("scancel", "--me"), ("scontrol", "shutdown")):
            subprocess.run(cluster.argv(place, [], *farewell), check=False)


CLUSTERS: dict[str, Callable[[str], AbstractContextManager[Cluster]]] = {
    "slurm": real_slurm,
    "local": shim_with_local_executor,
    "dstack": shim_with_dstack_executor,
}
