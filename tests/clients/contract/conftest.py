"""What the contract tests share: the commands of the cluster under trial, run as a caller would run them."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..clusters import Cluster, directory


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    out: str
    err: str
    status: int


@dataclass(frozen=True)
class Caller:
    """Someone who calls the commands from a directory of their own."""

    cluster: Cluster
    here: Path

    def ask(self, *argv: object, stdin: str = "", settings: tuple[str, ...] = (), status: int = 0) -> Answer:
        """Run one command. `settings` are further `NAME=value` variables. Insists on the exit status."""
        command = self.cluster.argv(self.here, [], *settings, *argv)
        done = subprocess.run(
            command, cwd=self.here, input=stdin, capture_output=True, text=True, check=False, timeout=60
        )
        said = f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == status, said
        return Answer(done.stdout, done.stderr, done.returncode)

    def out(self, *argv: object, **how: object) -> str:
        """The standard output of a command that succeeds."""
        return self.ask(*argv, **how).out

    def script(self, body: str, *directives: str) -> Path:
        """A batch script in this caller's directory."""
        text = "".join(f"#SBATCH {directive}\n" for directive in ("-t 3", *directives))
        path = self.here / "job.sh"
        path.write_text(f"#!/bin/bash\n{text}{body}\n")
        return path

    def held(self, *options: object) -> str:
        """The ID of a new job that waits, so that nothing about it changes."""
        return self.out("sbatch", "--parsable", "--hold", *options, self.script("true")).strip()

    def done(self, body: str, *options: object, status: int = 0) -> str:
        """The ID of a new job that has ended, with that exit status of `sbatch --wait`."""
        said = self.ask("sbatch", "--parsable", "--wait", *options, self.script(body), status=status)
        return said.out.strip()

    def job(self, job: str) -> str:
        """All that scontrol says of a job, in one line."""
        return self.out("scontrol", "-o", "show", "job", job)


@pytest.fixture
def caller(cluster: Cluster) -> Iterator[Caller]:
    """A caller in an empty directory; whatever it still has in the queue is cancelled afterwards."""
    here = directory(cluster.user)
    known = Caller(cluster, here)
    yield known
    cluster.clear(here)
    shutil.rmtree(here, ignore_errors=True)
