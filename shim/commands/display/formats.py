"""From a format to a table, for the commands that have --format and --Format (squeue and sinfo man pages)."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from shim.commands.display.table import Column, Slot, Table
from shim.grammar.errors import GrammarError
from shim.grammar.formats import Field, Literal, parse_long_format, parse_percent_format

R = TypeVar("R")
Complain = Callable[[str], None]


def all_table(letters: str, columns: Mapping[str, Column[R]], last: str) -> Table[R]:
    """All columns, with bars between them."""
    slots = [Slot(columns[letter], suffix="|") for letter in letters[:-1]]
    return Table([*slots, Slot(columns[letters[-1]], suffix=last)])


def percent_table(text: str, columns: Mapping[str, Column[R]], complain: Complain) -> Table[R]:
    """The table of a ``%.18i %P`` format. A letter that is no column is told to ``complain`` and printed as written."""
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


def long_table(text: str, columns: Mapping[str, Column[R]], complain: Complain) -> Table[R]:
    """The table of a ``JobID,Name:10`` format; names in any case. What is no column is told to ``complain``."""
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
