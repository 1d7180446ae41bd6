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
    terminal (given its token). lark builds the value while it parses, so no tree is ever made. lark is imported and
    the grammar compiled at the first text, not at import: a command pays only for the languages it reads.
    """

    def __init__(self, name: str, rules: object) -> None:
        self._name = name
        self._rules = rules

    @functools.cached_property
    def _lark(self) -> Lark:
        from lark import Lark

        grammar = Path(__file__).with_name(f"{self._name}.lark").read_text()
        return Lark(grammar, parser="lalr", transformer=self._rules, maybe_placeholders=True)

    def parse(self, text: str) -> Value:
        """Return the value of ``text``; raise `GrammarError` with the position of the first character that misfits."""
        from lark.exceptions import UnexpectedInput

        try:
            return cast("Value", self._lark.parse(text))
        except UnexpectedInput as error:
            position = error.pos_in_stream
            raise GrammarError(text, len(text) if position is None or position < 0 else position) from None
