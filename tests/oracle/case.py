"""A scenario: files, then commands, whose answers two clusters must agree on. Adding a file under cases/ adds one.

# What this scenario shows                 the first comment is its title
alone                                      needs a queue in which nothing else waits (optional, first)
fresh                                      as alone, and nothing has ended lately either (optional, first)
slow                                       takes a minute or more: only played beside real Slurm (optional, first)
mask PATTERN -> TEXT                       levels what varies from run to run
--- job.sh                                 a file, up to the next line of three dashes
#!/bin/bash
---
A $ sbatch -H job.sh                       a step; the first number it prints is $A from here on
$ squeue -h -j $A \\                       a step: standard output, error and exit code are compared
>   -o %i                                  more lines of the same command
until squeue -h -j $A -o %t -> R           polls until the command prints just that
do touch x                                 set-up that must succeed and is not compared
differs REASON                             the next step's answer is known, and required, to differ
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from .normalise import Normaliser, Place

STEP_SECONDS = 60
"""The longest that one command may take; only commands that wait for a job come near."""
POLL_SECONDS = 0.1
STEP = re.compile(r"(?:(?P<name>[A-Z]\w*) )?\$ (?P<command>.*)")
UNTIL = re.compile(r"until (?P<command>.*) -> (?P<text>.*)")
MASK = re.compile(r"mask (?P<pattern>.*) -> (?P<text>.*)")


class BadCase(Exception):
    """A scenario file that cannot be read, or whose set-up fails; the text names file and line."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One command of a scenario and what to do with its answer."""

    kind: str  # "compare", "until", "do"
    command: str
    name: str = ""  # the variable that keeps the job number it prints
    text: str = ""  # what "until" waits for
    differs: str = ""  # why the answers are known to differ; "": they must not


@dataclasses.dataclass(frozen=True)
class Case:
    """A scenario file, read."""

    name: str
    title: str
    alone: bool
    fresh: bool
    slow: bool
    files: Mapping[str, str]
    steps: tuple[Step, ...]
    masks: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one command printed and returned, made comparable."""

    run: str
    stdout: str
    stderr: str
    exit: int


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two clusters as a scenario meets it."""

    place: Place
    env: Mapping[str, str]
    credentials: Mapping[str, object]
    """user, group and extra_groups of the commands, as subprocess takes them; empty: as we are"""
    patience: float
    """seconds that "until" goes on asking"""


def read(path: Path) -> Case:
    """Read a scenario file."""
    return Reader(path).case()


class Reader:
    """The few line forms of a scenario file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = list(enumerate(path.read_text().split("\n"), 1))
        self.files: dict[str, str] = {}
        self.steps: list[Step] = []
        self.masks: list[tuple[str, str]] = []
        self.title = ""
        self.alone = self.fresh = self.slow = False
        self.differs = ""

    def case(self) -> Case:
        while self.lines:
            number, line = self.lines.pop(0)
            if not self.take(line):
                raise BadCase(f"{self.path}:{number}: {line}")
        if not self.steps:
            raise BadCase(f"{self.path}: no steps")
        name = self.path.stem
        return Case(
            name, self.title, self.alone, self.fresh, self.slow, self.files, tuple(self.steps), tuple(self.masks)
        )

    def take(self, line: str) -> bool:
        """Whether the line has one of the known forms."""
        if not line.strip():
            return True
        if line.startswith("#"):
            self.title = self.title or line.lstrip("# ")
        elif line == "alone":
            self.alone = True
        elif line == "fresh":
            self.alone = self.fresh = True
        elif line == "slow":
            self.slow = True
        elif line.startswith("--- "):
            self.files[line[4:]] = "".join(text + "\n" for text in self.until_dashes())
        elif line.startswith("do "):
            self.add(Step("do", self.continued(line[3:])))
        elif line.startswith("differs "):
            self.differs = line.removeprefix("differs ")
        elif match := MASK.fullmatch(line):
            self.masks.append((match["pattern"], match["text"]))
        elif match := UNTIL.fullmatch(line):
            self.add(Step("until", match["command"], text=match["text"].strip()))
        elif match := STEP.fullmatch(line):
            self.add(Step("compare", self.continued(match["command"]), match["name"] or ""))
        else:
            return False
        return True

    def add(self, step: Step) -> None:
        self.steps.append(dataclasses.replace(step, differs=self.differs))
        self.differs = ""

    def until_dashes(self) -> Iterator[str]:
        while self.lines:
            line = self.lines.pop(0)[1]
            if line == "---":
                return
            yield line

    def continued(self, command: str) -> str:
        while self.lines and self.lines[0][1].startswith("> "):
            command += "\n" + self.lines.pop(0)[1][2:]
        return command


class Player:
    """Runs one scenario on one side."""

    def __init__(self, case: Case, side: Side) -> None:
        self.case = case
        self.side = side
        self.directory = Path(side.place.directory)
        self.level = Normaliser(side.place, case.masks)
        self.env = dict(side.env)

    def play(self) -> list[Answer]:
        """All steps in order; the answers of those that are compared."""
        self.write_files(self.case.files)
        return [answer for step in self.case.steps if (answer := self.step(step))]

    def write_files(self, files: Mapping[str, str]) -> None:
        """Files that belong to the user, ready to be executed."""
        for name, text in files.items():
            path = self.directory / name
            path.write_text(text)
            path.chmod(0o755)
            if owner := self.side.credentials.get("user"):
                os.chown(path, int(str(owner)), -1)

    def step(self, step: Step) -> Answer | None:
        done = self.wait(step) if step.kind == "until" else self.run(step.command)
        if step.kind == "do":
            if done.returncode:
                raise BadCase(f"{self.case.name}: {step.command}: {done.stdout}{done.stderr}")
            return None
        if step.name:
            self.env[step.name] = self.job_number(done)
        return Answer(step.command, self.level(done.stdout), self.level(done.stderr), done.returncode)

    def job_number(self, done: subprocess.CompletedProcess[str]) -> str:
        """The job number that a command printed; where it printed none, its answer will show that."""
        first = str(self.side.place.first_job_id)
        match = re.search(rf"\b{first[:2]}\d{{{len(first) - 2}}}\b", done.stdout + done.stderr)
        return match[0] if match else "none"

    def wait(self, step: Step) -> subprocess.CompletedProcess[str]:
        """Poll a condition, as a queue tells nobody when it changes; the last answer, also when patience ends."""
        deadline = time.monotonic() + self.side.patience
        while (done := self.run(step.command)).stdout.strip() != step.text and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return done

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """One command line through bash, in a session of its own that ends with it."""
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
            **self.side.credentials,  # type: ignore[call-overload]
        )
        try:
            stdout, stderr = process.communicate(timeout=STEP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            stderr += f"[no end within {STEP_SECONDS} s]\n"
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
