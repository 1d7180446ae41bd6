"""The ``#SBATCH`` lines of a batch script (sbatch(1), DESCRIPTION), and whether a file is a batch script at all."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from shim.grammar.errors import GrammarError
from shim.grammar.language import Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAGIC = "#SBATCH"
OLD_MAGIC = "#SLURM"

_BLANKS = " \t\v\f\r"
_SEPARATOR = re.compile(rf"[{_BLANKS}]*(?:het|pack)job(?:[{_BLANKS}]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Directive:
    """The words of one line, quotes and comments removed. Lines count from 1."""

    line: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """What a batch script asks for.

    ``groups`` has one element for each component of a heterogeneous job, so one for an ordinary job. ``pbs`` and
    ``bsub`` are the lines of other batch systems, which Slurm reads too, from the whole file. The flags tell that
    the script says ``#SLURM`` or ``packjob``, about which sbatch has a word to say.
    """

    groups: tuple[tuple[Directive, ...], ...]
    pbs: tuple[Directive, ...] = ()
    bsub: tuple[Directive, ...] = ()
    has_old_magic: bool = False
    has_packjob: bool = False


class DirectiveError(GrammarError):
    """A directive line that cannot be taken apart; sbatch gives up with these words and the rest of the line.

    The message is ``<file>: line <line>: <problem> in [<rest>]``.
    """

    def __init__(self, line: int, problem: str, rest: str) -> None:
        super().__init__(rest, problem=problem)
        self.line = line
        self.rest = rest


class ScriptError(GrammarError):
    """A file that is no batch script; ``lines`` are sbatch's words."""

    lines: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__("", problem=" ".join(self.lines))


class EmptyScriptError(ScriptError):
    """Nothing at all."""

    lines = ("Batch script is empty!",)


class BlankScriptError(ScriptError):
    """White space only."""

    lines = ("Batch script contains only whitespace!",)


class NoInterpreterError(ScriptError):
    """A first line without ``#!``."""

    lines = (
        "This does not look like a batch script.  The first",
        "line must start with #! followed by the path to an interpreter.",
        "For instance: #!/bin/sh",
    )


class NullByteError(ScriptError):
    """A NUL byte somewhere."""

    lines = ("The Slurm controller does not allow scripts that", "contain a NULL character '\\0'.")


class DosLineBreaksError(ScriptError):
    """A line that ends in CR LF."""

    lines = ("Batch script contains DOS line breaks (\\r\\n)", "instead of expected UNIX line breaks (\\n).")


class _Word(NamedTuple):
    text: str
    end: int
    fault: str = ""


class _Rules:
    """A word is the text it stands for; quotes may begin and end anywhere inside it."""

    def word(self, parts: Sequence[object]) -> _Word:
        tokens = [part for part in parts if part is not None]
        last = tokens[-1]
        kind: str = last.type  # type: ignore[attr-defined]
        end: int = last.end_pos  # type: ignore[attr-defined]
        if kind in {"UNMATCHED", "COLON"}:
            return _Word("", end, f"Unmatched `{str(last)[0]}`" if kind == "UNMATCHED" else "Unexpected `:`")
        return _Word("".join(map(_value, tokens)), end)

    def start(self, parts: Sequence[_Word]) -> tuple[_Word, ...]:
        return tuple(parts)


def _value(token: object) -> str:
    text = str(token)
    if token.type == "QUOTED":  # type: ignore[attr-defined]
        text = text[1:-1]
    return re.sub(r"\\(.?)", r"\1", text) if "\\" in text else text


_language: Language[tuple[_Word, ...]] = Language("directives", _Rules())


@functools.lru_cache(maxsize=4096)
def _words(text: str) -> tuple[_Word, ...]:
    return _language.parse(text)


def parse_directive(line: int, text: str) -> Directive:
    """Return the words of ``text``, a line after its ``#SBATCH``; raise `DirectiveError`."""
    text = text.lstrip(_BLANKS)
    words = _words(text)
    end = 0
    for word in words:
        if word.fault:
            raise DirectiveError(line, word.fault, text[end:])
        end = word.end
    return Directive(line, tuple(word.text for word in words))


def _directive_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield every directive line, up to the first line that is neither blank nor a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith((MAGIC, OLD_MAGIC)):
            yield number, line
        elif (code := line.strip(_BLANKS)) and not code.startswith("#"):
            return


def _foreign(text: str, magic: str) -> tuple[Directive, ...]:
    """Return the lines of another batch system; they count wherever they stand in the file."""
    return tuple(
        parse_directive(text.count("\n", 0, match.start()) + 1, match[1])
        for match in re.finditer(rf"^{magic}(.*)", text, re.MULTILINE)
    )


def parse_script(text: bytes, ignore_pbs: bool = False) -> Script:
    """Return the directives of a script that `check_script` accepts.

    Bytes that are not UTF-8 are kept (surrogateescape). ``ignore_pbs`` skips the other batch systems' lines, faults
    included. Raises `DirectiveError` for an unmatched quote or a word that starts with a colon.
    """
    content = text.decode(errors="surrogateescape")
    groups: list[list[Directive]] = [[]]
    has_old_magic = has_packjob = False
    for number, line in _directive_lines(content):
        old = line.startswith(OLD_MAGIC)
        has_old_magic |= old
        words = line[len(OLD_MAGIC if old else MAGIC) :]
        if _SEPARATOR.match(words):
            has_packjob |= "packjob" in words.lower()
            groups.append([])
        else:
            groups[-1].append(parse_directive(number, words))
    return Script(
        groups=tuple(map(tuple, groups)),
        pbs=() if ignore_pbs else _foreign(content, "#PBS"),
        bsub=() if ignore_pbs else _foreign(content, "#BSUB"),
        has_old_magic=has_old_magic,
        has_packjob=has_packjob,
    )


def check_script(text: bytes) -> None:
    """Raise the `ScriptError` that sbatch reports first for a file that is no batch script."""
    if not text:
        raise EmptyScriptError
    if not text.split(b"\0", 1)[0].strip(b" \t\n\v\f\r"):
        raise BlankScriptError
    if not text.startswith(b"#!"):
        raise NoInterpreterError
    if b"\0" in text:
        raise NullByteError
    if b"\r\n" in text:
        raise DosLineBreaksError
