"""The shim as its user has it: the launchers in bin/, a controller of its own, a state folder of its own."""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FOUR_NODES = """\
cluster_name = "oracle"
max_array_size = 10001
def_mem_per_cpu = 100

[[node]]
name = "n[1-2]"
cpus = 8
memory = 8000

[[node]]
name = "n3"
cpus = 8
memory = 8000
gres = "gpu:a100:4"
features = ["a100"]

[[node]]
name = "n4"
cpus = 8
memory = 8000
gres = "gpu:h100:4"
features = ["h100"]

[[partition]]
name = "debug"
nodes = "n[1-4]"
default = true

[[partition]]
name = "gpu"
nodes = "n[3-4]"
max_time = "2-00:00:00"
default_time = "1:00:00"
"""
PATIENCE = 100.0
"""Seconds until a test gives up waiting for something that should have happened."""


@dataclass
class Answer:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}{self.err}"


@dataclass
class Shim:
    """One user's shim. ``folder`` holds its state, its configuration and the working directory ``work``."""

    folder: Path
    config: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.folder / "state"
        self.work = self.folder / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.bin = self.folder / "bin"
        if not self.bin.exists():
            self.bin.mkdir()
            for command in (REPOSITORY / "bin").iterdir():
                (self.bin / command.name).write_text(launcher(command))
                (self.bin / command.name).chmod(0o755)
        if self.config:
            (self.folder / "config.toml").write_text(self.config)

    @property
    def environment(self) -> dict[str, str]:
        """A login session's environment, nothing of the developer's."""
        return {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "USER": os.environ.get("USER", "root"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "SLURMSHIM_STATE": str(self.state),
            **({"SLURMSHIM_CONFIG": str(self.folder / "config.toml")} if self.config else {}),
            **self.variables,
        }

    def run(self, *argv: str, stdin: str = "", **env: str) -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            argv,
            cwd=self.work,
            env=self.environment | env,
            input=stdin.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Answer(os.fsdecode(done.stdout), os.fsdecode(done.stderr), done.returncode)

    def popen(self, *argv: str, stdin: int = subprocess.DEVNULL, **env: str) -> "subprocess.Popen[bytes]":
        """Begin a command."""
        return subprocess.Popen(
            argv,
            cwd=self.work,
            env=self.environment | env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def submit(self, *options: str, script: str = "", **env: str) -> int:
        """Submit a job and return its id; ``script`` is the text of a batch script."""
        answer = self.run("sbatch", "--parsable", *options, stdin=script, **env)
        assert answer.code == 0, str(answer)
        return int(answer.out)

    def states(self, *selection: str) -> dict[str, str]:
        """The states of the jobs that this selects, by their ids as squeue shows them."""
        answer = self.run("squeue", "-h", "-t", "all", "-o", "%i %T", *selection)
        return dict(line.split() for line in answer.out.splitlines())

    def wait(self, job_id: int, *states: str) -> str:
        """Wait until the job is in one of these states (by default: until it is over). Its state."""
        final = states or ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE")
        found: dict[str, str] = {}

        def there() -> bool:
            found.clear()
            found.update(self.states("-j", f"{job_id},{job_id}"))
            return bool(found) and all(state in final for state in found.values())

        wait_until(there, lambda: f"{final} of job {job_id}: {self.run('squeue', '-t', 'all').out}{self.log}")
        return next(iter(found.values()))

    def output(self, job: int | str) -> str:
        """What a job has written."""
        return (self.work / f"slurm-{job}.out").read_text()

    @property
    def log(self) -> str:
        """The controller's log."""
        path = self.state / "controller.log"
        return path.read_text() if path.exists() else ""

    @property
    def controller(self) -> int:
        """The process of the controller that was started last."""
        return int(re.findall(r"version \S+, process (\d+),", self.log)[-1])

    def kill_controller(self) -> None:
        """kill -9, and wait until it is gone."""
        kill(self.controller)

    def close(self) -> None:
        """Cancel everything, stop the controller, and see that no process is left."""
        if not self.state.exists():
            return
        self.run("scancel", "-Q", "-u", self.environment["USER"])
        for job_id in self.states():
            del job_id
        with contextlib.suppress(IndexError, OSError):
            handle = os.pidfd_open(self.controller)
            os.kill(self.controller, signal.SIGTERM)
            assert select.select([handle], [], [], PATIENCE)[0], "the controller does not end"
            os.close(handle)


def launcher(command: Path) -> str:
    """A launcher as it is, but with the interpreter of the tests, whatever the checkout has."""
    text = command.read_text()
    for words, replacement in (
        ("_shim_self=$0", f"_shim_self={command}"),
        ('exec "$_shim_python"', f"exec {sys.executable}"),
    ):
        assert words in text
        text = text.replace(words, replacement)
    return text


def kill(pid: int) -> None:
    """kill -9 a process and wait until it is gone."""
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([handle], [], [], PATIENCE)
    os.close(handle)


def wait_until(condition: Callable[[], bool], what: Callable[[], str] | str) -> None:
    """Wait for something that only looking can tell; give up with a picture of how things stand."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"gave up waiting for {what if isinstance(what, str) else what()}")
        select.select([], [], [], 0.02)


@contextlib.contextmanager
def shim_in(folder: Path, config: str = "", **variables: str) -> Iterator[Shim]:
    """A shim in a folder, gone with all its processes at the end."""
    shim = Shim(folder, config, variables)
    try:
        yield shim
    finally:
        shim.close()
