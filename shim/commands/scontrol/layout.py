"""How scontrol lays out a record: lines of ``Key=Value`` words, or all of them on one line (-o)."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

View = TypeVar("View")

Word: TypeAlias = Callable[[View], str | None]
"""Gets one word of a record; None leaves it out."""

Line: TypeAlias = Sequence[Word[View]]


def field(name: str, value: Callable[[View], object]) -> Word[View]:
    """A word ``name=value`` that is always there."""
    return lambda view: f"{name}={value(view)}"


def optional(name: str, value: Callable[[View], object], tail: str = "") -> Word[View]:
    """A word that is left out where the value is empty."""

    def word(view: View) -> str | None:
        text = value(view)
        return f"{name}={text}{tail}" if text else None

    return word


def or_null(value: str) -> str:
    """The value, or what C prints for a null pointer."""
    return value or "(null)"


def yes_no(flag: bool) -> str:
    """YES or NO."""
    return "YES" if flag else "NO"


def lay_out(view: View, lines: Iterable[Line[View]]) -> list[str]:
    """Return the lines of a record, those without any word left out."""
    laid = ([word for get in line if (word := get(view)) is not None] for line in lines)
    return [" ".join(words) for words in laid if words]


def record(lines: Sequence[str], oneliner: bool, *, end: str = "") -> str:
    """Join the lines of one record as scontrol prints it, an empty line after it.

    ``end`` is what follows the last line: ``show job`` leaves the indentation of a further line there.
    """
    joint = " " if oneliner else "\n   "
    return joint.join(lines) + (joint if end else "") + ("\n" if oneliner else "\n\n")
