"""Timing whole commands: in turn with what they are compared to, medians of many runs."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(os.environ.get("BENCH_RESULTS", Path(__file__).parent / "results.md"))


@dataclass(frozen=True)
class Timed:
    """Medians of two things measured in turn, in milliseconds."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def __str__(self) -> str:
        return f"{self.ours:.1f} ms | {self.theirs:.1f} ms | {self.ratio:.2f}"


def seconds(action: Callable[[], object]) -> float:
    """How long one action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def command(argv: Sequence[str], env: dict[str, str], cwd: Path) -> Callable[[], object]:
    """A command as an action; it must succeed."""

    def run() -> None:
        subprocess.run(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)

    return run


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], runs: int = 25) -> Timed:
    """Both, one after the other, again and again: what slows the machine down slows both."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    return Timed(*(statistics.median(column) * 1000 for column in zip(*pairs, strict=True)))


def note(what: str, result: object, against: str) -> None:
    """Print a line of the report, and keep it."""
    line = f"| {what} | {result} | {against} |"
    print(line)
    with RESULTS.open("a") as report:
        report.write(line + "\n")
