"""Job dependencies: ``afterok:1:2,after:3+5``, ``afterany:7_2?singleton`` (sbatch(1), ``--dependency``)."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from shim.grammar.array import MAX_INDEX
from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Kind(StrEnum):
    """What a term waits for; `EXPAND` is read, but few systems support it."""

    AFTER = "after"
    AFTERANY = "afterany"
    AFTERNOTOK = "afternotok"
    AFTEROK = "afterok"
    AFTERCORR = "aftercorr"
    AFTERBURSTBUFFER = "afterburstbuffer"
    EXPAND = "expand"
    SINGLETON = "singleton"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. ``task_id`` is None for a whole job or array, ``job_id`` is 0 for a singleton."""

    kind: Kind
    job_id: int = 0
    task_id: int | None = None
    delay_minutes: int = 0

    def __str__(self) -> str:
        if self.kind is Kind.SINGLETON:
            return str(self.kind)
        task = "" if self.task_id is None else f"_{self.task_id}"
        delay = f"+{self.delay_minutes}" if self.delay_minutes else ""
        return f"{self.kind}:{self.job_id}{task}{delay}"


@dataclass(frozen=True, slots=True)
class Dependency:
    """All terms must hold, or, if ``any``, one of them; without terms nothing is waited for."""

    terms: tuple[Term, ...] = ()
    any: bool = False

    def __str__(self) -> str:
        return ("?" if self.any else ",").join(map(str, self.terms))


class _Target(NamedTuple):
    """A job, or some of its tasks (None: all of them), and a delay in minutes."""

    job_id: int
    tasks: tuple[int, ...] | tuple[None]
    delay: int | None = None


class _Rules:
    NUMBER = int

    def NEGATIVE(self, token: str) -> int:
        return int(token) & 0xFFFFFFFF  # what Slurm makes of -1: the ID of a job that never was

    def range(self, parts: Sequence[int | None]) -> range:
        first, last, step = parts
        assert first is not None
        last = first if last is None else last
        if not first <= last <= MAX_INDEX or step == 0:
            raise GrammarError("", problem=f"{first}-{last} is not a range of task indices")
        return range(first, last + 1, step or 1)

    def task(self, parts: Sequence[int]) -> tuple[int, ...]:
        return (parts[0],)

    def whole_array(self, _: Sequence[object]) -> tuple[None]:
        return (None,)

    def tasks(self, parts: Sequence[Iterable[int]]) -> tuple[int, ...]:
        return tuple(itertools.chain.from_iterable(parts))

    def target(self, parts: Sequence[object]) -> _Target:
        job_id, tasks, delay, _ = parts
        return _Target(job_id, tasks or (None,), delay)  # type: ignore[arg-type]

    def clause(self, parts: Sequence[object]) -> list[Term]:
        kind, *targets = parts
        return _terms(Kind(str(kind).lower()), targets)  # type: ignore[arg-type]

    def bare(self, parts: Sequence[object]) -> list[Term]:
        return _terms(Kind.AFTERANY, [self.target([*parts, None, None])])

    def singleton(self, _: Sequence[object]) -> list[Term]:
        return [Term(Kind.SINGLETON)]

    def start(self, parts: Sequence[object]) -> Dependency:
        terms: dict[Term, Term] = {}  # keeps the first of those that differ in the delay only, as Slurm does
        for term in itertools.chain.from_iterable(part for part in parts if isinstance(part, list)):
            terms.setdefault(replace(term, delay_minutes=0), term)
        return Dependency(tuple(terms.values()), any="?" in parts)


def _terms(kind: Kind, targets: Iterable[_Target]) -> list[Term]:
    terms: list[Term] = []
    for job_id, tasks, delay in targets:
        if job_id == 0 or delay == 0:
            raise GrammarError("", problem="has a job ID or a delay of 0")
        terms += (Term(kind, job_id, task_id, delay or 0) for task_id in tasks)
    return terms


_language: Language[Dependency] = Language("dependency", _Rules())


@functools.lru_cache(maxsize=1024)
def parse_dependency(text: str) -> Dependency:
    """Return what ``text`` waits for; raise `GrammarError` where Slurm says ``Job dependency problem``.

    Empty text and a lone ``0`` are no dependency; that is how ``scontrol update`` removes one.
    """
    return Dependency() if text == "0" else _language.parse(text)
