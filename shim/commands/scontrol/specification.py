"""The words after ``update``, ``create`` and ``delete``: ``Key=value``, ``Key value``, and keys that stand alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


class BadSpecification(Exception):
    """A specification that cannot be used; ``lines`` are what goes to standard error, ``code`` the exit code."""

    def __init__(self, *lines: str, code: int = 1) -> None:
        self.lines = lines
        self.code = code
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class Pair:
    """One key with its value (None: it has none) and how both were written."""

    key: str
    value: str | None
    written: str


class Named(Protocol):
    """Something with a name of which ``least`` letters are enough."""

    @property
    def name(self) -> str:
        """The whole name."""

    @property
    def least(self) -> int:
        """How many letters of it are enough."""


N = TypeVar("N", bound=Named)


def pairs(words: Sequence[str], alone: Collection[str] = ()) -> list[Pair]:
    """Take the words apart. A key without ``=`` takes the next word as its value, unless it may stand ``alone``.

    Raises BadSpecification for a last word that is neither.
    """
    found: list[Pair] = []
    rest = iter(words)
    for word in rest:
        key, equals, value = word.partition("=")
        if equals:
            found.append(Pair(key, value, word))
        elif key.lower() in alone:
            found.append(Pair(key, None, word))
        else:
            following = next(rest, None)
            if following is None:
                raise BadSpecification(f"Invalid input: {word}", "Request aborted")
            found.append(Pair(key, following, word))
    return found


def find_key(keys: Sequence[N], typed: str) -> N | None:
    """The first of ``keys`` that ``typed`` names or abbreviates, in any case of letters."""
    wanted = typed.lower()
    return next((k for k in keys if k.name.lower().startswith(wanted) and len(wanted) >= k.least), None)


def unsupported(pair: Pair) -> BadSpecification:
    """The error for a key that cannot be changed."""
    return BadSpecification(f"Update of this parameter is not supported: {pair.written}", "Request aborted")
