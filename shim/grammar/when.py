"""Moments: ``now+1hour``, ``16:00``, ``2027-01-20T12:34``, ``noon-tomorrow`` (sbatch(1), ``--begin``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


_LAST = 253402300799
"""9999-12-31T23:59:59 UTC: the calendars of Python and SQLite end here."""


class WhenError(GrammarError):
    """Text that names no moment. ``explanation`` is the line Slurm prints first, or empty."""

    def __init__(self, text: str, position: int | None) -> None:
        super().__init__(text, position or 0, "names no moment")
        self.explanation = "" if position is None else f"Invalid time specification (pos={position}): {text}"


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a text says, before it is known when now is. ``clock`` counts seconds, None means not said."""

    offset: int | None = None
    clock: int | None = None
    day_from_today: int | None = None
    year: int | None = None
    month: int | None = None
    day: int = 1


def _clock(hour: int, minute: int = 0, second: int = 0) -> _Moment:
    return _Moment(clock=hour * 3600 + minute * 60 + second)


def _two_digits(token: str) -> int:
    if len(token) == 1:
        raise GrammarError(token, token.end_pos)  # type: ignore[attr-defined]
    return int(token)


class _Rules:
    SIXTY = SHORT_YEAR = staticmethod(_two_digits)
    HOUR = MONTH = DAY = YEAR = TWO_DIGIT_MONTH = TWO_DIGIT_DAY = int

    def noon(self, _: Sequence[object]) -> _Moment:
        return _clock(12)

    def midnight(self, _: Sequence[object]) -> _Moment:
        return _clock(0)

    def fika(self, _: Sequence[object]) -> _Moment:
        return _clock(15)

    def teatime(self, _: Sequence[object]) -> _Moment:
        return _clock(16)

    def today(self, _: Sequence[object]) -> _Moment:
        return _Moment(day_from_today=0)

    def tomorrow(self, _: Sequence[object]) -> _Moment:
        return _Moment(day_from_today=1)

    def now(self, parts: Sequence[object]) -> _Moment:
        if not parts:
            return _Moment(offset=0)
        sign, count, unit = parts
        seconds = int(str(count)) * _SECONDS[str(unit or "second").lower().rstrip("s")]
        return _Moment(offset=-seconds if sign == "-" else seconds)

    def clock(self, parts: Sequence[object]) -> _Moment:
        hour, minute, second, half = parts
        assert isinstance(hour, int)
        assert isinstance(minute, int)
        if half is not None:
            if hour > 12:
                raise GrammarError("", half.start_pos)  # type: ignore[attr-defined]
            hour = hour % 12 + (12 if str(half).strip().lower() == "pm" else 0)
        return _clock(hour, minute, second if isinstance(second, int) else 0)

    def month_day(self, parts: Sequence[int | None]) -> _Moment:
        month, day, year = parts
        return _Moment(month=month, day=day or 1, year=None if year is None else 2000 + year)

    def year_month_day(self, parts: Sequence[int]) -> _Moment:
        year, month, day = parts
        return _Moment(year=year, month=month, day=day)

    def start(self, parts: Sequence[_Moment]) -> _Moment:
        moment = _Moment()
        for part in parts:
            if part.offset is not None:
                return part
            date, time = (moment, part) if part.clock is not None else (part, moment)
            moment = replace(date, clock=time.clock)
        return moment


_language: Language[_Moment] = Language("when", _Rules())


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> _Moment:
    return _language.parse(text)


def parse_when(text: str, now: float, zone: tzinfo | None = None, past: bool = False) -> int:
    """Return the moment in seconds since the epoch.

    ``zone`` is where the clock times count, None the process's own zone. A time of day that is over means tomorrow,
    a month and day that are over mean next year; with ``past`` (sacct's -S and -E) they mean today, and this year or,
    if the month is still to come, last year. Raises `WhenError`.
    """
    try:
        moment = _parse(text.rstrip())
    except GrammarError as error:
        raise WhenError(text, error.position) from None
    if moment == _Moment():
        raise WhenError(text, None)
    if moment.offset is not None:
        return _known(text, int(now) + moment.offset)
    try:
        seconds = _resolved(moment, datetime.fromtimestamp(int(now), zone), past)
    except (ValueError, OverflowError):  # a year that no calendar has
        raise WhenError(text, None) from None
    if seconds == 0:
        raise WhenError(text, None)  # 0 is Slurm's sign of an error
    return seconds


def _known(text: str, seconds: int) -> int:
    """A moment that calendars have; what was before 1970 is as long ago as can be. Raises WhenError."""
    if seconds > _LAST:
        raise WhenError(text, None)
    return max(seconds, 1)


def _resolved(moment: _Moment, now: datetime, past: bool) -> int:
    at: Callable[[datetime], int] = functools.partial(_at, clock=moment.clock or 0)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if moment.day_from_today is not None:
        return at(midnight + timedelta(days=moment.day_from_today))
    if moment.month is None:
        today = at(midnight)
        return today if past or today >= now.timestamp() else at(midnight + timedelta(days=1))
    if moment.year is not None:
        return at(_date(midnight, moment.year, moment))
    if past:
        return at(_date(midnight, now.year - (moment.month > now.month), moment))
    this_year = at(_date(midnight, now.year, moment))
    return this_year if this_year >= now.timestamp() else at(_date(midnight, now.year + 1, moment))


def _date(midnight: datetime, year: int, moment: _Moment) -> datetime:
    """Return the date in ``year``; February 30 is March 2, as in mktime(3)."""
    return midnight.replace(year=year, month=moment.month or 1, day=1) + timedelta(days=moment.day - 1)


def _at(midnight: datetime, clock: int) -> int:
    hour, rest = divmod(clock, 3600)
    minute, second = divmod(rest, 60)
    return int(midnight.replace(hour=hour, minute=minute, second=second).timestamp())
