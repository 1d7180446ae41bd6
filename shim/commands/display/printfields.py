"""Tables as the accounting commands print them: in columns, or with delimiters (sacct, sstat, sshare, sacctmgr)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from shim.commands.display.table import narrow, widen
from shim.grammar.formats import parse_sacct_format

R = TypeVar("R")


class Cut(Enum):
    """What becomes of a value that is longer than its column."""

    MARKED = "+"  # cut, the last character a plus
    HARD = ""  # cut
    NEVER = None  # it sticks out


@dataclass(frozen=True)
class PrintField(Generic[R]):
    """One field: how wide it is and what it says of a row (None: nothing)."""

    name: str
    width: int
    value: Callable[[R], object]
    cut: Cut = Cut.MARKED
    left: bool = False


class UnknownField(ValueError):
    """A name in a format that is no field; the message is the name."""


@dataclass(frozen=True)
class PrintColumn(Generic[R]):
    """A field as one format wants it. ``width`` 0 prints nothing of it."""

    field: PrintField[R]
    width: int
    left: bool

    def value(self, row: R) -> str:
        """What it says of the row; "" for nothing."""
        value = self.field.value(row)
        return "" if value is None else str(value)

    def fitted(self, text: str) -> str:
        """The text, cut and padded to the width of the column, counted in bytes."""
        if not text.isascii():
            return widen(self._fitted(narrow(text)))
        return self._fitted(text)

    def _fitted(self, text: str) -> str:
        width, cut = self.width, self.field.cut
        if len(text) > width and cut is not Cut.NEVER:
            text = text[: width - 1] + "+" if cut is Cut.MARKED and width else text[:width]
        return text.ljust(width) if self.left else text.rjust(width)

    @property
    def heading(self) -> str:
        """The field's name, cut and padded."""
        text = self.field.name[: self.width]
        return text.ljust(self.width) if self.left else text.rjust(self.width)


def shortened(name: str, fields: Sequence[PrintField[R]]) -> PrintField[R] | None:
    """The first field that a name in lower case may be short for; None: there is none."""
    return next((field for field in fields if field.name.lower().startswith(name)), None)


def print_columns(
    text: str, fields: Sequence[PrintField[R]], find: Callable[[str], PrintField[R] | None], whole: str = ""
) -> list[PrintColumn[R]]:
    """The columns of a format such as ``jobid%20,state%-10``. Raises UnknownField.

    ``find`` knows a field by its name in lower case. The beginning of ``whole`` means all fields, as does ``%10``.
    A field that is named more than once is everywhere as wide as it was told to be last.
    """
    found: list[PrintColumn[R]] = []
    told: dict[PrintField[R], PrintColumn[R]] = {}
    for wanted in parse_sacct_format(text):
        name = wanted.name.lower()
        for field in fields if whole and whole.startswith(name) else (find(name),):
            if field is None:
                raise UnknownField(wanted.name)
            if wanted.width is not None:
                told[field] = PrintColumn(field, wanted.width, wanted.left)
            found.append(PrintColumn(field, field.width, field.left))
    return [told.get(column.field, column) for column in found]


def in_columns(columns: Sequence[PrintColumn[R]], rows: Iterable[R], *, header: bool) -> str:
    """The rows below headings and dashes, each column followed by a blank."""
    lines = []
    if header:
        lines.append("".join(f"{column.heading} " for column in columns))
        lines.append("".join(f"{'-' * column.width} " for column in columns))
    lines += ["".join(f"{column.fitted(column.value(row))} " for column in columns) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def delimited(
    columns: Sequence[PrintColumn[R]], rows: Iterable[R], delimiter: str = "|", *, header: bool, last: bool
) -> str:
    """The rows with a delimiter between fields, and after the last one with ``last`` (-p)."""
    end = (delimiter if last else "") + "\n"
    lines = [delimiter.join(column.field.name for column in columns)] if header else []
    lines += [delimiter.join(column.value(row) for column in columns) for row in rows]
    return "".join(f"{line}{end}" for line in lines)


def names_in_lines(names: Sequence[str], width: int = 19) -> str:
    """Names four a line, as --helpformat lists fields."""
    lines = [names[at : at + 4] for at in range(0, len(names), 4)]
    return "".join(" ".join(f"{name:<{width}}" for name in line) + "\n" for line in lines)
