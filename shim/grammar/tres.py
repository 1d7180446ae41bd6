"""Trackable resources: ``--gres``, ``--gpus``, TRES lists and ``--licenses`` (sbatch(1))."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language
from shim.grammar.memory import format_memory, parse_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INVALID_GRES = "Invalid generic resource (gres) specification"
INVALID_TRES = "Invalid Trackable RESource (TRES) specification"
MIXED_GRES = "Invalid GRES specification (with and without type identification)"

_UNITS = " KMGTP"


@dataclass(frozen=True, slots=True)
class Gres:
    """So many generic resources of one name, of one type or (``type`` empty) of any."""

    name: str
    type: str = ""
    count: int = 1

    def __str__(self) -> str:
        return ":".join(filter(None, (self.name, self.type, str(self.count))))


@dataclass(frozen=True, slots=True)
class License:
    """So many licenses of one name."""

    name: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.name}:{self.count}"


def _count(text: str) -> int:
    digits = text.rstrip("kmgtpbKMGTPB")
    unit = text[len(digits) :].upper()
    base = 1000 if unit.endswith("B") else 1024
    return int(digits) * base ** _UNITS.index(unit[0]) if unit else int(digits)


class _Rules:
    COUNT = staticmethod(_count)
    VALUE = staticmethod(str)
    NUMBER = int
    WORD = NAME = staticmethod(str)

    def gres_item(self, parts: Sequence[object]) -> Gres:
        name, kind, count = parts
        return Gres(name, kind or "", 1 if count is None else count)  # type: ignore[arg-type]

    def nothing(self, _: Sequence[object]) -> Gres:
        raise GrammarError("", problem=INVALID_TRES)

    def gres(self, parts: Sequence[Gres]) -> tuple[Gres, ...]:
        untyped = {item.name for item in parts if not item.type}
        if any(item.type and item.name in untyped for item in parts):
            raise GrammarError(",".join(map(str, parts)), problem=MIXED_GRES)
        return tuple(parts)

    def any_gpu(self, parts: Sequence[int]) -> Gres:
        return Gres("gpu", count=parts[0])

    def gpus_item(self, parts: Sequence[object]) -> Gres:
        kind, count = parts
        # "gpu:2" names the resource, not a type of it
        return Gres("gpu", "" if kind == "gpu" else kind, 1 if count is None else count)  # type: ignore[arg-type]

    def gpus(self, parts: Sequence[Gres]) -> tuple[Gres, ...]:
        return tuple(parts)

    def tres_item(self, parts: Sequence[str]) -> tuple[str, int]:
        name, value = parts
        return name, parse_memory(value) if name == "mem" else _count(value)

    def tres(self, parts: Sequence[tuple[str, int] | None]) -> tuple[tuple[str, int], ...]:
        return tuple(part for part in parts if part)

    def license(self, parts: Sequence[object]) -> License:
        name, count = parts
        return License(name, 1 if count is None else count)  # type: ignore[arg-type]

    def licenses(self, parts: Sequence[License | None]) -> tuple[License, ...]:
        return tuple(part for part in parts if part)


_rules = _Rules()
_gres: Language[tuple[Gres, ...]] = Language("tres", _rules, "gres")
_gpus: Language[tuple[Gres, ...]] = Language("tres", _rules, "gpus")
_tres: Language[tuple[tuple[str, int], ...]] = Language("tres", _rules, "tres")
_licenses: Language[tuple[License, ...]] = Language("tres", _rules, "licenses")


@functools.lru_cache(maxsize=1024)
def parse_gres(text: str) -> tuple[Gres, ...]:
    """Return what ``--gres`` asks for on each node; ``none`` is nothing.

    The problem of the `GrammarError` is Slurm's: `INVALID_GRES`, `INVALID_TRES` (an empty item) or `MIXED_GRES`.
    Whether the cluster has such a resource is not this module's business.
    """
    if text.lower() == "none":
        return ()
    try:
        return _gres.parse(text)
    except GrammarError as error:
        if error.problem in {INVALID_TRES, MIXED_GRES}:
            raise
        raise GrammarError(text, error.position, INVALID_GRES) from None


@functools.lru_cache(maxsize=1024)
def parse_gpus(text: str) -> tuple[Gres, ...]:
    """Return the GPUs that ``--gpus``, ``--gpus-per-node`` and their family ask for: ``2``, ``a100:2,h100``."""
    return _gpus.parse(text) if text else ()


@functools.lru_cache(maxsize=1024)
def parse_tres(text: str) -> tuple[tuple[str, int], ...]:
    """Return the names and amounts of ``cpu=4,mem=1G,gres/gpu:a100=2``; memory in megabytes."""
    return _tres.parse(text)


@functools.lru_cache(maxsize=1024)
def parse_licenses(text: str) -> tuple[License, ...]:
    """Return the licenses of ``a:2,b``; raise `GrammarError` where Slurm says ``Invalid license specification``.

    Alternatives (``a|b``) came after Slurm 22.05.
    """
    return _licenses.parse(text)


def format_gres(items: Iterable[Gres]) -> str:
    """Return a list that `parse_gres` reads back: ``gpu:a100:2,nvme:1``."""
    return ",".join(map(str, items))


def format_licenses(items: Iterable[License]) -> str:
    """Return a list that `parse_licenses` reads back: ``a:2,b:1``."""
    return ",".join(map(str, items))


def format_tres(amounts: Iterable[tuple[str, int]]) -> str:
    """Return ``cpu=4,mem=1G,gres/gpu=2`` as scontrol shows TRES; memory is given in megabytes."""
    return ",".join(f"{name}={format_memory(amount) if name == 'mem' else amount}" for name, amount in amounts)


def echo_gres(text: str) -> str:
    """Return ``--gres`` as scontrol shows it (TresPerNode): each item as written, after ``gres:``."""
    return ",".join(item if item.startswith("gres:") else f"gres:{item}" for item in text.split(","))


def echo_gpus(text: str) -> str:
    """Return ``--gpus`` and its family as scontrol shows them (TresPerJob …): ``gres:gpu:a100:2``."""
    return ",".join(f"gres:gpu:{item}" for item in text.split(","))
