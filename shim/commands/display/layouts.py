"""Which document ``--json`` and ``--yaml`` ask for: the layout of Slurm 22.05, or that of 23.11 on request."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from shim.commands.call import Call, Exit

OLD, MODERN = "v0.0.38", "v0.0.40"


@dataclass(frozen=True, slots=True)
class Dump:
    """A document that was asked for."""

    yaml: bool
    modern: bool


def dump_wanted(call: Call, flags: Set[str], given: Mapping[str, str]) -> Dump | None:
    """What the call asks for, None where it asks for no document.

    ``--json=v0.0.40`` names a layout as newer releases do; without one the setting ``data_parser`` holds. Raises Exit
    for a layout that is not known, and after ``list`` has been answered.
    """
    kind = next((kind for kind in ("json", "yaml") if kind in flags or kind in given), None)
    if kind is None:
        return None
    layout = given.get(kind) or call.queue.config.data_parser
    if layout == "list":
        call.err(f"Possible data_parser plugins:\ndata_parser/{OLD}\ndata_parser/{MODERN}")
        raise Exit(0)
    if layout not in (OLD, MODERN):
        call.err(f"{call.command}: fatal: no data_parser plugin {layout}: there are {OLD} and {MODERN}")
        raise Exit(1)
    return Dump(kind == "yaml", layout == MODERN)
