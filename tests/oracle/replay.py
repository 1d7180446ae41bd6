"""Replays what real Slurm was once asked, in its order, and compares the answers with the recorded ones.

``transcripts/recorded.jsonl.gz`` holds one JSON object a line: ``id`` (scenario and step), ``argv`` or ``sh``, ``env``,
``stdin``, ``files`` written before the step, and ``stdout``, ``stderr``, ``exit``; or ``output``, files that jobs
had written by then. The first record of a scenario has ``first``, the number of its first job.
``transcripts/different.txt`` lists the records that are known to differ, with the reason.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .case import Answer, Case, Player, Side
from .conditions import TRAPPING, conditions, in_order, without_durations, without_nodes
from .normalise import Normaliser
from .paced import Gate
from .sides import Ours

FOLDER = Path(__file__).parent / "transcripts"
SETTLE_SECONDS = 15.0
"""How long a question may be asked again until the queue has come to where it was when the answer was recorded."""
QUESTIONS = ("squeue", "sinfo", "sacct", "scontrol show", "scontrol -o show", "scontrol ping", "cat ", "ls ", "ls;")
GRACE_SECONDS = 0.3
"""How long a question is asked before jobs are let go."""
WAITS = re.compile(r"(?<!\S)-\w*W|--wait\b")
STARTS = re.compile(rf"\b(?:srun|salloc|sleep|wait)\b|{WAITS.pattern}")
"""In commands that wait for jobs."""
NUMBER = re.compile(r"((?<!\d)\d{1,8}(?!\d))")
NUMBERS = 500
"""More than any scenario gives to its jobs."""
MASKS = (
    (r"^(\d+: )?(SLURMSHIM_\w+|SLURM_CONF|SLURM_TASK_PID|SLURM_WORKING_CLUSTER|SLURM_\w+_(?:PORT|IPADDR))=.*\n", ""),
    (r"^(\d+: )?SLURM_SRUN_COMM_HOST=.*\n", ""),
    (r"^srun: (?:Job \d+ step creation temporarily disabled, retrying|Step created for job).*\n", ""),
    (r"^\w+: select/\S+ .*\n", ""),
    (r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d(?= )", "Mon DD HH:MM"),
    (r"\b1[789]\d{8}(?:\.\d{9})?\b", "EPOCH"),
)
"""Lines that tell one machine, or one moment, from another."""
VARIES = "varies:"
"""Begins the reason of records that come out now one way, now another; they are played but not compared."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One question to real Slurm with its answer."""

    id: str
    command: str  # for bash
    env: Mapping[str, str]
    stdin: str
    files: Mapping[str, str]
    answer: Answer | None  # None: ``output`` is what is compared
    output: Mapping[str, str]

    @property
    def question(self) -> bool:
        """Whether asking again does no harm."""
        return self.answer is None or self.command.startswith(QUESTIONS)

    @property
    def starts_jobs(self) -> bool:
        """Whether the command cannot come to its end before a job has started."""
        return bool((WAITS if self.submits else STARTS).search(self.command))

    @property
    def submits(self) -> bool:
        """Whether the command is an sbatch."""
        return self.command.startswith("sbatch")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How our answer to one record compares with the recorded one."""

    record: Record
    expected: Answer
    got: Answer
    matches: bool


class JobNumbers:
    """Which of our job numbers stands for which recorded one: they are given in order, but not by the same events."""

    def __init__(self, first: int) -> None:
        self.range = range(first, first + NUMBERS)
        self.ours: dict[str, str] = {}
        self.theirs: dict[str, str] = {}

    def same(self, expected: Answer, got: Answer) -> bool:
        """Whether two answers differ in nothing but job numbers that may stand for each other; remembers them then."""
        pairs: dict[str, str] = {}
        alike = (
            expected.exit == got.exit
            and self.unify(expected.stdout, got.stdout, pairs)
            and self.unify(expected.stderr, got.stderr, pairs)
        )
        if alike:
            self.ours |= pairs
            self.theirs |= {ours: theirs for theirs, ours in pairs.items()}
        return alike

    def unify(self, expected: str, got: str, pairs: dict[str, str]) -> bool:
        """Compare two texts; ``pairs`` gathers the numbers that would have to stand for each other."""
        left, right = NUMBER.split(expected), NUMBER.split(got)
        if len(left) != len(right) or left[::2] != right[::2]:
            return False
        return all(self.pair(theirs, ours, pairs) for theirs, ours in zip(left[1::2], right[1::2], strict=True))

    def pair(self, theirs: str, ours: str, pairs: dict[str, str]) -> bool:
        """Whether one number may stand for the other."""
        known = self.ours.get(theirs) or pairs.get(theirs)
        if known or theirs == ours:
            if theirs == ours and int(theirs) in self.range and not known and theirs not in self.theirs:
                pairs[theirs] = ours
            return ours in (known, theirs)
        fresh = int(theirs) in self.range and int(ours) in self.range
        if fresh and ours not in self.theirs and ours not in pairs.values():
            pairs[theirs] = ours
            return True
        return False

    def localised(self, text: str) -> str:
        """A recorded text with our numbers."""
        return NUMBER.sub(lambda match: self.ours.get(match[1], match[1]), text)


def recorded() -> dict[str, tuple[int, list[Record]]]:
    """For each scenario the number of its first job and its records."""
    scenarios: dict[str, tuple[int, list[Record]]] = {}
    with gzip.open(FOLDER / "recorded.jsonl.gz", "rt") as lines:
        for line in lines:
            entry = json.loads(line)
            scenario = entry["id"].partition(".")[0]
            scenarios.setdefault(scenario, (entry.get("first", 1), []))[1].append(record_from(entry))
    return scenarios


def record_from(entry: Mapping[str, object]) -> Record:
    """A line of the file as a record."""
    given: dict[str, object] = dict(entry)
    argv, output = given.get("argv"), given.get("output")
    command = shlex.join(argv) if isinstance(argv, list) else str(given.get("sh", ""))
    answer = None
    if output is None:
        answer = Answer(command, str(given["stdout"]), str(given["stderr"]), int(str(given["exit"])))
    return Record(
        str(given["id"]),
        command,
        given.get("env", {}),  # type: ignore[arg-type]
        str(given.get("stdin", "")),
        given.get("files", {}),  # type: ignore[arg-type]
        answer,
        output or {},  # type: ignore[arg-type]
    )


def known_differences() -> dict[str, str]:
    """Record and reason, from the lines of the list."""
    lines = (FOLDER / "different.txt").read_text().splitlines()
    pairs = (line.split(None, 1) for line in lines if line.strip() and not line.startswith("#"))
    return dict(pairs)  # type: ignore[arg-type]


def replay(scenario: str, first: int, records: Sequence[Record], root: Path) -> list[Outcome]:
    """Play one scenario on a shim of its own whose first job has the recorded number."""
    case = Case(scenario, scenario, False, False, False, {}, (), ())
    with Ours(root, first).open(case) as side:
        gate = Gate(side)
        outcomes = list(Replayer(case, side, gate).outcomes(records))
    gate.controller.wait()
    return outcomes


class Replayer:
    """Asks one scenario's questions in order."""

    def __init__(self, case: Case, side: Side, gate: Gate) -> None:
        self.gate = gate
        self.conditions = conditions(case.name)
        self.player = Player(case, side)
        self.level = Normaliser(side.place, MASKS, renumber=False)
        self.numbers = JobNumbers(side.place.first_job_id)
        self.known = known_differences()

    def outcomes(self, records: Sequence[Record]) -> Iterator[Outcome]:
        for record in records:
            self.player.write_files({name: self.localised(text) for name, text in record.files.items()})
            self.prepare(record)
            expected = self.masked(record.answer or self.recorded_files(record))
            if record.question:
                matches, got = self.settle(record, expected)
            else:
                matches = self.same(record, expected, got := self.ask(record))
            yield Outcome(record, expected, got, matches)

    def prepare(self, record: Record) -> None:
        """Bring about what the recording did or waited for unseen, and let jobs start, or not."""
        for verb, text in self.conditions.before.get(record.id, ()):
            command = self.localised(text)
            if verb == "do":
                self.player.run(command)
            else:
                self.gate.move(True)
                self.until(command)
        if self.conditions.says(record.id, "open") or record.starts_jobs:
            self.gate.move(True)
        elif record.submits:
            self.gate.move(False)

    def until(self, command: str) -> None:
        """Poll, as a queue tells nobody when it changes."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.player.run(TRAPPING + command).returncode and time.monotonic() < deadline:
            time.sleep(0.1)

    def settle(self, record: Record, expected: Answer) -> tuple[bool, Answer]:
        """Ask until the answer is the recorded one. Jobs are let go where it is not without."""
        asked = time.monotonic()
        patience = 0 if record.id in self.known else SETTLE_SECONDS
        while not (matches := self.same(record, expected, got := self.ask(record))):
            if not self.gate.is_open and time.monotonic() > asked + GRACE_SECONDS:
                self.gate.move(True)
            elif time.monotonic() > asked + GRACE_SECONDS + patience:
                break
            time.sleep(0.1)
        return matches, got

    def same(self, record: Record, expected: Answer, got: Answer) -> bool:
        """Whether the answers are alike; lines that have no order of their own in any order."""
        expected, got = self.conditions.without_others(expected), self.conditions.without_others(got)
        if self.conditions.says(record.id, "timed"):
            expected, got = without_durations(expected), without_durations(got)
        if self.conditions.says(record.id, "anywhere"):
            expected, got = without_nodes(expected), without_nodes(got)
        if self.numbers.same(expected, got):
            return True
        if not self.conditions.says(record.id, "unordered"):
            return False
        expected = dataclasses.replace(expected, stdout=self.numbers.localised(expected.stdout))
        return self.numbers.same(in_order(expected), in_order(got))

    def ask(self, record: Record) -> Answer:
        """Our answer."""
        if record.answer is None:
            return self.written_files(record)
        command = self.localised(record.command)
        exports = "".join(f"export {shlex.quote(f'{name}={value}')}; " for name, value in record.env.items())
        feed = f"printf %s {shlex.quote(record.stdin)} | " if record.stdin else ""
        done = self.player.run(f"{exports}{feed}{command}")
        return Answer(record.command, self.level(done.stdout), self.level(done.stderr), done.returncode)

    def recorded_files(self, record: Record) -> Answer:
        return Answer("files", "".join(f"== {name}\n{text}" for name, text in sorted(record.output.items())), "", 0)

    def written_files(self, record: Record) -> Answer:
        """The same files as they are here."""
        parts = []
        for name in sorted(record.output):
            path = self.player.directory / self.localised(name)
            text = path.read_text(errors="backslashreplace") if path.is_file() else "[missing]\n"
            parts.append(f"== {name}\n{self.level(text)}")
        return Answer("files", "".join(parts), "", 0)

    def masked(self, answer: Answer) -> Answer:
        """A recorded answer without what our answers are compared without."""
        stdout, stderr = self.level.apply_masks(answer.stdout), self.level.apply_masks(answer.stderr)
        return dataclasses.replace(answer, stdout=stdout, stderr=stderr)

    def localised(self, text: str) -> str:
        """A recorded text in our terms: our directory, our job numbers."""
        text = text.replace("/CASE", str(self.player.directory)).replace("/HOME", self.player.side.place.home)
        return self.numbers.localised(text)
