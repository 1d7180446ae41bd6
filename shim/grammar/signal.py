"""Signals: ``USR1``, ``SIGUSR1``, ``10``, and when a job gets one: ``B:USR1@60`` (sbatch(1), ``--signal``)."""

from __future__ import annotations

import functools
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("HUP", "INT", "QUIT", "ABRT", "KILL", "ALRM", "TERM", "USR1", "USR2", "URG", "CONT", "STOP", "TSTP", "TTIN",
         "TTOU", "XCPU")  # fmt: skip
"""The signals that Slurm knows by name."""

_NUMBERS = {name: signal.Signals[f"SIG{name}"].value for name in NAMES}
MAX_SECONDS = 65535


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """Signal ``number`` is sent ``seconds`` before the time limit, with ``batch_only`` to the batch shell alone.

    ``reservation`` allows the job to overlap with one.
    """

    number: int
    seconds: int = 60
    batch_only: bool = False
    reservation: bool = False

    def __str__(self) -> str:
        who = "R" * self.reservation + "B" * self.batch_only
        return f"{who}{':' if who else ''}{signal_name(self.number)}@{self.seconds}"


class _Rules:
    def start(self, parts: Sequence[object]) -> SignalSpec:
        who, name, delay = parts
        letters = str(who or "").upper()
        return SignalSpec(
            signal_number(str(name)),
            60 if delay is None else int(str(delay)[1:] or 0),
            batch_only="B" in letters,
            reservation="R" in letters,
        )


_language: Language[SignalSpec] = Language("signal", _Rules())


def signal_number(text: str) -> int:
    """Return the number of ``USR1``, ``sigusr1`` or ``10``; raise `GrammarError` for 0 and names Slurm lacks."""
    name = text.strip()
    if name.isdecimal() and 0 < int(name) < signal.NSIG:
        return int(name)
    number = _NUMBERS.get(name.upper().removeprefix("SIG"))
    if number is None:
        raise GrammarError(text, problem="is no signal")
    return number


def signal_name(number: int) -> str:
    """Return ``USR1`` for 10, and the number itself for a signal that Slurm has no name for."""
    return next((name for name, value in _NUMBERS.items() if value == number), str(number))


@functools.lru_cache(maxsize=256)
def parse_signal(text: str) -> SignalSpec:
    """Return what ``--signal`` says; ``@`` without a number is 0 seconds, without ``@`` it is 60.

    Raises `GrammarError` where Slurm says ``Invalid --signal specification``.
    """
    spec = _language.parse(text)
    if spec.seconds > MAX_SECONDS:
        raise GrammarError(text, problem="is too early")
    return spec
