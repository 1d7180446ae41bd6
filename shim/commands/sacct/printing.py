"""How sacct prints its rows: in columns, or with delimiters (slurm/src/common/print_fields)."""

from collections.abc import Iterable
from dataclasses import dataclass

from shim.commands.display.table import narrow, widen
from shim.commands.sacct.fields import BY_NAME, FIELDS, Cut, SacctField
from shim.commands.sacct.rows import Row
from shim.grammar.formats import parse_sacct_format


class UnknownField(ValueError):
    """A name in a format that is no field; the message is the name."""


@dataclass(frozen=True)
class Column:
    """A field as one format wants it. ``width`` 0 prints nothing of it."""

    field: SacctField
    width: int
    left: bool

    def value(self, row: Row) -> str:
        """What it says of the row; "" for nothing."""
        value = (self.field.step if row.step else self.field.job)(row)
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


def columns(text: str) -> list[Column]:
    """The columns of a format; ``all`` is all fields, ``%10`` alone all fields so wide. Raises UnknownField."""
    found = []
    for wanted in parse_sacct_format(text):
        name = wanted.name.lower()
        fields = FIELDS if name in {"all", ""} else (BY_NAME.get(name),)
        for field in fields:
            if field is None:
                raise UnknownField(wanted.name)
            if wanted.width is None:
                found.append(Column(field, field.width, field.left))
            else:
                found.append(Column(field, wanted.width, wanted.left))
    return found


def in_columns(columns: list[Column], rows: Iterable[Row], *, header: bool) -> str:
    """The rows below headings and dashes, each column followed by a blank."""
    lines = []
    if header:
        lines.append("".join(f"{_heading(column)} " for column in columns))
        lines.append("".join(f"{'-' * column.width} " for column in columns))
    lines += ["".join(f"{column.fitted(column.value(row))} " for column in columns) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _heading(column: Column) -> str:
    text = column.field.name[: column.width]
    return text.ljust(column.width) if column.left else text.rjust(column.width)


def delimited(columns: list[Column], rows: Iterable[Row], delimiter: str, *, header: bool, last: bool) -> str:
    """The rows with a delimiter between fields, and after the last one with ``last`` (-p)."""
    end = (delimiter if last else "") + "\n"
    lines = [delimiter.join(column.field.name for column in columns)] if header else []
    lines += [delimiter.join(column.value(row) for column in columns) for row in rows]
    return "".join(f"{line}{end}" for line in lines)
