"""Tables of columns with fixed widths, compiled once for all rows.

Slurm counts bytes where Python counts characters, so text that is not plain ASCII goes through the table as one
character for each of its bytes (``narrow``) and is put together again at the end (``widen``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")

NULL = "(null)"
"""A value that is not there. C's printf prints nothing where this has no room on the left."""


def always(_: str) -> bool:
    """Cut a value to the width of its column."""
    return True


def never(_: str) -> bool:
    """Let a value stick out: node lists."""
    return False


def unless_duration(text: str) -> bool:
    """Cut words such as UNLIMITED; durations stick out."""
    return not text[:1].isdigit()


def reasons_only(text: str) -> bool:
    """Cut the reason in a column that holds node lists or reasons."""
    return text.startswith("(")


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column: its heading, how it gets a value (text or number) from a row, and which values it cuts.

    ``cuts`` and ``cut_heading`` hold where it is justified to the right; to the left Slurm cuts everything.
    ``keeps`` is an ending that a value keeps when it is cut: the star of the default partition. ``of_task`` marks
    what differs between the tasks of one array.
    """

    heading: str
    value: Callable[[R], object]
    cuts: Callable[[str], bool] = always
    cut_heading: bool = True
    keeps: str = ""
    of_task: bool = False


@dataclass(frozen=True, slots=True)
class Slot(Generic[R]):
    """A column as one format wants it, followed by literal text. Width 0: as wide as the value."""

    column: Column[R]
    width: int = 0
    right: bool = False
    suffix: str = ""


def narrow(text: str) -> str:
    """``text`` with one character for each byte of its UTF-8 form."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def widen(text: str) -> str:
    """The text that ``narrow`` made narrow; bytes that were cut apart become surrogate escapes."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


def _conversion(slot: "Slot[R]", cut: bool) -> str:
    width = slot.width
    if not width:
        return "%s"
    return f"%{width}{f'.{width}' if cut else ''}s" if slot.right else f"%-{width}.{width}s"


def _value_conversion(slot: "Slot[R]") -> str:
    return _conversion(slot, slot.column.cuts is always)


def _escaped(text: str) -> str:
    return narrow(text).replace("%", "%%")


def _cut_before(text: str, width: int, ending: str) -> str:
    return text[: width - len(ending)] + ending if len(text) > width and text.endswith(ending) else text


class Table(Generic[R]):
    """A compiled format. ``prefix`` is the literal text before the first slot."""

    def __init__(self, slots: Sequence[Slot[R]], prefix: str = "") -> None:
        self._slots = slots
        body = [_value_conversion(slot) + _escaped(slot.suffix) for slot in slots]
        self._template = _escaped(prefix) + "".join(body) + "\n"
        self._getters = [self._getter(slot) for slot in slots]
        self._prefix = prefix

    @staticmethod
    def _getter(slot: Slot[R]) -> Callable[[R], object]:
        """The column's value; where only some values are cut, cut already."""
        value, cuts, width, keeps = slot.column.value, slot.column.cuts, slot.width, slot.column.keeps
        if width and keeps:
            return lambda row: _cut_before(str(value(row)), width, keeps)
        if not slot.right and 0 < width < len(NULL):
            return lambda row: "" if (text := value(row)) == NULL else text
        if not width or not slot.right or cuts is always or cuts is never:
            return value

        def cut_some(row: R) -> object:
            text = str(value(row))
            return text[:width] if cuts(text) else text

        return cut_some

    def for_tasks(self, row: R) -> "Table[R]":
        """This table for tasks that differ from ``row`` in their own columns only: all others are filled in."""
        prefix, slots = narrow(self._prefix), []
        for slot, get in zip(self._slots, self._getters, strict=True):
            if slot.column.of_task:
                slots.append(slot)
                continue
            text = _value_conversion(slot) % narrow(str(get(row))) + narrow(slot.suffix)
            if slots:
                last = slots[-1]
                slots[-1] = Slot(last.column, last.width, last.right, last.suffix + widen(text))
            else:
                prefix += text
        return Table(slots, widen(prefix))

    def header(self) -> str:
        """The line of headings."""
        words = [
            _conversion(slot, slot.column.cut_heading) % slot.column.heading + narrow(slot.suffix)
            for slot in self._slots
        ]
        return widen(narrow(self._prefix) + "".join(words) + "\n")

    def lines(self, rows: Sequence[R]) -> str:
        """All rows, a line each."""
        template, getters = self._template, self._getters
        lines = [template % tuple([get(row) for get in getters]) for row in rows]
        text = "".join(lines)
        if text.isascii():
            return text
        narrowed = [template % tuple([narrow(str(get(row))) for get in getters]) for row in rows]
        return widen("".join(narrowed))
