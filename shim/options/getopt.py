"""getopt_long(3), driven by option declarations: abbreviations, joined letters, glibc's own error texts.

Options are yielded one by one as they are met, so that ``squeue --version --nonsense`` prints the version, as with
getopt_long itself:

>>> from shim.options.option import Argument, Option
>>> JOB_ID = Option(name="jobs", short="j", argument=Argument.OPTIONAL)
>>> FORMAT = Option(name="format", short="o", argument=Argument.REQUIRED)
>>> NO_HEADER = Option(name="noheader", short="h")
>>> scan = Getopt([JOB_ID, FORMAT, NO_HEADER], ["-ho", "%T", "12", "--job=7"])
>>> [(option.key, value) for option, value in scan]
[('noheader', None), ('format', '%T'), ('jobs', '7')]
>>> scan.operands
['12']
>>> list(Getopt([FORMAT], ["--colour"]))
Traceback (most recent call last):
shim.options.getopt.OptionError: unrecognized option '--colour'

A command prints the error with ``usage_error(call.command, error)`` on standard error and exits with 255 (sbatch,
srun, salloc) or 1 (all others).
"""

import os
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from shim.options.option import Argument, Option

O = TypeVar("O", bound=Option)  # noqa: E741 - the option type of one command


class OptionError(Exception):
    """An argument list that getopt_long refuses; the text is glibc's, without the program's name."""


def usage_error(command: str, error: OptionError) -> str:
    """The two lines that Slurm's commands print for a bad option, without a final newline."""
    return f'{command}: {error}\nTry "{command} --help" for more information'


class Index(Generic[O]):
    """Options by their letters and long names, for many command lines of one command."""

    def __init__(self, options: Sequence[O]) -> None:
        self.letters = {option.short: option for option in options if option.short}
        self.names = [(name, option) for option in options for name in (option.name, *option.aliases) if name]
        self.by_name = dict(reversed(self.names))


class Getopt(Generic[O]):
    """Iterates over the options of ``argv`` as (option, argument); ``operands`` is complete when it ends.

    With ``permute`` options are found after operands too; without it the first operand ends the options (sbatch,
    srun, salloc, whose operands are another program's command line). Raises OptionError at the faulty argument.
    """

    def __init__(self, options: Sequence[O] | Index[O], argv: Sequence[str], *, permute: bool = True) -> None:
        self.operands: list[str] = []
        self._permute = permute
        self._arguments = list(argv)
        self._next = 0
        self._index = options if isinstance(options, Index) else Index(options)

    def __iter__(self) -> Iterator[tuple[O, str | None]]:
        """Yield each option with its argument (None: it has none)."""
        while self._next < len(self._arguments):
            word = self._arguments[self._next]
            self._next += 1
            if word == "--":
                break
            if word.startswith("--"):
                yield self._long_option(word[2:])
            elif word.startswith("-") and word != "-":
                yield from self._letters(word[1:])
            elif self._permute:
                self.operands.append(word)
            else:
                self._next -= 1
                break
        self.operands += self._arguments[self._next :]

    def _long_option(self, word: str) -> tuple[O, str | None]:
        typed, equals, value = word.partition("=")
        name, option = self._find(typed, word)
        if option.argument is Argument.NONE:
            if equals:
                raise OptionError(f"option '--{name}' doesn't allow an argument")
            return option, None
        if equals:
            return option, value
        if option.argument is Argument.OPTIONAL:
            return option, None
        return option, self._following(f"option '--{name}' requires an argument")

    def _find(self, typed: str, word: str) -> tuple[str, O]:
        if typed in self._index.by_name:
            return typed, self._index.by_name[typed]
        matches = [pair for pair in self._index.names if pair[0].startswith(typed) and pair[1].abbreviates]
        if not matches:
            raise OptionError(f"unrecognized option '--{word}'")
        first = matches[0]
        others = [name for name, option in matches[1:] if option is not first[1]]
        if others:
            possibilities = "".join(f" '--{name}'" for name in (first[0], *others))
            raise OptionError(f"option '--{word}' is ambiguous; possibilities:{possibilities}")
        return first

    def _letters(self, letters: str) -> Iterator[tuple[O, str | None]]:
        """Options that share one word: ``-vn4``, ``-ho %T``."""
        while letters:
            letter, letters = letters[0], letters[1:]
            option = self._index.letters.get(letter)
            if option is None:
                # glibc works on bytes: of a longer character it names the first one
                raise OptionError(f"invalid option -- '{os.fsdecode(os.fsencode(letter)[:1])}'")
            if option.argument is Argument.NONE:
                yield option, None
                continue
            if letters or option.argument is Argument.OPTIONAL:
                yield option, letters or None
            else:
                yield option, self._following(f"option requires an argument -- '{letter}'")
            return

    def _following(self, complaint: str) -> str:
        """The next word, as the argument of an option."""
        if self._next >= len(self._arguments):
            raise OptionError(complaint)
        self._next += 1
        return self._arguments[self._next - 1]
