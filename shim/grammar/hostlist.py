"""Host lists: ``n[1-3,5]``, ``rack[0-1]_blade[2,3]`` (scontrol(1), ``show hostnames`` and ``show hostlist``)."""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_HOSTS_IN_RANGE = 65536
"""The longest range Slurm expands."""


class _Rules:
    """A host is the tuple of its names, a list the tuple of all of them."""

    def TEXT(self, token: str) -> tuple[str, ...]:
        return (str(token),)

    def range(self, parts: Sequence[str | None]) -> tuple[str, ...]:
        low, high = str(parts[0]), str(parts[1] or parts[0])
        first, last = int(low), int(high)
        if not first <= last < first + MAX_HOSTS_IN_RANGE:
            raise GrammarError("", problem=f"{low}-{high} is not a range of hosts")
        return tuple(f"{number:0{len(low)}}" for number in range(first, last + 1))

    def ranges(self, parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(itertools.chain.from_iterable(parts))

    def plain(self, parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        return parts[0]

    def folded(self, parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        # Slurm's order: the last bracket varies fastest, then the first one, then the second ...
        *leading, last = parts
        prefixes = ("".join(reversed(choice)) for choice in itertools.product(*reversed(leading)))
        return tuple(prefix + number for prefix in prefixes for number in last)

    def start(self, parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(itertools.chain.from_iterable(parts))


_language: Language[tuple[str, ...]] = Language("hostlist", _Rules())


@functools.lru_cache(maxsize=1024)
def expand_hostlist(text: str) -> tuple[str, ...]:
    """Return the host names in order, repetitions kept; raise `GrammarError` for a bad bracket or range."""
    return _language.parse(text)


class _Host(NamedTuple):
    """A name as Slurm takes it apart: ``node-01`` is prefix ``node-``, number 1, two digits wide."""

    prefix: str
    width: int
    number: int

    @property
    def digits(self) -> str:
        return f"{self.number:0{self.width}}" if self.width else ""

    def pads_like(self, other: _Host) -> bool:
        """Whether both could stand in one range: 9 and 10, 09 and 10, but not 9 and 010."""
        return self.digits == f"{self.number:0{other.width}}" or other.digits == f"{other.number:0{self.width}}"


def _take_apart(name: str) -> _Host:
    match = re.search(r"[0-9]*$", name)
    digits = match[0] if match else ""
    return _Host(name[: len(name) - len(digits)], len(digits), int(digits or -1))


def _compare(a: _Host, b: _Host) -> int:
    """Order by prefix, then by number among hosts that pad alike, otherwise by width."""
    if a.prefix != b.prefix:
        return -1 if a.prefix < b.prefix else 1
    return a.number - b.number if a.pads_like(b) else a.width - b.width


def _runs(hosts: Iterable[_Host]) -> Iterator[tuple[_Host, _Host]]:
    """Yield the first and the last host of each unbroken run."""
    first: _Host | None = None
    last: _Host | None = None
    for host in hosts:
        if first is None or last is None:
            first = host
        elif not (host.number == last.number + 1 and host.digits == f"{host.number:0{last.width}}"):
            yield first, last
            first = host
        last = host
    if first is not None and last is not None:
        yield first, last


def fold_hostlist(names: Iterable[str], sort: bool = False) -> str:
    """Return ``names`` as one host list in their order, or sorted (``show hostlist``, ``show hostlistsorted``).

    Neighbours with one prefix share a bracket, also when their numbers are padded differently or repeated.
    """
    hosts = [_take_apart(name) for name in names]
    if sort:
        hosts.sort(key=functools.cmp_to_key(_compare))
    folded: list[str] = []
    for (prefix, numbered), group in itertools.groupby(hosts, key=lambda host: (host.prefix, host.width > 0)):
        if not numbered:
            folded.extend(host.prefix for host in group)
            continue
        runs = list(_runs(group))
        ranges = [first.digits if first == last else f"{first.digits}-{last.digits}" for first, last in runs]
        single = len(runs) == 1 and runs[0][0] == runs[0][1]
        folded.append(prefix + (ranges[0] if single else f"[{','.join(ranges)}]"))
    return ",".join(folded)
