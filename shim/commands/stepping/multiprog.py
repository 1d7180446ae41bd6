"""--multi-prog: a file that says which program each task runs (srun(1), MULTIPLE PROGRAM CONFIGURATION)."""

from collections.abc import Sequence
from dataclasses import dataclass

from shim.grammar.errors import GrammarError
from shim.grammar.indexset import IndexSet


class ConfigurationError(ValueError):
    """The file cannot be used; the text is srun's."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    ranks: tuple[int, ...] | None  # None: all that no other line names
    words: tuple[str, ...]


def programs(text: str, arguments: Sequence[str], ntasks: int, name: str) -> list[list[str]]:
    """The command of each task; ``arguments`` are added to all. Raises ConfigurationError."""
    found: dict[int, list[str]] = {}
    for line in _lines(text, name):
        ranks = range(ntasks) if line.ranks is None else line.ranks
        if max(ranks) >= ntasks:
            raise _bad_line(f"Invalid task id, {max(ranks)} >= ntasks", line.number, name)
        for offset, rank in enumerate(ranks):
            found.setdefault(rank, [_filled(word, rank, offset) for word in line.words] + list(arguments))
    missing = [rank for rank in range(ntasks) if rank not in found]
    if missing:
        raise ConfigurationError(f"Configuration file {name} invalid, no record for task id {missing[0]}")
    return [found[rank] for rank in range(ntasks)]


def _filled(word: str, rank: int, offset: int) -> str:
    return word.replace("%t", str(rank)).replace("%o", str(offset))


def _lines(text: str, name: str) -> list[_Line]:
    lines = []
    for number, line in enumerate(text.replace("\\\n", "").splitlines(), 1):
        words = _words(line)
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2:
            raise _bad_line("Error reading multi-prog config file", number, name)
        lines.append(_Line(number, _ranks(words[0], number, name), tuple(words[1:])))
    return lines


def _ranks(text: str, number: int, name: str) -> tuple[int, ...] | None:
    if text == "*":
        return None
    try:
        return tuple(IndexSet.parse(text))
    except (GrammarError, ValueError):
        raise _bad_line(f"Invalid task range specification ({text})", number, name) from None


def _bad_line(problem: str, number: int, name: str) -> ConfigurationError:
    return ConfigurationError(f"{problem}\nLine {number} of configuration file {name} invalid")


def _words(line: str) -> list[str]:
    """Words between blanks; single quotes hold them together, a backslash takes the next character as it is."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    characters = iter(line)
    for character in characters:
        if character == "'":
            quoted, word = not quoted, word or ""
        elif character == "\\":
            word = (word or "") + next(characters, "")
        elif character.isspace() and not quoted:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    return words if word is None else [*words, word]
