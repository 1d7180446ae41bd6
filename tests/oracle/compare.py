"""Two lists of answers beside each other, for a person to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from .case import Answer, Case

WIDTH = 78
CONTEXT = 2
"""Equal lines in a row that are still shown."""


def failures(case: Case, slurm: Sequence[Answer], ours: Sequence[Answer]) -> str:
    """What is wrong with our answers to a scenario; "" when nothing is."""
    expected = [step for step in case.steps if step.kind != "do"]
    parts = []
    for number, (step, left, right) in enumerate(zip(expected, slurm, ours, strict=True), 1):
        if step.differs and left == right:
            parts.append(f"step {number}: $ {step.command}\n  no longer differs: {step.differs}")
        elif left != right and not step.differs:
            parts.append(f"step {number}: {difference(left, right)}")
    return "\n".join(parts)


def difference(left: Answer, right: Answer) -> str:
    """One command's two answers in two columns, Slurm's left."""
    lines = [f"$ {left.run}"]
    for name, one, two in (
        ("stdout", left.stdout, right.stdout),
        ("stderr", left.stderr, right.stderr),
        ("exit", str(left.exit), str(right.exit)),
    ):
        if one != two:
            lines.append(f"  {name + ': Slurm':<{WIDTH}}   ours")
            lines.extend(columns(visible(one), visible(two)))
    return "\n".join(lines)


def visible(text: str) -> list[str]:
    """Lines with trailing blanks and a missing last newline made visible."""
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "[no newline]"
    else:
        lines.pop()
    return [line.rstrip(" ") + "·" * (len(line) - len(line.rstrip(" "))) for line in lines]


def columns(left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    """Two texts side by side: "|" marks changed lines, "<" and ">" those that only one has; equal ones are few."""
    matcher = difflib.SequenceMatcher(a=left, b=right, autojunk=False)
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        if tag == "equal" and end - start > CONTEXT:
            yield f"  [{end - start} equal lines]"
            continue
        for offset in range(max(end - start, other_end - other_start)):
            one = left[start + offset] if start + offset < end else None
            two = right[other_start + offset] if other_start + offset < other_end else None
            mark = " " if tag == "equal" else "<" if two is None else ">" if one is None else "|"
            yield from row(one or "", mark, two or "")


def row(left: str, mark: str, right: str) -> Iterator[str]:
    """One line of both, below each other where they do not fit beside each other."""
    if len(left) <= WIDTH:
        yield f"  {left:<{WIDTH}} {mark} {right}"
    else:
        yield f"  {left}"
        yield f"  {'':<{WIDTH}} {mark} {right}" if len(right) <= WIDTH else f"{mark} {right}"
