"""Job and step ids as scancel reads them: ``12``, ``12_3``, ``12_[1-3,7]``, ``12+1``, ``12.0`` (scancel man page)."""

import re
from dataclasses import dataclass

from shim.grammar.indexset import IndexSet

_ID = re.compile(
    r"(?P<job>\d+)(?:_(?P<task>\d+|\*|\[(?P<tasks>[^\]]*)\])?)?(?:\+(?P<component>\d+))?(?:\.(?P<step>\d*))?"
)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class BadId(ValueError):
    """An id that cannot be read; ``range`` is the part of a task list that is to blame."""

    def __init__(self, text: str, range: str | None = None) -> None:
        self.range = range
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Target:
    """What one id names: a job or array, some tasks of an array, a component, or (``step``) a step of these."""

    text: str
    job_id: int
    tasks: IndexSet | None = None
    component: int | None = None
    step: int | None = None


def parse_targets(word: str) -> list[Target]:
    """Read one argument: ids separated by commas. Raises BadId."""
    return [_parse(text) for text in re.findall(r"(?:\[[^\]]*\]|[^,])+", word)]


def _parse(text: str) -> Target:
    match = _ID.fullmatch(text)
    if not match or not int(match["job"]):
        raise BadId(text)
    tasks: IndexSet | None = None
    if match["tasks"] is not None:
        tasks = _tasks(text, match["tasks"])
    elif match["task"] not in (None, "*"):
        tasks = IndexSet([range(int(match["task"]), int(match["task"]) + 1)])
    component, step = match["component"], match["step"]
    return Target(
        text,
        int(match["job"]),
        tasks,
        None if component is None else int(component),
        None if step is None else int(step or 0),
    )


def _tasks(text: str, ranges: str) -> IndexSet:
    spans = []
    for word in ranges.split(","):
        match = _RANGE.fullmatch(word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise BadId(text, word)
        spans.append(range(first, last + 1))
    return IndexSet(spans)
