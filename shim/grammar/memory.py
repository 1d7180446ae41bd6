"""Memory sizes: ``4000``, ``2G``, ``100MB`` (sbatch(1), ``--mem``), counted in megabytes, and how they print."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEGABYTES = {"M": 1, "G": 1024, "T": 1024**2}
_UNITS = "MGTPE"


class _Rules:
    INT = int

    def start(self, parts: Sequence[object]) -> int:
        number, unit = parts
        assert isinstance(number, int)
        letter = "M" if unit is None else str(unit)[0].upper()
        return -(-number // 1024) if letter == "K" else number * _MEGABYTES[letter]


_language: Language[int] = Language("memory", _Rules())


@functools.lru_cache(maxsize=1024)
def parse_memory(text: str) -> int:
    """Return a size in megabytes, kilobytes rounded up; raise `GrammarError` (``1.5G``, ``2GiB``, ``1P``, empty)."""
    return _language.parse(text)


def format_memory(megabytes: int) -> str:
    """Return a size as squeue and scontrol print it: ``0``, ``512M``, ``1G``, ``1.50G``, ``1000000M``.

    The unit is the largest in which the size is a whole number of halves (squeue(1), %m).
    """
    if megabytes == 0:
        return "0"
    unit = 0
    size = float(megabytes)
    while size >= 1024 and size % 512 == 0 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.0f}{_UNITS[unit]}" if size.is_integer() else f"{size:.2f}{_UNITS[unit]}"
