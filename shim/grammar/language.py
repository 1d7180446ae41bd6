"""How a ``.lark`` file becomes a parser: the one place that knows lark."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from shim.grammar.errors import GrammarError

if TYPE_CHECKING:
    from lark import Lark

Value = TypeVar("Value")


class Language(Generic[Value]):
    """One little language: the grammar ``<name>.lark`` beside this module and the object that builds its values.

    ``rules`` has a method for each rule of the grammar (given the list of the rule's parts) and may have one for each
    terminal (given its token); ``start`` names the rule for whole texts where one file holds kindred languages. lark
    builds the value while it parses, so no tree is ever made. lark is imported and the grammar compiled at the first
    text, not at import: a command pays only for the languages it reads.
    """

    def __init__(self, name: str, rules: object, start: str = "start") -> None:
        self._name = name
        self._rules = rules
        self._start = start

    @functools.cached_property
    def _lark(self) -> Lark:
        from lark import Lark

        grammar = Path(__file__).with_name(f"{self._name}.lark").read_text()
        return Lark(grammar, parser="lalr", start=self._start, transformer=self._rules, maybe_placeholders=True)

    def parse(self, text: str) -> Value:
        """Return the value of ``text``; raise `GrammarError` with the position of the first character that misfits."""
        from lark.exceptions import UnexpectedInput, UnexpectedToken

        try:
            return cast("Value", self._lark.parse(text))
        except UnexpectedToken as error:
            position = len(text) if error.token.type == "$END" else error.pos_in_stream
            raise GrammarError(text, position or 0) from None
        except UnexpectedInput as error:
            raise GrammarError(text, error.pos_in_stream or 0) from None
        except GrammarError as error:  # a rule's own, which knows its part of the text only
            raise GrammarError(text, error.position, error.problem) from None
        except ValueError:
            raise GrammarError(text, problem="has a number with too many digits") from None
