"""The order of squeue's lines (squeue man page, --sort): stable sorts by one key after the other, the last first."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from shim.commands.display.size import node_count, size_of
from shim.commands.forecasts import Forecasts
from shim.commands.jobfields import expected_end, expected_start, min_memory
from shim.commands.squeue.rows import Row
from shim.commands.squeue.values import STATE_CODES, STATE_WORDS
from shim.grammar.hostlist import expand_hostlist
from shim.job.record import NO_TASK, Job
from shim.job.request import UNLIMITED

if TYPE_CHECKING:
    from shim.controller.queue import Queue

DEFAULT_SORT = "P,t,-p"
UNSORTED = frozenset("cfhnO")
"""Letters that are accepted and order nothing."""

UNSET = 0xFFFE
"""Where a number of sockets, cores or threads sorts that was not asked for (Slurm's NO_VAL16)."""

Key = Callable[[Row], Any]


class SortError(ValueError):
    """A letter that names no key; the text is the letter."""


def sort_terms(spec: str) -> list[tuple[str, bool]]:
    """The keys of a --sort list as (letter, descending), in order. There is one cluster only: its name is left out."""
    text = re.sub("cluster", "", spec, flags=re.IGNORECASE)
    return [(letter, index > 0 and text[index - 1] == "-") for index, letter in enumerate(text) if letter not in ",+-"]


class Order:
    """Sorts the rows of one report. ``now`` is its time; ``tiers`` are partition priorities (--priority)."""

    def __init__(
        self, queue: "Queue", now: float, forecasts: Forecasts, tiers: Mapping[str, int] | None = None
    ) -> None:
        self._forecasts = forecasts
        config, need = queue.config, queue.need
        self._now = now
        self._keys: dict[str, Key] = {
            "B": lambda row: row.job.shares[0].node if row.job.shares else "",
            "C": lambda row: size_of(row.job, config, need(row.job)).cpus,
            "d": lambda row: row.job.request.tmp or 0,
            "D": lambda row: node_count(row.job, config, need(row.job)),
            "e": self._end,
            "g": lambda row: row.job.group_name,
            "G": lambda row: row.job.group_id,
            "H": lambda row: row.job.request.sockets_per_node or UNSET,
            "i": _by_id,
            "I": lambda row: row.job.request.cores_per_socket or UNSET,
            "j": lambda row: row.job.request.job_name,
            "J": lambda row: row.job.request.threads_per_core or UNSET,
            "l": lambda row: row.job.time_limit,
            "L": self._time_left,
            "m": lambda row: min_memory(row.job.request, config),
            "M": lambda row: int(row.job.run_time(now)),
            "P": lambda row: row.partition,
            "t": lambda row: STATE_CODES[row.job.state],
            "T": lambda row: STATE_WORDS[row.job.state],
            "u": lambda row: row.job.user_name,
            "U": lambda row: row.job.user_id,
            "v": lambda row: row.job.request.reservation,
            "V": lambda row: int(row.job.submit_time),
            "z": lambda row: tuple(self._keys[letter](row) for letter in "HIJ"),
        }
        if tiers:
            self._keys["p"] = lambda row: (tiers.get(row.partition, 1), row.job.priority)
        else:
            self._keys["p"] = lambda row: row.job.priority
        self._keys["Q"] = self._keys["p"]

    def _end(self, row: Row) -> float:
        """A waiting job without a limit sorts as if it had Slurm's number for one, of centuries."""
        end = expected_end(row.job, self._now, self._forecasts.start(row.job))
        return end + UNLIMITED * 60 if end and row.job.pending and row.job.time_limit == UNLIMITED else end

    def _time_left(self, row: Row) -> float:
        job = row.job
        return UNLIMITED if job.time_limit == UNLIMITED else job.time_limit * 60 - int(job.run_time(self._now))

    def check(self, terms: Sequence[tuple[str, bool]]) -> list[str]:
        """Raise SortError for a letter that is no key; return those that are one no longer."""
        for letter, _ in reversed(terms):
            if letter not in self._keys and letter not in UNSORTED and letter not in "bNS":
                raise SortError(letter)
        return [letter for letter, _ in terms if letter == "b"]

    def sort(self, rows: list[Row], terms: Sequence[tuple[str, bool]]) -> list[Row]:
        """Return the rows in order. Rows that all keys leave equal: the latest start first.

        That takes no forecast: a plain report is not to cost one.
        """
        now = self._now
        rows = self._by_start(rows, lambda job: expected_start(job, now), descending=True)
        for letter, descending in reversed(terms):
            if letter == "S":
                rows = self._by_start(rows, self._start, descending)
            elif letter == "N":
                rows = _by_nodes(rows, descending)
            elif letter in self._keys:
                rows.sort(key=self._keys[letter], reverse=descending)
        return rows

    def _start(self, job: Job) -> float:
        return expected_start(job, self._now, self._forecasts.start(job))

    def _by_start(self, rows: Sequence[Row], start_of: Callable[[Job], float], descending: bool) -> list[Row]:
        """Sort by start. Slurm's comparison never calls two unknown starts equal: they come last, and turned round."""
        known: list[tuple[int, Row]] = []
        unknown: list[Row] = []
        now = self._now
        for row in rows:
            job = row.job
            start = start_of(job)
            if start:
                known.append((int(now if start < now and job.pending else start), row))
            else:
                unknown.append(row)
        known.sort(key=itemgetter(0), reverse=descending)
        unknown.reverse()
        return [row for _, row in known] + unknown


def _by_id(row: Row) -> tuple[int, int]:
    job = row.job
    if job.het_job_id:
        return job.het_job_id, job.het_job_offset
    if row.task_id is not None:
        return job.array_job_id, row.task_id
    return job.job_id, NO_TASK


def _by_nodes(rows: Sequence[Row], descending: bool) -> list[Row]:
    """Sort by first node. Rows without nodes: turned round behind the others; before them when descending."""
    placed = [row for row in rows if row.job.node_list]
    unplaced = [row for row in rows if not row.job.node_list]
    placed.sort(key=lambda row: _first_node(row.job.node_list), reverse=descending)
    return unplaced + placed if descending else placed + unplaced[::-1]


@lru_cache(maxsize=4096)
def _first_node(node_list: str) -> tuple[str, int]:
    """The first node by name and number, so that n2 comes before n10."""
    return min(map(_name_and_number, expand_hostlist(node_list)))


def _name_and_number(name: str) -> tuple[str, int]:
    match = re.search(r"[0-9]*$", name)
    digits = match[0] if match else ""
    return name[: len(name) - len(digits)], int(digits or -1)
