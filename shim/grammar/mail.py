"""When to send mail: ``END,FAIL`` (sbatch(1), ``--mail-type``)."""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence


class MailType(enum.Flag):
    """The events, in the order in which Slurm names them."""

    NONE = 0
    ARRAY_TASKS = enum.auto()
    INVALID_DEPEND = enum.auto()
    BEGIN = enum.auto()
    END = enum.auto()
    FAIL = enum.auto()
    REQUEUE = enum.auto()
    STAGE_OUT = enum.auto()
    TIME_LIMIT_50 = enum.auto()
    TIME_LIMIT_80 = enum.auto()
    TIME_LIMIT_90 = enum.auto()
    TIME_LIMIT = enum.auto()
    ALL = INVALID_DEPEND | BEGIN | END | FAIL | REQUEUE | STAGE_OUT

    def __str__(self) -> str:
        return ",".join(str(event.name) for event in self) or "NONE"


class _Rules:
    def start(self, parts: Sequence[str | None]) -> frozenset[MailType]:
        words = (part.upper() for part in parts if part)
        return frozenset(MailType[word] for word in words if word in MailType.__members__)


_language: Language[frozenset[MailType]] = Language("mail", _Rules())


@functools.lru_cache(maxsize=256)
def parse_mail_types(text: str) -> MailType:
    """Return the events; ``NONE`` anywhere is none of them. Raise `GrammarError` if Slurm knows none of the words."""
    known = _language.parse(text)
    if not known:
        raise GrammarError(text, problem="names no event")
    return MailType.NONE if MailType.NONE in known else functools.reduce(MailType.__or__, known)
