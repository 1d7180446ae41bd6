"""What srun says of its tasks: how they ended, which still run, and slurmstepd's notices.

The texts are those of launch_slurm.c, step_launch.c and mgr.c.
"""

from __future__ import annotations

import posix
from _signal import strsignal  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from shim.guest.streams import Output, Pump


class Task:
    """One task as it goes: its process, and how it ended (status None: it runs). CPU times in seconds, memory in KB."""

    __slots__ = ("node", "pid", "pumps", "rank", "rss", "status", "step", "system", "target", "user")

    def __init__(self, rank: int, node: int, step: int, target: bytes | int) -> None:
        self.rank = rank
        self.node = node  # positions in the names of nodes and of steps
        self.step = step
        self.target = target  # where its standard error goes
        self.pid = 0
        self.status: int | None = None
        self.user = self.system = 0.0
        self.rss = 0
        self.pumps: list[Pump] = []


class Teller:
    """Speaks for one call of srun."""

    def __init__(self, order: Mapping[str, Any], tasks: Sequence[Task], output: Output) -> None:
        self.nodes: Sequence[str] = order["names"]
        self.steps: Sequence[str] = order["steps"]
        self.quiet: bool = order["quiet"]
        self.verbose: bool = order["verbose"] > 0
        self.tasks = tasks
        self.output = output
        self._noticed: set[int] = set()  # steps whose end slurmstepd has told of
        self.cancelled = False  # the user has pressed Ctrl-C: how tasks end is no news

    def error(self, text: str) -> None:
        """A line that even -Q does not keep back."""
        posix.write(2, f"srun: error: {text}\n".encode(errors="surrogateescape"))

    def info(self, text: str) -> None:
        """A line that -Q keeps back."""
        if not self.quiet:
            posix.write(2, f"srun: {text}\n".encode(errors="surrogateescape"))

    def notice(self, suffix: str = "", *, failed: bool = False) -> None:
        """slurmstepd's line about the end of a step, once, from its first node while one of its tasks runs there."""
        from shim.guest.session import stamp

        end = f"CANCELLED AT {stamp()}{suffix}" if not failed else "FAILED (non-zero exit code or other failure mode)"
        first: dict[int, int] = {}
        for task in self.tasks:
            if first.setdefault(task.step, task.node) != task.node or task.status is not None:
                continue
            if task.step in self._noticed:
                continue
            self._noticed.add(task.step)
            step, node = self.steps[task.step], self.nodes[task.node]
            self._from_stepd(task, f"error: *** STEP {step} ON {node} {end} ***")

    def from_node(self, node: int, text: str) -> None:
        """A line of the slurmstepd of one node."""
        self._from_stepd(next(task for task in self.tasks if task.node == node), text)

    def _from_stepd(self, task: Task, text: str) -> None:
        label = task.pumps[-1].label if task.pumps else b""
        self.output.sink(task.target).write(label + f"slurmstepd: {text}\n".encode())

    def started(self) -> None:
        """With -v, how many tasks each node has begun."""
        if self.verbose:
            for number, name in enumerate(self.nodes):
                count = sum(task.node == number for task in self.tasks)
                self.info(f"launch/slurm: _task_start: Node {name}, {count} tasks started")

    def exits(self, ended: Sequence[Task]) -> None:
        """One line for all tasks of a node that ended alike."""
        alike: dict[tuple[int, int, int], list[int]] = {}
        for task in ended:
            assert task.status is not None
            alike.setdefault((task.step, task.node, task.status), []).append(task.rank)
        for (step, node, status), ranks in alike.items():
            who = f"{self.nodes[node]}: {_named(ranks)}"
            if self.verbose:
                tasks = f"{len(ranks)} task{'s' if len(ranks) > 1 else ''} of StepId={self.steps[step]}"
                what = f"Received task exit notification for {tasks} (status=0x{status:04x})."
                self.info(f"launch/slurm: _task_finish: {what}")
            if status:
                self._exit(who, status)
            else:
                self.info(f"launch/slurm: _task_finish: {who}: Completed")

    def _exit(self, who: str, status: int) -> None:
        if not posix.WIFSIGNALED(status):
            self.error(f"{who}: Exited with exit code {posix.WEXITSTATUS(status)}")
        elif not self.cancelled:
            core = " (core dumped)" if posix.WCOREDUMP(status) else ""
            self.error(f"{who}: {strsignal(posix.WTERMSIG(status))}{core}")

    def states(self) -> None:
        """Which tasks run, and which are over."""
        for number, step in enumerate(self.steps):
            for word, runs in (("running", True), ("exited", False)):
                ranks = [task.rank for task in self.tasks if task.step == number and (task.status is None) == runs]
                if ranks:
                    self.info(f"StepId={step} {_named(ranks)}: {word}")


def note(text: bytes) -> None:
    """A line that somebody sends with scontrol notify."""
    import sys

    posix.write(2, f"{sys.argv[1]}: ".encode() + text + b"\n")


def _named(ranks: Sequence[int]) -> str:
    return f"task{'s' if len(ranks) > 1 else ''} {fold(sorted(ranks))}"


def fold(ranks: Sequence[int]) -> str:
    """Numbers as Slurm lists them: ``0-2,5``."""
    parts: list[str] = []
    at = 0
    while at < len(ranks):
        end = at
        while end + 1 < len(ranks) and ranks[end + 1] == ranks[end] + 1:
            end += 1
        parts.append(str(ranks[at]) if end == at else f"{ranks[at]}-{ranks[end]}")
        at = end + 1
    return ",".join(parts)
