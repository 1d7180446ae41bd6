"""Job array specifications: ``0-15:4``, ``1,3,5-7``, ``0-999%10`` (sbatch(1), ``--array``)."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.indexset import IndexSet
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_INDEX", "ArraySpec", "IndexSet", "parse_array"]

MAX_INDEX = 4_000_000
"""The highest index any Slurm can be configured for (slurm.conf(5), MaxArraySize)."""


_Span = tuple[range, int | None]  # the indices, and the step if one was written


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """The tasks of an array. ``throttle`` is how many may run at once, 0 for any number.

    ``step`` is what SLURM_ARRAY_TASK_STEP says: the first step written, 1 if none is.
    """

    indices: IndexSet
    throttle: int = 0
    step: int = 1

    @property
    def min(self) -> int:
        """The lowest index."""
        return self.indices.min

    @property
    def max(self) -> int:
        """The highest index."""
        return self.indices.max

    def __str__(self) -> str:
        return f"{self.indices}%{self.throttle}" if self.throttle else str(self.indices)


class _Rules:
    NUMBER = int

    def THROTTLE(self, token: str) -> int:
        match = re.match(r"%\s*\+?([0-9]+)", token)
        throttle = int(match[1]) if match else 0
        if throttle >= 2**31:
            raise GrammarError("", problem=f"%{throttle} is not a number of tasks")
        return throttle

    def single(self, parts: Sequence[int]) -> _Span:
        return self.stretch([parts[0], parts[0], None])

    def stretch(self, parts: Sequence[int | None]) -> _Span:
        first, last, step = parts
        assert first is not None
        last = last or 0  # Slurm reads "0-" as "0-0"
        if not first <= last <= MAX_INDEX or step == 0:
            raise GrammarError("", problem=f"{first}-{last} is not a range of task indices")
        return range(first, last + 1, step or 1), step

    def item(self, parts: Sequence[object]) -> tuple[_Span | None, int | None]:
        span, throttle = parts
        return span, throttle  # type: ignore[return-value]

    def start(self, parts: Sequence[tuple[_Span | None, int | None]]) -> ArraySpec:
        spans = [span for span, _ in parts if span] or [(range(1), None)]  # "%2" is task 0
        return ArraySpec(
            IndexSet(indices for indices, _ in spans),
            throttle=next((throttle for _, throttle in parts if throttle is not None), 0),
            step=next((step for _, step in spans if step), 1),
        )


_language: Language[ArraySpec] = Language("array", _Rules())


@functools.lru_cache(maxsize=1024)
def parse_array(text: str) -> ArraySpec:
    """Return the tasks; raise `GrammarError` where Slurm says ``Invalid job array specification``."""
    if not text:
        raise GrammarError(text, problem="names no task")  # "--array=" asks for an ordinary job: the caller knows
    return _language.parse(text)
