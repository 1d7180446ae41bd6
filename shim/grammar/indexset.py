"""A set of array task indices that stays small: a million regular indices cost as much as one."""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DISPLAY_LIMIT = 64
"""Characters of an index list that Slurm shows (squeue(1), SLURM_BITSTR_LEN)."""


class IndexSet:
    """An immutable set of task indices, held as arithmetic progressions in ascending, disjoint spans.

    Every set that is one progression is held as exactly one, however it came about.
    """

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[range] = ()) -> None:
        """Take progressions with positive steps, in any order; they may overlap."""
        self._ranges = tuple(_coalesced(_disjoint(ranges)))

    @classmethod
    def from_iterable(cls, indices: Iterable[int]) -> IndexSet:
        """Return the set of ``indices``, whatever their order and however often they occur."""
        return _made(_coalesced(range(index, index + 1) for index in sorted(set(indices))))

    @classmethod
    def parse(cls, text: str) -> IndexSet:
        """Return the set that ``str`` wrote; raise `GrammarError` for text that is no list of indices."""
        from shim.grammar.array import parse_array

        return parse_array(text).indices if text else cls()

    def __len__(self) -> int:
        return sum(map(len, self._ranges))

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and index in self._around(index)

    def __iter__(self) -> Iterator[int]:
        return itertools.chain.from_iterable(self._ranges)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IndexSet):
            return NotImplemented
        return self._ranges == other._ranges or (len(self) == len(other) and all(map(int.__eq__, self, other)))

    def __hash__(self) -> int:
        return hash((len(self), self.min, self.max) if self else 0)

    def __or__(self, other: IndexSet) -> IndexSet:
        return IndexSet(self._ranges + other._ranges)

    def __and__(self, other: IndexSet) -> IndexSet:
        return _made(_coalesced(_common(a, b) for a, b in _overlaps(self._ranges, other._ranges)))

    def __sub__(self, other: IndexSet) -> IndexSet:
        return _made(_coalesced(_difference(self._ranges, other._ranges)))

    def __repr__(self) -> str:
        return f"IndexSet.parse({str(self)!r})"

    def __str__(self) -> str:
        """Return compact text that `parse` reads back: ``0-999999:3,1000001``."""
        return ",".join(map(_written, self._ranges))

    @property
    def min(self) -> int:
        """The lowest index; ValueError if there is none."""
        return self.first()

    @property
    def max(self) -> int:
        """The highest index; ValueError if there is none."""
        if not self._ranges:
            raise ValueError("no index left")
        return self._ranges[-1][-1]

    def first(self) -> int:
        """Return the lowest index; ValueError if there is none."""
        if not self._ranges:
            raise ValueError("no index left")
        return self._ranges[0].start

    def pop_first(self) -> tuple[int, IndexSet]:
        """Return the lowest index and the set without it, at a cost that does not depend on the number of indices."""
        index = self.first()
        return index, self.without(index)

    def without(self, index: int) -> IndexSet:
        """Return the set without ``index``, which need not be in it."""
        progression = self._around(index)
        if index not in progression:
            return self
        place, position = self._place(index), progression.index(index)
        first, last = max(place - 1, 0), place + 2  # the neighbours, which may join with what is left
        left, right = progression[:position], progression[position + 1 :]
        pieces = _coalesced([*self._ranges[first:place], left, right, *self._ranges[place + 1 : last]])
        return _made([*self._ranges[:first], *pieces, *self._ranges[last:]])

    def _place(self, index: int) -> int:
        return bisect.bisect_right(self._ranges, index, key=operator.attrgetter("start")) - 1

    def _around(self, index: int) -> range:
        """Return the only progression that can hold ``index``."""
        place = self._place(index)
        return self._ranges[place] if place >= 0 else range(0)

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last index of every unbroken run, lazily."""
        first = last = -2
        for progression in self._ranges:
            unbroken = [progression] if progression.step == 1 else (range(index, index + 1) for index in progression)
            for run in unbroken:
                if run.start != last + 1:
                    if first >= 0:
                        yield first, last
                    first = run.start
                last = run[-1]
        if first >= 0:
            yield first, last

    def display(self, limit: int = DISPLAY_LIMIT) -> str:
        """Return the set as squeue and scontrol show it, cut to fewer than ``limit`` characters (0: not cut).

        ``first-last:step`` is shown for one progression of more than five indices that are more than ten apart in
        all; otherwise runs and single indices. ``limit`` is SLURM_BITSTR_LEN. Source: squeue(1), %K.
        """
        if len(self._ranges) == 1:
            (only,) = self._ranges
            if only.step > 1 and len(only) > 5 and only[-1] - only.start > 10:
                return _written(only)
        words = (f"{first}" if first == last else f"{first}-{last}" for first, last in self.runs())
        if not limit:
            return ",".join(words)
        text = ",".join(itertools.islice(words, limit))  # a word has a character at least
        return text if len(text) <= limit - 3 else (text[: max(limit - 4, 0)] + "...")[: limit - 1]


def _made(ranges: Iterable[range]) -> IndexSet:
    """Return the set of progressions that are in order, disjoint and coalesced already."""
    indices = IndexSet()
    indices._ranges = tuple(ranges)
    return indices


def _written(progression: range) -> str:
    first, last = progression.start, progression[-1]
    if len(progression) == 1:
        return f"{first}"
    if progression.step == 1:
        return f"{first}-{last}"
    return f"{first}-{last}:{progression.step}"


def _coalesced(ranges: Iterable[range]) -> Iterator[range]:
    """Yield ascending, disjoint progressions, neighbours joined wherever they make one longer progression."""
    last: range | None = None
    for progression in ranges:
        if not progression:
            continue
        joined = last and _joined(last, progression)
        if last and not joined:
            yield last
        last = joined or progression
    if last:
        yield last


def _joined(a: range, b: range) -> range | None:
    step = b.start - a[-1]
    if (len(a) == 1 or a.step == step) and (len(b) == 1 or b.step == step):
        return range(a.start, b[-1] + 1, step)
    return None


def _disjoint(ranges: Iterable[range]) -> Iterator[range]:
    """Yield the union of ``ranges`` as progressions whose spans do not overlap, in ascending order."""
    heap: list[tuple[int, int, int, range]] = []
    order = itertools.count()  # ranges themselves have no order

    def put_back(progression: range) -> None:
        if progression:
            heapq.heappush(heap, (progression.start, -len(progression), next(order), progression))

    for progression in ranges:
        put_back(progression)

    while heap:
        *_, a = heapq.heappop(heap)
        if not heap or heap[0][0] > a[-1]:
            yield a
            continue
        *_, b = heap[0]
        alone = -(-(b.start - a.start) // a.step)  # so many indices of a lie before b
        if alone:
            yield a[:alone]
            put_back(a[alone:])
            continue
        heapq.heappop(heap)  # a and b start together and a, the longer one, holds that index
        put_back(a)
        if a.step != b.step:
            put_back(b[1:])


def _overlaps(a: tuple[range, ...], b: tuple[range, ...]) -> Iterator[tuple[range, range]]:
    """Yield every pair of progressions with overlapping spans, in ascending order."""
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i].start <= b[j][-1] and b[j].start <= a[i][-1]:
            yield a[i], b[j]
        if a[i][-1] < b[j][-1]:
            i += 1
        else:
            j += 1


def _common(a: range, b: range) -> range:
    """Return the indices that both progressions hold, again a progression (Chinese remainder theorem)."""
    divisor = math.gcd(a.step, b.step)
    apart = b.start - a.start
    if apart % divisor:
        return range(0)
    modulus = b.step // divisor
    steps = apart // divisor * pow(a.step // divisor, -1, modulus) % modulus
    step = a.step * modulus
    first = a.start + steps * a.step
    low = max(a.start, b.start)
    first += -(-(low - first) // step) * step if first < low else 0
    return range(first, min(a[-1], b[-1]) + 1, step)


def _difference(a: tuple[range, ...], b: tuple[range, ...]) -> Iterator[range]:
    overlaps = itertools.groupby(_overlaps(a, b), key=lambda pair: pair[0])
    cut = {progression: [pair[1] for pair in pairs] for progression, pairs in overlaps}
    for progression in a:
        rest = progression
        for other in cut.get(progression, ()):
            common = _common(rest, other)
            if not common:
                continue
            first, every = rest.index(common.start), common.step // rest.step
            yield rest[:first]
            last = rest.index(common[-1])
            if every > 1:
                for position in range(first, last, every):
                    yield rest[position + 1 : position + every]
            rest = rest[last + 1 :]
            if not rest:
                break
        yield rest
