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
from .normalise import Normaliser
from .sides import Ours

FOLDER = Path(__file__).parent / "transcripts"
SETTLE_SECONDS = 15.0
"""How long a question may be asked again until the queue has come to where it was when the answer was recorded."""
QUESTIONS = ("squeue", "sinfo", "sacct", "scontrol show", "scontrol -o show", "scontrol ping", "cat ", "ls ", "ls;")
NUMBER = re.compile(r"((?<!\d)\d{1,8}(?!\d))")
NUMBERS = 500
"""More than any scenario gives to its jobs."""
MASKS = (
    (r"^(\d+: )?(SLURMSHIM_\w+|SLURM_CONF|SLURM_TASK_PID|SLURM_WORKING_CLUSTER|SLURM_\w+_(?:PORT|IPADDR))=.*\n", ""),
    (r"^(\d+: )?SLURM_SRUN_COMM_HOST=.*\n", ""),
    (r"^srun: (?:Job \d+ step creation temporarily disabled, retrying|Step created for job).*\n", ""),
    (r"^\w+: select/\S+ .*\n", ""),
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
        replayer = Replayer(case, side)
        return list(replayer.outcomes(records))


class Replayer:
    """Asks one scenario's questions in order."""

    def __init__(self, case: Case, side: Side) -> None:
        self.player = Player(case, side)
        self.level = Normaliser(side.place, MASKS, renumber=False)
        self.numbers = JobNumbers(side.place.first_job_id)
        self.known = known_differences()

    def outcomes(self, records: Sequence[Record]) -> Iterator[Outcome]:
        for record in records:
            self.player.write_files({name: self.localised(text) for name, text in record.files.items()})
            expected = self.masked(record.answer or self.recorded_files(record))
            patience = SETTLE_SECONDS if record.question and record.id not in self.known else 0
            deadline = time.monotonic() + patience
            while not (matches := self.numbers.same(expected, got := self.ask(record))) and time.monotonic() < deadline:
                time.sleep(0.1)
            yield Outcome(record, expected, got, matches)

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
