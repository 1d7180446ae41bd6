"""From a format to a table: the columns a call of squeue shows (squeue man page, --format and --Format)."""

from collections.abc import Callable, Iterator, Mapping

from shim.commands.display.formats import Complain, all_table, long_table, percent_table
from shim.commands.display.table import Column, Table
from shim.commands.squeue.columns import (
    ALL_JOB_LETTERS,
    BY_LETTER,
    BY_NAME,
    DEFAULT_FORMAT,
    LONG_FORMAT,
    START_FORMAT,
    STEP_FORMAT,
)
from shim.commands.squeue.query import Query
from shim.commands.squeue.rows import Row
from shim.commands.squeue.steps import ALL_LETTERS, StepColumns, StepRow
from shim.commands.squeue.values import JobValues


def job_table(query: Query, values: JobValues, complain: Complain) -> Table[Row]:
    """The table of jobs. ``complain`` gets every letter or name that is no column."""
    if query.long_format is not None and "start" not in query.flags:
        names = _Lazily(lambda name: BY_NAME[name].bound(values), BY_NAME)
        return long_table(query.long_format, names, complain)
    text = query.format
    if text is None:
        text = START_FORMAT if "start" in query.flags else LONG_FORMAT if "long" in query.flags else DEFAULT_FORMAT
    letters = _Lazily(lambda letter: BY_LETTER[letter].bound(values), BY_LETTER)
    if text.lower() == "%all":
        return all_table(ALL_JOB_LETTERS, letters, last="")
    return percent_table(text, letters, complain)


def step_table(query: Query, columns: StepColumns, complain: Complain) -> Table[StepRow]:
    """The table of steps."""
    if query.long_format is not None:
        return long_table(query.long_format, columns.by_name, complain)
    text = query.format if query.format is not None else STEP_FORMAT
    if text.lower() == "%all":
        return all_table(ALL_LETTERS, columns.by_letter, last="|")
    return percent_table(text, columns.by_letter, complain)


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
