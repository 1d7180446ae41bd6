"""From a format to a table: the columns a call of squeue shows (squeue man page, --format and --Format)."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from shim.commands.display.table import Column, Slot, Table
from shim.commands.squeue_columns import (
    ALL_JOB_LETTERS,
    BY_LETTER,
    BY_NAME,
    DEFAULT_FORMAT,
    LONG_FORMAT,
    START_FORMAT,
    STEP_FORMAT,
)
from shim.commands.squeue_query import Query
from shim.commands.squeue_rows import Row
from shim.commands.squeue_steps import ALL_LETTERS, StepColumns, StepRow
from shim.commands.squeue_values import JobValues
from shim.grammar.errors import GrammarError
from shim.grammar.formats import Field, Literal, parse_long_format, parse_percent_format

R = TypeVar("R")
Complain = Callable[[str], None]


def job_table(query: Query, values: JobValues, complain: Complain) -> Table[Row]:
    """The table of jobs. ``complain`` gets every letter or name that is no column."""
    if query.long_format is not None:
        names = _Lazily(lambda name: BY_NAME[name].bound(values), BY_NAME)
        return _long_table(query.long_format, names, complain)
    text = query.format
    if text is None:
        text = START_FORMAT if "start" in query.flags else LONG_FORMAT if "long" in query.flags else DEFAULT_FORMAT
    letters = _Lazily(lambda letter: BY_LETTER[letter].bound(values), BY_LETTER)
    if text.lower() == "%all":
        return _all_table(ALL_JOB_LETTERS, letters, last="")
    return _percent_table(text, letters, complain)


def step_table(query: Query, columns: StepColumns, complain: Complain) -> Table[StepRow]:
    """The table of steps."""
    if query.long_format is not None:
        return _long_table(query.long_format, columns.by_name, complain)
    text = query.format if query.format is not None else STEP_FORMAT
    if text.lower() == "%all":
        return _all_table(ALL_LETTERS, columns.by_letter, last="|")
    return _percent_table(text, columns.by_letter, complain)


class _Lazily(Mapping[str, Column[Row]]):
    """Columns that are made when they are asked for: a format needs a few of more than a hundred."""

    def __init__(self, make: Callable[[str], Column[Row]], known: Mapping[str, object]) -> None:
        self._make = make
        self._known = known

    def __getitem__(self, key: str) -> Column[Row]:
        return self._make(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _all_table(letters: str, columns: Mapping[str, Column[R]], last: str) -> Table[R]:
    """All columns, with bars between them."""
    slots = [Slot(columns[letter], suffix="|") for letter in letters[:-1]]
    return Table([*slots, Slot(columns[letters[-1]], suffix=last)])


def _percent_table(text: str, columns: Mapping[str, Column[R]], complain: Complain) -> Table[R]:
    prefix = ""
    slots: list[Slot[R]] = []
    for part in parse_percent_format(text):
        if isinstance(part, Field) and part.letter in columns:
            slots.append(Slot(columns[part.letter], part.width, part.right))
            continue
        if isinstance(part, Literal):
            literal = part.text
        else:
            complain(part.letter)
            literal = part.written
        if slots:
            last = slots[-1]
            slots[-1] = Slot(last.column, last.width, last.right, last.suffix + literal)
        else:
            prefix += literal
    return Table(slots, prefix)


def _long_table(text: str, columns: Mapping[str, Column[R]], complain: Complain) -> Table[R]:
    slots = []
    try:
        wanted = parse_long_format(text)
    except GrammarError:
        complain(text)
        wanted = ()
    for part in wanted:
        name = part.name.lower()
        if name in columns:
            slots.append(Slot(columns[name], part.width, part.right, part.suffix))
        else:
            complain(part.name)
    return Table(slots)
