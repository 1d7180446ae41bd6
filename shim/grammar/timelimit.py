"""Time limits: ``30``, ``5:30``, ``1:00:00``, ``2-12``, ``UNLIMITED`` (sbatch(1), ``--time``), and how they print."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

UNLIMITED = 0xFFFFFFFF
"""No limit: Slurm's INFINITE, both as minutes and as seconds."""

_LONGEST = (2**31 - 1) * 60
"""Seconds: of longer limits Slurm keeps whatever their low bits say; here they are as long as can be."""

_DAY = 86400
_YEAR = 365 * _DAY


def _seconds(days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0) -> int:
    return days * _DAY + hours * 3600 + minutes * 60 + seconds


class _Rules:
    """Each rule is worth a number of seconds."""

    INT = int

    def forever(self, _: Sequence[object]) -> int:
        return UNLIMITED

    def negative(self, _: Sequence[object]) -> int:
        return UNLIMITED  # Slurm takes -5 as a number of minutes far beyond any limit

    def minutes(self, parts: Sequence[int]) -> int:
        return _seconds(minutes=parts[0])

    def minutes_seconds(self, parts: Sequence[int]) -> int:
        return _seconds(minutes=parts[0], seconds=parts[1])

    def hours_minutes_seconds(self, parts: Sequence[int]) -> int:
        return _seconds(hours=parts[0], minutes=parts[1], seconds=parts[2])

    def days(self, parts: Sequence[int | None]) -> int:
        return _seconds(*(part or 0 for part in parts))


_language: Language[int] = Language("timelimit", _Rules())


@functools.lru_cache(maxsize=1024)
def parse_seconds(text: str) -> int:
    """Return the seconds that ``text`` stands for, or `UNLIMITED`; raise `GrammarError` for anything else."""
    return min(_language.parse(text), _LONGEST)


@functools.lru_cache(maxsize=1024)
def parse_time_limit(text: str) -> int:
    """Return a limit in whole minutes, seconds rounded up as Slurm does; ``0`` is `UNLIMITED` too."""
    seconds = parse_seconds(text)
    return UNLIMITED if seconds in {0, UNLIMITED} else -(-seconds // 60)


def format_elapsed(seconds: int) -> str:
    """Return a duration as squeue prints it: ``0:05``, ``5:00``, ``1:00:00``, ``2-12:30:00`` (squeue(1), %M).

    A negative one, or one of more than 365 days, is ``INVALID`` there.
    """
    if not 0 <= seconds <= _YEAR:
        return "INVALID"
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}-{hour:02}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def format_time_limit(minutes: int) -> str:
    """Return a limit in minutes as squeue prints it: ``5:00``, ``1-00:00:00``, ``UNLIMITED`` (squeue(1), %l)."""
    return "UNLIMITED" if minutes == UNLIMITED else format_elapsed(minutes * 60)


def format_dhms(seconds: int) -> str:
    """Return a duration as scontrol and sacct print it: ``00:05:00``, ``1-01:00:00``, ``UNLIMITED``."""
    if seconds == UNLIMITED:
        return "UNLIMITED"
    if seconds < 0:
        return "INVALID"
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{days}-{clock}" if days else clock
