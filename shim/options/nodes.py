"""Values about which nodes and how many (sbatch(1), -N, -w, -x, -F, --switches, --exclusive)."""

import re
from collections.abc import Mapping
from typing import Any

from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist, fold_hostlist
from shim.grammar.nodes import NodeCount, parse_nodes
from shim.grammar.timelimit import UNLIMITED, format_dhms, parse_seconds
from shim.options.joboption import VALUE_ERROR, Complaint, Reading, Value
from shim.options.values import read_number, text

INVALID_WAIT = 0xFFFFFFFE
"""What Slurm takes a time to wait for switches to be that it cannot read."""


def _nodes(reading: Reading) -> Mapping[str, Any]:
    try:
        nodes = parse_nodes(reading.given)
    except GrammarError as error:
        raise Complaint(f"error: {error.problem}") from None
    return {"nodes_min": nodes.min, "nodes_max": nodes.max}


def _show_nodes(fields: Mapping[str, Any]) -> str:
    return str(NodeCount(fields["nodes_min"], fields["nodes_max"]))


NODES = Value(_nodes, _show_nodes)


def read_host_file(path: str, reading: Reading, *, code: int = VALUE_ERROR) -> str:
    """The hosts named in a file, separated by blanks, commas or newlines; ``#`` starts a comment."""
    try:
        content = reading.place.read_file(path).decode(errors="surrogateescape")
    except OSError as error:
        # the name of the function is part of Slurm's message, also from sbatch
        complaint = f"error: slurm_allocate_resources error opening file {path}, {error.strerror}"
        more = ("error: Invalid --nodefile node file",) if reading.option.name == "nodefile" else ()
        raise Complaint(complaint, *more, code=code) from None
    words = (word for line in content.splitlines() for word in re.split(r"[\s,]+(?![^\[]*\])", line.partition("#")[0]))
    names = ",".join(word for word in words if word)
    try:
        return fold_hostlist(expand_hostlist(names))
    except GrammarError:
        return names  # the controller will not know such a node


def _hosts(name: str) -> Value:
    """A list of hosts, or a file of them where the text holds a slash."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        given = reading.given
        return {name: read_host_file(given, reading) if "/" in given else given}

    return Value(parse, text(name).show)


NODELIST = _hosts("nodelist")
EXCLUDE = _hosts("exclude")


def _nodefile(reading: Reading) -> Mapping[str, Any]:
    return {"nodelist": read_host_file(reading.given, reading, code=255), "nodefile": reading.given}


NODEFILE = Value(_nodefile, text("nodefile").show)


def _switches(reading: Reading) -> Mapping[str, Any]:
    number, at, wait = reading.given.partition("@")
    fields: dict[str, Any] = {"switches": read_number(number, "--switches"), "switches_wait": None}
    if at:
        fields["switches_wait"] = switch_wait(wait)
    return fields


def switch_wait(wait: str) -> int:
    """Seconds; what cannot be read is INVALID, without a word (slurm's time_str2secs)."""
    try:
        return parse_seconds(wait)
    except GrammarError:
        return INVALID_WAIT


def _show_wait(seconds: int) -> str:
    return "INVALID" if seconds == INVALID_WAIT else format_dhms(seconds)


def _show_switches(fields: Mapping[str, Any]) -> str:
    wait = fields["switches_wait"]
    return f"{fields['switches']}" if wait in (None, UNLIMITED) else f"{fields['switches']}@{_show_wait(wait)}"


SWITCHES = Value(_switches, _show_switches)

_EXCLUSIVE = {"": "exclusive", "exclusive": "exclusive", "user": "user", "mcs": "mcs"}


def _exclusive(reading: Reading) -> Mapping[str, Any]:
    word = reading.given.lower()
    if word not in _EXCLUSIVE:
        raise reading.invalid()
    return {"exclusive": _EXCLUSIVE[word], "oversubscribe": False}


def _show_sharing(fields: Mapping[str, Any]) -> str:
    """--exclusive and --oversubscribe are one setting; the later one holds for both."""
    return fields["exclusive"] or ("oversubscribe" if fields["oversubscribe"] else "unset")


EXCLUSIVE = Value(_exclusive, _show_sharing)
OVERSUBSCRIBE = Value(lambda _: {"exclusive": "", "oversubscribe": True}, _show_sharing)
