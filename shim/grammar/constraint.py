"""Node features: ``a&b|c``, ``(a|b)&c``, ``[rack1|rack2]``, ``a*2`` (sbatch(1), ``--constraint``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Feature:
    """A node with this feature; with ``count`` so many such nodes."""

    name: str
    count: int | None = None

    def matches(self, features: frozenset[str]) -> bool:
        """Tell whether a node with ``features`` will do."""
        return self.name in features

    def __str__(self) -> str:
        return self.name if self.count is None else f"{self.name}*{self.count}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by ``&`` and ``|``, which bind from left to right; ``grouped`` is in parentheses."""

    operands: tuple[Constraint, ...]
    operators: tuple[str, ...]
    grouped: bool = False
    count: int | None = None

    def matches(self, features: frozenset[str]) -> bool:
        """Tell whether a node with ``features`` will do."""
        fits = self.operands[0].matches(features)
        for operator, operand in zip(self.operators, self.operands[1:], strict=True):
            fits = (fits and operand.matches(features)) if operator == "&" else (fits or operand.matches(features))
        return fits

    def __str__(self) -> str:
        words = [str(self.operands[0])]
        for operator, operand in zip(self.operators, self.operands[1:], strict=True):
            words += [operator, str(operand)]
        text = "".join(words)
        count = "" if self.count is None else f"*{self.count}"
        return f"({text}){count}" if self.grouped else text


@dataclass(frozen=True, slots=True)
class Exclusive:
    """One of ``choices`` that all nodes of the job share, or with ``each`` so many nodes of every one of them."""

    choices: tuple[Constraint, ...]
    each: bool = False

    def matches(self, features: frozenset[str]) -> bool:
        """Tell whether a node with ``features`` could be one of the job's."""
        return any(choice.matches(features) for choice in self.choices)

    def __str__(self) -> str:
        return f"[{('&' if self.each else '|').join(map(str, self.choices))}]"


Constraint = Feature | Joined | Exclusive


class _Rules:
    NAME = staticmethod(str)

    def COUNT(self, token: str) -> int:
        return int(token[1:])

    def AND(self, _: str) -> str:
        return "&"

    def feature(self, parts: Sequence[object]) -> Feature:
        return Feature(*parts)  # type: ignore[arg-type]

    plain = counted = feature

    def group(self, parts: Sequence[object]) -> Joined:
        *words, count = parts
        return Joined(tuple(words[::2]), tuple(words[1::2]), grouped=True, count=count)  # type: ignore[arg-type]

    def plain_group(self, parts: Sequence[object]) -> Joined:
        return self.group([*parts, None])

    def exclusive(self, parts: Sequence[object]) -> Exclusive:
        return Exclusive(tuple(parts[::2]))  # type: ignore[arg-type]

    def each(self, parts: Sequence[object]) -> Exclusive:
        return Exclusive(tuple(parts[::2]), each=True)  # type: ignore[arg-type]

    def start(self, parts: Sequence[object]) -> Constraint:
        words = parts if len(parts) % 2 else parts[:-1]  # without an operator at the end
        if len(words) == 1:
            return words[0]  # type: ignore[return-value]
        return Joined(tuple(words[::2]), tuple(words[1::2]))  # type: ignore[arg-type]


_language: Language[Constraint] = Language("constraint", _Rules())


@functools.lru_cache(maxsize=256)
def parse_constraint(text: str) -> Constraint:
    """Return the condition; raise `GrammarError` where Slurm says ``Invalid feature specification``.

    Whether any node has the features is not this module's business.
    """
    return _language.parse(text)
