"""The columns of sinfo by letter (--format) and by name (--Format): one declaration for each (sinfo man page)."""

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass

from shim.commands.display.nodes import NodeView
from shim.commands.display.table import Column
from shim.commands.display.times import TimeFormat
from shim.commands.sinfo.rows import NodeKey, PartitionKey, Row
from shim.config.settings import PartitionConfig
from shim.grammar.hostlist import fold_hostlist
from shim.grammar.timelimit import format_time_limit
from shim.job.request import UNLIMITED


@dataclass(frozen=True)
class Showing:
    """What values depend on besides the row."""

    time: TimeFormat
    version: str


Value = Callable[[Showing, Row], object]


@dataclass(frozen=True)
class SinfoColumn:
    """One column: heading, value, how it is called, and what it keeps apart.

    ``apart_exactly`` keeps rows apart with --exact only; without it a range is shown (``8+``).
    """

    heading: str
    value: Value
    letter: str = ""
    names: tuple[str, ...] = ()
    partition_key: PartitionKey | None = None
    node_key: NodeKey | None = None
    apart_exactly: NodeKey | None = None
    keeps: str = ""

    def bound(self, showing: Showing) -> Column[Row]:
        """The column with values for one report."""
        return Column(self.heading, lambda row: self.value(showing, row), keeps=self.keeps)


# -- values ------------------------------------------------------------------------------------------------------------


def _range(values: list[float], written: Callable[[float], str], *, whole: bool) -> str:
    """The value of all nodes: one, ``least+``, or the ``whole`` range."""
    if not values:
        return written(0)
    low, high = min(values), max(values)
    if low == high:
        return written(low)
    return f"{written(low)}-{written(high)}" if whole else f"{written(low)}+"


def _number(get: NodeKey, *, whole: bool = False) -> Value:
    def value(_: Showing, row: Row) -> str:
        known = [number for view in row.nodes if isinstance(number := get(view), int | float)]
        return _range(known, lambda number: f"{number:g}" if number < 1e6 else f"{number:.0f}", whole=whole)

    return value


def _load(_: Showing, row: Row) -> str:
    loads = [load for view in row.nodes if (load := view.load) is not None]
    if row.nodes and not loads:
        return "N/A"
    return _range(list(loads), lambda load: f"{load:.2f}", whole=True)


def _free_memory(showing: Showing, row: Row) -> object:
    if row.nodes and all(view.free_memory is None for view in row.nodes):
        return "N/A"
    return _number(lambda view: view.free_memory, whole=True)(showing, row)


def _sct(showing: Showing, row: Row) -> str:
    return ":".join(str(part(showing, row)) for part in (_sockets, _cores, _threads))


def _sockets_of(view: NodeView) -> int:
    return view.node.base.sockets


def _cores_of(view: NodeView) -> int:
    return view.node.base.cores_per_socket


def _threads_of(view: NodeView) -> int:
    return view.node.base.threads_per_core


_sockets, _cores, _threads = _number(_sockets_of), _number(_cores_of), _number(_threads_of)


def _of_first(get: Callable[[NodeView], object], none: str) -> Value:
    """A value that all nodes of a row share; ``none`` where there are no nodes, or it is empty."""
    return lambda _, row: (get(row.first) if row.first else "") or none


def _of_partition(get: Callable[[PartitionConfig], object]) -> Value:
    return lambda _, row: get(row.partition)


def _constant(text: str) -> Value:
    return lambda _, __: text


def _list(get: Callable[[NodeView], str]) -> Value:
    """Names of all nodes, folded; each once."""
    return lambda _, row: fold_hostlist(dict.fromkeys(sorted(get(view) for view in row.nodes)), sort=True)


def _starred(partition: PartitionConfig) -> str:
    return partition.name + "*" * partition.default


def _limit(minutes: int | None) -> str:
    if minutes is None:
        return "n/a"
    return "infinite" if minutes == UNLIMITED else format_time_limit(minutes)


def _job_size(partition: PartitionConfig) -> str:
    most = "infinite" if partition.max_nodes == UNLIMITED else str(partition.max_nodes)
    least = str(max(1, partition.min_nodes))
    return least if most == least else f"{least}-{most}"


def _features(view: NodeView) -> str:
    return ",".join(view.node.base.features)


def _complete_state(view: NodeView) -> str:
    """With all flags; to sinfo a draining node that jobs have any part of is allocated."""
    state = view.state.lower()
    return state.replace("mixed", "allocated") if view.draining else state


def node_counts(nodes: list[NodeView]) -> tuple[int, int, int, int]:
    """Nodes that are allocated, idle, neither, and all."""
    allocated = sum(view.base in {"ALLOCATED", "MIXED"} for view in nodes)
    other = sum(view.base not in {"ALLOCATED", "MIXED"} and view.unavailable for view in nodes)
    return allocated, len(nodes) - allocated - other, other, len(nodes)


def _nodes_ai(_: Showing, row: Row) -> str:
    return "{}/{}".format(*node_counts(row.nodes))


def _nodes_aiot(_: Showing, row: Row) -> str:
    return "{}/{}/{}/{}".format(*node_counts(row.nodes))


def _cpus_aiot(_: Showing, row: Row) -> str:
    allocated = sum(view.node.alloc_cpus for view in row.nodes)
    idle = sum(view.idle_cpus for view in row.nodes)
    other = sum(view.other_cpus for view in row.nodes)
    return f"{allocated}/{idle}/{other}/{allocated + idle + other}"


def _alloc_memory(_: Showing, row: Row) -> int:
    return sum(view.node.alloc_memory for view in row.nodes)


def _reason_user(long: bool) -> Value:
    """Who drained the nodes: on this controller nobody but its user can."""

    def value(_: Showing, row: Row) -> str:
        if not row.first or not _reason_time(row.first):
            return "Unknown"
        return f"{getpass.getuser()}({os.getuid()})" if long else getpass.getuser()

    return value


def _reason_time(view: NodeView) -> float:
    return view.node.drain_time


def _timestamp(showing: Showing, row: Row) -> str:
    return showing.time(_reason_time(row.first) if row.first else 0)


# -- the columns -------------------------------------------------------------------------------------------------------

_MAX_CPUS = _constant("UNLIMITED")

COLUMNS: tuple[SinfoColumn, ...] = (
    SinfoColumn("AVAIL", _of_partition(lambda p: p.state.lower()), "a", ("available",), lambda p: p.state),
    SinfoColumn("ACTIVE_FEATURES", _of_first(_features, "(null)"), "b", ("features_act",), node_key=_features),
    SinfoColumn("CPUS", _number(lambda v: v.node.base.cpus), "c", ("cpus",), apart_exactly=lambda v: v.node.base.cpus),
    SinfoColumn(
        "TMP_DISK",
        _number(lambda v: v.node.base.tmp_disk),
        "d",
        ("disk",),
        apart_exactly=lambda v: v.node.base.tmp_disk,
    ),
    SinfoColumn("FREE_MEM", _free_memory, "e", ("freemem",), apart_exactly=lambda v: v.free_memory),
    SinfoColumn("AVAIL_FEATURES", _of_first(_features, "(null)"), "f", ("features",), node_key=_features),
    SinfoColumn("GROUPS", _constant("all"), "g", ("groups",)),
    SinfoColumn("OVERSUBSCRIBE", _constant("NO"), "h", ("oversubscribe", "share")),
    SinfoColumn("TIMELIMIT", _of_partition(lambda p: _limit(p.max_time)), "l", ("time",), lambda p: p.max_time),
    SinfoColumn(
        "MEMORY", _number(lambda v: v.node.base.memory), "m", ("memory",), apart_exactly=lambda v: v.node.base.memory
    ),
    SinfoColumn("HOSTNAMES", _list(lambda v: v.host_name), "n", ("nodehost",), node_key=lambda v: v.host_name),
    SinfoColumn("NODE_ADDR", _list(lambda v: v.address), "o", ("nodeaddr",), node_key=lambda v: v.address),
    SinfoColumn(
        "PRIO_TIER",
        _of_partition(lambda p: p.priority_tier),
        "p",
        ("prioritytier",),
        lambda p: p.priority_tier,
    ),
    SinfoColumn("ROOT", _constant("no"), "r", ("root",)),
    SinfoColumn("JOB_SIZE", _of_partition(_job_size), "s", ("size",), _job_size),
    SinfoColumn(
        "STATE", _of_first(lambda v: v.compact_state, "n/a"), "t", ("statecompact",), node_key=lambda v: v.long_state
    ),
    SinfoColumn("USER", _reason_user(False), "u", ("user",), node_key=lambda v: bool(_reason_time(v))),
    SinfoColumn("VERSION", lambda s, row: s.version if row.nodes else "N/A", "v", ("version",)),
    SinfoColumn(
        "WEIGHT", _number(lambda v: v.node.base.weight), "w", ("weight",), apart_exactly=lambda v: v.node.base.weight
    ),
    SinfoColumn(
        "S:C:T",
        _sct,
        "z",
        ("socketcorethread",),
        apart_exactly=lambda v: (_sockets_of(v), _cores_of(v), _threads_of(v)),
    ),
    SinfoColumn("NODES(A/I)", _nodes_ai, "A", ("nodeai",)),
    SinfoColumn("MAX_CPUS_PER_NODE", _MAX_CPUS, "B", ("maxcpuspernode",)),
    SinfoColumn("CPUS(A/I/O/T)", _cpus_aiot, "C", ("cpusstate",)),
    SinfoColumn("NODES", lambda _, row: len(row.nodes), "D", ("nodes",)),
    SinfoColumn("REASON", _of_first(lambda v: v.reason, "none"), "E", ("reason",), node_key=lambda v: v.reason),
    SinfoColumn("NODES(A/I/O/T)", _nodes_aiot, "F", ("nodeaiot",)),
    SinfoColumn("GRES", _of_first(lambda v: v.gres, "(null)"), "G", ("gres",), node_key=lambda v: v.gres),
    SinfoColumn("TIMESTAMP", _timestamp, "H", ("timestamp",), node_key=lambda v: int(_reason_time(v))),
    SinfoColumn("PRIO_JOB_FACTOR", _constant("1"), "I", ("priorityjobfactor",)),
    SinfoColumn(
        "DEFAULTTIME", _of_partition(lambda p: _limit(p.default_time)), "L", ("defaulttime",), lambda p: p.default_time
    ),
    SinfoColumn("PREEMPT_MODE", _constant("OFF"), "M", ("preemptmode",)),
    SinfoColumn("NODELIST", _list(lambda v: v.name), "N", ("nodelist",)),
    SinfoColumn("CPU_LOAD", _load, "O", ("cpusload",), apart_exactly=lambda v: v.load),
    SinfoColumn("PARTITION", _of_partition(_starred), "P", ("partition",), lambda p: p.name, keeps="*"),
    SinfoColumn("PARTITION", _of_partition(lambda p: p.name), "R", ("partitionname",), lambda p: p.name),
    SinfoColumn("ALLOCNODES", _constant("all"), "S", ("allocnodes",)),
    SinfoColumn(
        "STATE", _of_first(lambda v: v.long_state, "n/a"), "T", ("statelong",), node_key=lambda v: v.long_state
    ),
    SinfoColumn("USER", _reason_user(True), "U", ("userlong",), node_key=lambda v: bool(_reason_time(v))),
    SinfoColumn("CLUSTER", _constant("N/A"), "V", ("cluster",)),
    SinfoColumn("SOCKETS", _sockets, "X", ("sockets",), apart_exactly=_sockets_of),
    SinfoColumn("CORES", _cores, "Y", ("cores",), apart_exactly=_cores_of),
    SinfoColumn("THREADS", _threads, "Z", ("threads",), apart_exactly=_threads_of),
    SinfoColumn("ALLOCMEM", _alloc_memory, names=("allocmem",), node_key=lambda v: v.node.alloc_memory),
    SinfoColumn("GRES_USED", _of_first(lambda v: v.gres_used, ""), names=("gresused",), node_key=lambda v: v.gres_used),
    SinfoColumn(
        "STATECOMPLETE",
        _of_first(_complete_state, "n/a"),
        names=("statecomplete",),
        node_key=_complete_state,
    ),
    SinfoColumn("PORT", _constant("6818"), names=("port",)),  # where slurmd listens unless told otherwise
    SinfoColumn("COMMENT", _constant("(null)"), names=("comment",)),
    SinfoColumn("EXTRA", _constant("(null)"), names=("extra",)),
)

BY_LETTER = {column.letter: column for column in COLUMNS if column.letter}
BY_NAME = {name: column for column in COLUMNS for name in column.names}
ALL_LETTERS = "abcdefghlmnoprstuvwzABCDEFGHILMNOPRSTUVXYZ"
