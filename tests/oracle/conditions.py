"""What a recorded conversation did, or waited for, without its being recorded: the replay does and waits alike.

``transcripts/conditions.txt`` has one condition a line, in the order in which they are brought about:

RECORD do COMMAND        the recording did this (or had it done by an administrator) before the record
RECORD until COMMAND     it waited until this succeeds; ``trapping JOB`` counts a job's programs that catch SIGUSR1
RECORD timed             durations are what they happen to be
RECORD unordered         the lines have no order of their own: tasks that write at the same time, ties of a sort
RECORD anywhere          jobs run on whichever node there is
RECORD open              jobs start while this command runs
SCENARIO others JOBS     jobs of other users, and of recordings before, on the cluster that was recorded
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .case import Answer

FILE = Path(__file__).parent / "transcripts" / "conditions.txt"
MARKS = ("timed", "unordered", "anywhere", "open")
DURATION = re.compile(r"\b(?:\d+-)?(?:\d{1,2}:)?\d{1,2}:\d\d\b *")
LISTED = re.compile(r"\s*(\d+)(?:[_.]\S*)?(?=[\s|])")
"""A line of a list of jobs."""
TRAPPING = r"""trapping() {
grep -lzx "SLURM_JOB_ID=$1" /proc/[0-9]*/environ 2>/dev/null | sed s,/environ$,, | while read -r process; do
grep -qs '^SigCgt:.*[2367abef]..$' $process/status && cat $process/cmdline && echo
done 2>/dev/null | tr '\0' ' ' | sort -u | grep -c .
}
"""
"""For ``until``: how many programs of a job catch signal 10. A shell that has just forked is there twice."""


@dataclasses.dataclass(frozen=True)
class Conditions:
    """The conditions of one scenario."""

    others: frozenset[int] = frozenset()
    before: Mapping[str, Sequence[tuple[str, str]]] = dataclasses.field(default_factory=dict)
    """For a record what comes before it: verb (do, until) and command."""
    marked: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    """For a record what else is said of it, see MARKS."""

    def says(self, record: str, mark: str) -> bool:
        """Whether a record is marked so."""
        return mark in self.marked.get(record, ())

    def without_others(self, answer: Answer) -> Answer:
        """A list of jobs without those that the shim, which has one user and one history, cannot have."""
        if not self.others:
            return answer
        lines = answer.stdout.splitlines(keepends=True)
        return dataclasses.replace(answer, stdout="".join(line for line in lines if not self._of_others(line)))

    def _of_others(self, line: str) -> bool:
        match = LISTED.match(line)
        return bool(match) and int(match[1]) in self.others  # type: ignore[index]


def conditions(scenario: str) -> Conditions:
    """What the file says of a scenario."""
    others: set[int] = set()
    before: dict[str, list[tuple[str, str]]] = {}
    marked: dict[str, frozenset[str]] = {}
    for line in FILE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        where, verb, *rest = line.split(None, 2)
        if where.partition(".")[0] != scenario:
            continue
        if verb == "others":
            others |= numbers(rest[0])
        elif verb in MARKS:
            marked[where] = marked.get(where, frozenset()) | {verb}
        else:
            before.setdefault(where, []).append((verb, rest[0]))
    return Conditions(frozenset(others), before, marked)


def numbers(text: str) -> set[int]:
    """``3-5,9`` as numbers."""
    spans = (part.partition("-") for part in text.split(","))
    return {number for first, _, last in spans for number in range(int(first), int(last or first) + 1)}


def in_order(answer: Answer) -> Answer:
    """The answer with its lines sorted."""
    return dataclasses.replace(
        answer,
        stdout="".join(sorted(answer.stdout.splitlines(keepends=True))),
        stderr="".join(sorted(answer.stderr.splitlines(keepends=True))),
    )


def without_nodes(answer: Answer) -> Answer:
    """The answer with all nodes called alike."""
    return dataclasses.replace(answer, stdout=re.sub(r"\bn[1-4]\b", "node", answer.stdout))


def without_durations(answer: Answer) -> Answer:
    """The answer with its durations, and the blanks around them, levelled."""
    return dataclasses.replace(answer, stdout=re.sub(" +", " ", DURATION.sub("TIME ", answer.stdout)))
