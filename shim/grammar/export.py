"""Which environment a job gets: ``ALL``, ``NONE``, ``FOO,BAR=1`` (sbatch(1), ``--export``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExportMode(StrEnum):
    """Where a job's environment starts from: the submitter's, or a login of the user."""

    ALL = "ALL"
    NONE = "NONE"
    LISTED = "LISTED"


@dataclass(frozen=True, slots=True)
class Export:
    """With ``ALL`` the submitter's environment and the assignments; otherwise a login environment, and with
    ``LISTED`` also the variables in ``names`` (as the submitter has them) and the assignments."""

    mode: ExportMode
    names: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()


class _Rules:
    def name(self, parts: Sequence[str]) -> str:
        return str(parts[0])

    def assignment(self, parts: Sequence[str | None]) -> tuple[str, str]:
        name, value = parts
        return str(name or ""), str(value or "")

    def start(self, parts: Sequence[str | tuple[str, str] | None]) -> Export:
        names = tuple(part for part in parts if isinstance(part, str))
        assignments = tuple(part for part in parts if isinstance(part, tuple) and part[0])
        listed = tuple(name for name in names if name.upper() != "ALL")
        mode = ExportMode.LISTED if listed == names else ExportMode.ALL
        return Export(mode, listed, assignments)


_language: Language[Export] = Language("export", _Rules())


@functools.lru_cache(maxsize=256)
def parse_export(text: str) -> Export:
    """Return what ``--export`` says; empty text, ``NONE`` and ``NIL`` in any case are `ExportMode.NONE`."""
    return Export(ExportMode.NONE) if text.upper() in {"", "NONE", "NIL"} else _language.parse(text)
