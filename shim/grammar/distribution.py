"""How tasks are spread over nodes, sockets and cores: ``block:cyclic,Pack`` (sbatch(1), ``--distribution``)."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

INVALID_PLANE = "Invalid plane size or size not specified"


@dataclass(frozen=True, slots=True)
class Distribution:
    """``levels`` are the methods for nodes, sockets and cores, as far as given, ``plane`` the size of its blocks."""

    levels: tuple[str, ...] = ()
    packing: str = ""
    plane: int = 0

    def __str__(self) -> str:
        if self.plane:
            return f"plane={self.plane}"
        return ",".join(filter(None, (":".join(self.levels), self.packing)))


class _Rules:
    def FIRST(self, token: str) -> str:
        return "block" if token == "*" else token.lower()

    def INNER(self, token: str) -> str:
        return "cyclic" if token == "*" else token.lower()

    def PACKING(self, token: str) -> str:
        return token.lower()

    def levels(self, parts: Sequence[str | None]) -> Distribution:
        *methods, packing = parts
        return Distribution(tuple(method for method in methods if method), packing or "")

    def packing(self, parts: Sequence[str]) -> Distribution:
        return Distribution(packing=parts[0])

    def arbitrary(self, _: Sequence[str]) -> Distribution:
        return Distribution(("arbitrary",))

    def plane(self, parts: Sequence[str | None]) -> Distribution:
        size = re.fullmatch(r"=\s*\+?0*([1-9][0-9]*)", parts[1] or "")
        if not size or int(size[1]) >= 2**31:
            raise GrammarError("", problem=INVALID_PLANE)
        return Distribution(("plane",), plane=int(size[1]))


_language: Language[Distribution] = Language("distribution", _Rules())


@functools.lru_cache(maxsize=256)
def parse_distribution(text: str) -> Distribution:
    """Return the distribution; raise `GrammarError`, whose problem is `INVALID_PLANE` if Slurm says that first."""
    return _language.parse(text)
