"""What a call of sinfo asks for: its options and SINFO_* variables, read and checked (sinfo man page)."""

import re
from dataclasses import dataclass, field

from shim.commands.call import Call, Exit
from shim.commands.display.version import version_line
from shim.commands.help import help_text, usage_text
from shim.commands.sinfo.states import VALID, BadState, Matches, parse_states
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.sinfo import OPTIONS

SUMMARY = "%9P %.5a %.10l %.16F %N"
BY_NODE = "%9N %.6D %.9P %6t"
BY_NODE_LONG = "%9N %.6D %.9P %.11T %4c %.8z %.6m %.8d %.6w %.8f %20E"
REASONS = "%20E %9u %19H %N"
REASONS_LONG = "%20E %12U %19H %6t %N"
DEFAULT = "%9P %.5a %.10l %.6D %.6t %N"
LONG = "%9P %.5a %.10l %.10s %.4r %.8h %.10g %.6D %.11T %N"


@dataclass
class Query:
    """The settings of one call."""

    given: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    iterate: float = 0  # seconds between two reports, 0: one report
    states: Matches | None = None
    nodes: frozenset[str] | None = None
    partitions: frozenset[str] | None = None

    @property
    def format(self) -> str:
        """The format that holds where --Format is not given."""
        flags, long = self.flags, "long" in self.flags
        if "format" in self.given:
            return self.given["format"]
        if "summarize" in flags:
            return SUMMARY
        if "Node" in flags:
            return BY_NODE_LONG if long else BY_NODE
        if "list-reasons" in flags:
            return REASONS_LONG if long else REASONS
        if "SINFO_FORMAT" in self.given:
            return self.given["SINFO_FORMAT"]
        return LONG if long else DEFAULT

    @property
    def sort(self) -> str:
        """What rows are sorted by."""
        return self.given.get("sort") or self.given.get("SINFO_SORT") or ("N" if "Node" in self.flags else "#P,-t")


def parse(call: Call) -> Query:
    """Read variables and arguments. Raises Exit after printing what is wrong, or what was asked for."""
    query = Query()
    _variables(call, query)
    try:
        for option, value in Getopt(OPTIONS, call.argv):
            _option(call, query, option.key, value)
    except OptionError as error:
        call.err(usage_error(call.command, error))
        raise Exit(1) from None
    if "long" in query.flags and ("format" in query.given or "Format" in query.given):
        call.err(
            "sinfo: fatal: Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
        )
        raise Exit(1)
    if "all" in query.flags and "partition" in query.given:
        _conflict(call, "-a and -p")
    _filters(call, query)
    return query


def _variables(call: Call, query: Query) -> None:
    env = call.env
    if "SINFO_ALL" in env and "SINFO_PARTITION" in env:
        _conflict(call, "SINFO_ALL and SINFO_PARTITION")
    query.given |= {name: env[name] for name in ("SINFO_FORMAT", "SINFO_SORT", "SINFO_PARTITION") if name in env}
    if "SLURM_CLUSTERS" in env:
        query.given["clusters"] = env["SLURM_CLUSTERS"]


def _conflict(call: Call, what: str) -> None:
    call.error(f"Conflicting options, {what}, specified. Please choose one or the other.")
    raise Exit(1)


def _option(call: Call, query: Query, key: str, value: str | None) -> None:
    if key == "help":
        call.out(help_text("sinfo"))
        raise Exit(0)
    if key == "usage":
        call.out(usage_text("sinfo"))
        raise Exit(0)
    if key == "version":
        call.out(version_line(call.queue.config) + "\n")
        raise Exit(0)
    if key == "iterate":
        seconds = re.match(r"\d+", value or "")
        if not seconds or not int(seconds[0]):
            call.error(f"Error: invalid entry for --iterate={value}")
            raise Exit(1)
        query.iterate = int(seconds[0])
    elif value is None:
        query.flags.add(key)
    else:
        query.given[key] = value


def _filters(call: Call, query: Query) -> None:
    if "states" in query.given:
        try:
            query.states = parse_states(query.given["states"])
        except BadState as error:
            call.error(f'Bad state string: "{error}"')
            call.error(f"valid states: {VALID}")
            raise Exit(1) from None
    if "nodes" in query.given:
        try:
            query.nodes = frozenset(expand_hostlist(query.given["nodes"]))
        except GrammarError:
            call.error(f"bad node list: {query.given['nodes']}")
            raise Exit(1) from None
    names = query.given.get("partition")
    if names is None and "all" not in query.flags:
        names = query.given.get("SINFO_PARTITION")
    if names is not None:
        query.partitions = frozenset(names.split(","))
