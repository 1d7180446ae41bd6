"""The node states that --states takes (sinfo man page, --states)."""

from collections.abc import Callable

from shim.commands.display.nodes import NodeView

Matches = Callable[[NodeView], bool]

VALID = (
    "unknown,down,idle,allocated,?,mixed,future,drain,drained,draining,no_respond,reserved,perfctrs,cloud,completing,"
    "powering_down,powered_down,power_down,powering_up,fail,maint,reboot,reboot^,unknown"
)


class BadState(ValueError):
    """A word that is no node state; the message is the word."""


def _busy(view: NodeView) -> bool:
    return view.base in {"ALLOCATED", "MIXED"}


def _never(_: NodeView) -> bool:
    return False


# A node that jobs have any part of counts as allocated; one that is draining never counts as mixed.
_BY_WORD: dict[str, Matches] = {
    "unknown": lambda view: view.base == "UNKNOWN",
    "down": lambda view: view.base == "DOWN",
    "idle": lambda view: view.base == "IDLE",
    "allocated": _busy,
    "mixed": lambda view: view.base == "MIXED" and not view.draining,
    "drain": lambda view: view.draining,
    "drained": lambda view: view.draining and not _busy(view),
    "draining": lambda view: view.draining and _busy(view),
    "drng": lambda view: view.draining and _busy(view),
    "no_respond": lambda view: not view.responding,
    "planned": _never,
}
_SHORTER = {"alloc": "allocated", "mix": "mixed", "unk": "unknown", "comp": "completing", "resv": "reserved"}
_OF_OTHERS = {*VALID.split(","), "futr", "npc"} - _BY_WORD.keys()


def parse_states(text: str) -> Matches:
    """Return the test that a list of states stands for: ``,`` is or, ``&`` is and. Raises BadState."""
    if text.lower() == "all":
        return lambda _: True
    choices = [[_test(word) for word in part.split("&")] for part in text.split(",") if part]
    return lambda view: any(all(test(view) for test in tests) for tests in choices)


def _test(word: str) -> Matches:
    lower = _SHORTER.get(word.lower(), word.lower())
    if lower in _BY_WORD:
        return _BY_WORD[lower]
    if lower in _OF_OTHERS:  # states that no node here is ever in
        return _never
    found = next((name for name in _BY_WORD if lower and name.startswith(lower)), None)
    if found is None:
        raise BadState(word)
    return _BY_WORD[found]
