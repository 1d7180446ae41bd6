"""The order of sinfo's rows (sinfo man page, --sort)."""

from collections.abc import Callable
from typing import Any

from shim.commands.sinfo.columns import BY_LETTER, Showing
from shim.commands.sinfo.rows import Row

Key = Callable[[Row], Any]


def _state(row: Row) -> int:
    return row.first.number if row.first else -1


def _nodes(row: Row) -> tuple[str, int]:
    """Node names, by their numbers: n2 before n10."""
    name = min((view.name for view in row.nodes), default="")
    digits = name[len(name.rstrip("0123456789")) :]
    return name[: len(name) - len(digits)], int(digits or 0)


def _natural(showing: Showing, letter: str) -> Key:
    """Numbers as numbers, all else as text."""
    column = BY_LETTER[letter]

    def key(row: Row) -> tuple[int, float, str]:
        text = str(column.value(showing, row))
        return (0, float(text), "") if text.replace(".", "", 1).isdecimal() else (1, 0.0, text)

    return key


def sort_rows(rows: list[Row], order: str, showing: Showing) -> None:
    """Sort by comma separated letters of fields; ``-`` turns one round, ``#P`` is the order of the configuration.

    As in Slurm, letters that are no field are passed over.
    """
    for term in reversed(order.split(",")):
        letter = term[-1:]
        sign = term[-2:-1]
        key: Key
        if letter == "P" and "#" in term:
            key = _position
        elif letter in {"t", "T"}:
            key = _state
        elif letter in {"N", "n"}:
            key = _nodes
        elif letter in BY_LETTER:
            key = _natural(showing, letter)
        else:
            continue
        rows.sort(key=key, reverse=sign == "-")


def _position(row: Row) -> int:
    return row.position
