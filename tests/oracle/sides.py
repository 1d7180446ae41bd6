"""Where scenarios are played: on a real Slurm cluster, and on the shim with a configuration of the same cluster."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..shim import FOUR_NODES
from .case import Case, Side
from .cluster import FIRST_JOB_ID, Address, search_path
from .normalise import Place

ROOT = Path(__file__).resolve().parents[2]
REAL_PATIENCE = 100
OUR_PATIENCE = 20
QUIET_SECONDS = 60
"""How long jobs of an earlier scenario may take to leave the real queue."""

CONFIG = f"""\
first_job_id = {{first_job_id}}
mail_prog = "{{mail}}"
default_account = "proj"
requeue_delay = 120
{FOUR_NODES}"""


@dataclasses.dataclass(frozen=True)
class Person:
    """The user who types the commands."""

    name: str
    uid: int
    gid: int
    home: str

    @classmethod
    def alice(cls) -> Person:
        """alice where we may become her and she exists, else whoever runs the tests."""
        with contextlib.suppress(KeyError):
            if os.geteuid() == 0:
                return cls.from_entry(pwd.getpwnam("alice"))
        return cls.myself()

    @classmethod
    def myself(cls) -> Person:
        """Whoever runs the tests."""
        return cls.from_entry(pwd.getpwuid(os.geteuid()))

    @classmethod
    def from_entry(cls, entry: pwd.struct_passwd) -> Person:
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)

    def credentials(self) -> Mapping[str, object]:
        """What subprocess needs to become this user; nothing when we are."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> Path:
        """Make a directory this user's."""
        path.mkdir(parents=True, exist_ok=True)
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)
        return path

    def environment(self, path: str) -> dict[str, str]:
        """The least that a login session has; everything else would leak from the machine into the answers."""
        return {
            "PATH": path,
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TZ": "UTC",
        }


class Real:
    """Scenarios on one real cluster, which they share."""

    def __init__(self, address: Address, root: Path) -> None:
        self.address = address
        self.root = root
        self.person = Person.alice()

    @contextlib.contextmanager
    def open(self, case: Case) -> Iterator[Side]:
        """A directory for a scenario; whatever it leaves in the queue is cancelled afterwards."""
        shutil.rmtree(self.root / case.name, ignore_errors=True)  # it may be played once more
        directory = self.person.own(self.root / case.name)
        env = self.person.environment(search_path()) | {"SLURM_CONF": str(self.address.slurm_conf)}
        place = place_of(self.person, directory, self.address.first_job_id)
        side = Side(place, env, self.person.credentials(), REAL_PATIENCE)
        try:
            if case.alone:
                self.empty_queue(env)
            if case.fresh:
                self.forget_finished(env)
            yield side
        finally:
            self.cancel(directory, env)

    def cancel(self, directory: Path, env: Mapping[str, str]) -> None:
        """Cancel the jobs that were submitted from one directory."""
        squeue = ["squeue", "-h", "-o", "%F %Z"]
        listing = subprocess.run(squeue, env=env, capture_output=True, text=True, check=True).stdout
        places = (line.partition(" ") for line in listing.splitlines())
        jobs = {job for job, _, place in places if place.startswith(str(directory))}
        if jobs:
            subprocess.run(["scancel", "-Q", *jobs], env=env, check=False)

    def empty_queue(self, env: Mapping[str, str]) -> None:
        """Cancel what earlier scenarios left behind where their directory does not tell, and wait until it has gone."""
        subprocess.run(["scancel", "-Q", "-u", self.person.name], env=dict(env), check=False)
        self.wait_for_none(["squeue", "-h"], env)
        # what waited may have had nodes set aside for it, until the backfill scheduler next looks
        self.wait_for_none(["sinfo", "-h", "-t", "planned", "-o", "%N"], env)

    def forget_finished(self, env: Mapping[str, str]) -> None:
        """Let the controller drop the jobs that have ended, which it keeps in memory for MinJobAge seconds."""
        conf = self.address.slurm_conf
        kept = conf.read_text()
        try:
            conf.write_text(kept.replace("MinJobAge=300", "MinJobAge=2"))
            subprocess.run(["scontrol", "reconfigure"], env=dict(env), check=True)
            self.wait_for_none(["squeue", "-h", "-t", "all"], env)
        finally:
            conf.write_text(kept)
            subprocess.run(["scontrol", "reconfigure"], env=dict(env), check=True)

    def wait_for_none(self, listing: Sequence[str], env: Mapping[str, str]) -> None:
        """Poll until a listing is empty."""
        deadline = time.monotonic() + QUIET_SECONDS
        while subprocess.run(listing, env=dict(env), capture_output=True, check=True).stdout:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the real cluster's {' '.join(listing)} does not become empty")
            time.sleep(0.2)


class Ours:
    """Scenarios on the shim, each with a controller and a state directory of its own."""

    def __init__(self, root: Path, first_job_id: int = FIRST_JOB_ID) -> None:
        self.root = root
        self.first_job_id = first_job_id
        self.person = Person.alice()
        self.python = interpreter_for(self.person, root / "python")
        if not self.python:
            self.person, self.python = Person.myself(), Path(sys.executable).parent

    @contextlib.contextmanager
    def open(self, case: Case) -> Iterator[Side]:
        """A directory, a configuration and an empty job table for a scenario."""
        directory = self.person.own(self.root / case.name)
        side = self.side(directory, self.person.own(self.root / f"{case.name}.state"), case.slow)
        try:
            yield side
        finally:
            self.shut_down(side)

    def side(self, directory: Path, state: Path, slow: bool) -> Side:
        """Commands found in bin/, talking to a controller that keeps its state where it is told."""
        (state / "config.toml").write_text(CONFIG.format(first_job_id=self.first_job_id, mail=self.mail(state)))
        path = os.pathsep.join([str(ROOT / "bin"), str(self.python), search_path()])
        env = self.person.environment(path) | {
            "SLURMSHIM_STATE": str(state),
            "SLURMSHIM_CONFIG": str(state / "config.toml"),
            # A command of the family that bin/ lacks must not be answered by real Slurm's.
            "SLURM_CONF": "/nonexistent/slurm.conf",
        }
        place = place_of(self.person, directory, self.first_job_id)
        return Side(place, env, self.person.credentials(), REAL_PATIENCE if slow else OUR_PATIENCE)

    def mail(self, state: Path) -> Path:
        """A mail program that only keeps a record."""
        program = state / "mail"
        program.write_text(f'#!/bin/sh\necho "$@" >>{state}/mail.log\n')
        program.chmod(0o755)
        return program

    def shut_down(self, side: Side) -> None:
        """End the scenario's jobs, then its controller."""
        for command in (["scancel", "-Q", "-u", self.person.name], ["scontrol", "shutdown"]):
            program = shutil.which(command[0], path=str(ROOT / "bin"))
            if program:
                subprocess.run(
                    [program, *command[1:]],
                    env=dict(side.env),
                    capture_output=True,
                    check=False,
                    **side.credentials,  # type: ignore[call-overload]
                )


def interpreter_for(person: Person, folder: Path) -> Path | None:
    """A folder with a python3 that a person can run and that has our packages; None where there is none.

    The interpreter of the tests may lie below a home directory that is closed to others.
    """
    ours = Path(sys.executable).parent
    if runs(person, ours / "python3"):
        return ours
    system = Path("/usr/bin") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not runs(person, system):
        return None
    subprocess.run([system, "-m", "venv", "--without-pip", folder], check=True)
    packages = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    (Path(packages) / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def runs(person: Person, python: Path) -> bool:
    """Whether a person may run an interpreter."""
    try:
        command = [python, "-c", ""]
        return subprocess.run(command, check=False, **person.credentials()).returncode == 0  # type: ignore[call-overload,no-any-return]
    except OSError:
        return False


def place_of(person: Person, directory: Path, first_job_id: int) -> Place:
    """What to level in the answers that a person gets in a directory."""
    return Place(str(directory), first_job_id, person.name, person.uid, person.home, socket.gethostname())
