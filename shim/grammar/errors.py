"""What a grammar says about text it cannot read."""

from __future__ import annotations


class GrammarError(ValueError):
    """Text that is not a sentence of its language.

    ``text`` is the whole faulty text and ``position`` the offset of the first character that does not fit. The
    caller turns it into Slurm's words (``Invalid --time specification``): only it knows which option it was.
    """

    def __init__(self, text: str, position: int = 0, problem: str = "cannot be read") -> None:
        super().__init__(f"{text!r} {problem} (position {position})")
        self.text = text
        self.position = position
        self.problem = problem
