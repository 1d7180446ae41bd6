"""File name patterns: ``slurm-%A_%4a.out`` (sbatch(1), "filename pattern")."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_TASK = 0xFFFFFFFE
"""What ``%a`` says outside arrays: Slurm's NO_VAL."""

MAX_WIDTH = 10


class _Field(NamedTuple):
    letter: str
    width: int
    written: str


class _Rules:
    def field(self, parts: Sequence[str]) -> _Field:
        written = str(parts[0])
        return _Field(written[-1], min(int(written[1:-1] or 0), MAX_WIDTH), written)

    def percent(self, _: Sequence[str]) -> str:
        return "%"

    def stray(self, parts: Sequence[str]) -> str:
        return str(parts[0])[-1]  # of "%12q" Slurm keeps "2q"

    def text(self, parts: Sequence[str]) -> str:
        return str(parts[0])

    def start(self, parts: Sequence[_Field | str]) -> tuple[_Field | str, ...]:
        return tuple(parts)


_language: Language[tuple[_Field | str, ...]] = Language("filename", _Rules())


@functools.lru_cache(maxsize=1024)
def _parts(pattern: str) -> tuple[_Field | str, ...]:
    return _language.parse(pattern)


def _without_backslashes(pattern: str) -> str:
    return pattern.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")


def expand_filename(pattern: str, fields: Mapping[str, int | str], widths: bool = True) -> str:
    """Return the file name of ``pattern``; ``fields`` maps the letters after ``%`` to their values.

    A width pads numbers with zeros, up to ten digits (of ``%J`` the job's), and leaves words alone. A letter that is
    not in ``fields`` stays as written, except that ``%a`` is then `NO_TASK`. A backslash anywhere turns expansion off
    and is removed. scontrol and squeue leave fields with a width unexpanded: they pass ``widths=False``.
    """
    if "\\" in pattern:
        return _without_backslashes(pattern)
    return "".join(part if isinstance(part, str) else _expanded(part, fields, widths) for part in _parts(pattern))


def _expanded(field: _Field, fields: Mapping[str, int | str], widths: bool) -> str:
    value = fields.get(field.letter, NO_TASK if field.letter == "a" else None)
    if value is None or (not widths and len(field.written) > 2):
        return field.written
    if field.letter == "J" and isinstance(value, str):
        job_id, dot, step = value.partition(".")
        return f"{int(job_id):0{field.width}}{dot}{step}"
    return f"{value:0{field.width}}" if isinstance(value, int) else value
