"""The languages in which users choose columns: squeue(1) and sinfo(1), -o and -O; sacct(1), -o."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_WIDTH = 20
"""The width of a ``-O`` column without a colon."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text between the fields, printed as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A ``%`` field. ``width`` 0 is as wide as the value.

    Which letters there are only the command knows; for one it does not know (or none: ``letter`` empty) it prints
    ``written`` as it stands.
    """

    letter: str
    width: int = 0
    right: bool = False

    @property
    def written(self) -> str:
        """The field as a user writes it."""
        return f"%{'.' if self.right else ''}{self.width or ''}{self.letter}"


@dataclass(frozen=True, slots=True)
class Column:
    """A ``-O`` column. ``width`` 0 is as wide as the value; ``suffix`` is printed after it."""

    name: str
    width: int = DEFAULT_WIDTH
    right: bool = False
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class SacctColumn:
    """A column of sacct. ``width`` None is the field's own; with ``left`` it is justified to the left."""

    name: str
    width: int | None = None
    left: bool = False


_WIDEST = 65535
"""Characters of the widest column: real Slurm's commands crash at widths that memory has no room for."""


def _width(number: str) -> int:
    return max(-_WIDEST, min(int(number), _WIDEST))


class _Rules:
    WIDTH = staticmethod(_width)

    def field(self, parts: Sequence[object]) -> tuple[Field | Literal, ...]:
        dot, width, letter, text = parts
        if dot is None and width is None and letter is None:
            return ()  # a % at the end is dropped
        field = Field(str(letter or ""), width or 0, right=dot is not None)  # type: ignore[arg-type]
        return (field, Literal(str(text))) if text else (field,)

    def percent(self, parts: Sequence[object]) -> tuple[Field | Literal, ...]:
        text, *fields = parts
        first = (Literal(str(text)),) if text else ()
        return sum(fields, first)  # type: ignore[arg-type]

    def plain_column(self, parts: Sequence[str]) -> Column:
        return Column(str(parts[0]))

    def column(self, parts: Sequence[str | None]) -> Column:
        name, dot, number, suffix = parts
        width = _width(number or "0")
        # what a negative width means to Slurm: the value and a blank
        end = " " * (width < 0) + str(suffix or "")
        return Column(str(name), max(width, 0), right=dot is not None, suffix=end)

    def long(self, parts: Sequence[Column]) -> tuple[Column, ...]:
        return tuple(parts)

    def item(self, parts: Sequence[str | None]) -> SacctColumn | None:
        name, width = parts
        if width is None:
            return SacctColumn(name.lstrip()) if name else None
        number = re.match(r"%\s*([-+]?[0-9]+)", width)
        columns = _width(number[1]) if number else 0
        return SacctColumn((name or "").lstrip(), abs(columns), left=columns < 0)

    def sacct(self, parts: Sequence[SacctColumn | None]) -> tuple[SacctColumn, ...]:
        return tuple(itertools.takewhile(bool, parts))  # type: ignore[arg-type]


_rules = _Rules()
_percent: Language[tuple[Field | Literal, ...]] = Language("formats", _rules, "percent")
_long: Language[tuple[Column, ...]] = Language("formats", _rules, "long")
_sacct: Language[tuple[SacctColumn, ...]] = Language("formats", _rules, "sacct")


@functools.lru_cache(maxsize=256)
def parse_percent_format(text: str) -> tuple[Field | Literal, ...]:
    """Return the fields and literals of ``%.18i %.9P``: a dot justifies to the right, ``%%i`` is ``%i``.

    ``%all`` (alone, in any case) is all fields: the field ``all``.
    """
    return (Field("all"),) if text.lower() == "%all" else _percent.parse(text)


@functools.lru_cache(maxsize=256)
def parse_long_format(text: str) -> tuple[Column, ...]:
    """Return the columns of ``JobID,Name:.10,State:4|``; names are kept as written. Raises `GrammarError` (``:5``)."""
    return _long.parse(text)


@functools.lru_cache(maxsize=256)
def parse_sacct_format(text: str) -> tuple[SacctColumn, ...]:
    """Return the columns of ``JobID%20,State%-20``; what follows an empty item is not read."""
    return _sacct.parse(text)
