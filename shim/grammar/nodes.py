"""How many nodes: ``2``, ``1-3``, ``2k`` (sbatch(1), ``--nodes``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = {"K": 1024, "M": 1024**2}
_MAX_COUNT = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class NodeCount:
    """From ``min`` to ``max`` nodes; ``max`` 0 is any number."""

    min: int
    max: int

    def __str__(self) -> str:
        return f"{self.min}" if self.min == self.max else f"{self.min}-{self.max}"


class _Rules:
    def COUNT(self, token: str) -> int:
        text = str(token).strip().upper()
        count = int(text.rstrip("KM")) * _UNITS.get(text[-1], 1)
        if count > _MAX_COUNT:
            raise GrammarError(token)
        return count

    def exactly(self, parts: Sequence[int]) -> NodeCount:
        return NodeCount(parts[0], parts[0])

    def between(self, parts: Sequence[int | None]) -> NodeCount:
        low, high = parts
        return NodeCount(1 if low is None else low, -1 if high is None else high)


_language: Language[NodeCount] = Language("nodes", _Rules())


@functools.lru_cache(maxsize=256)
def parse_nodes(text: str) -> NodeCount:
    """Return the node counts; the problem of the `GrammarError` is what Slurm says."""
    try:
        nodes = _language.parse(text)
    except GrammarError:
        raise GrammarError(text, problem=f'"{_faulty(text)}" is not a valid node count') from None
    if nodes.max and nodes.max < nodes.min:
        problem = f"Maximum node count {nodes.max} is less than minimum node count {nodes.min}"
        raise GrammarError(text, problem=problem)
    return nodes


def _faulty(text: str) -> str:
    """Return the count that Slurm complains about: the first of a range unless it is well-formed."""
    low, dash, high = text.partition("-")
    try:
        _language.parse(low)
    except GrammarError:
        return low if low or not dash else high
    return high if dash else low
