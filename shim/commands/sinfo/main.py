"""One call of sinfo: from what is asked for to what is printed."""

from shim.commands.call import Call, Exit
from shim.commands.display.clusters import own_cluster
from shim.commands.display.formats import long_table, percent_table
from shim.commands.display.layouts import Dump, dump_wanted
from shim.commands.display.nodes import NodeView
from shim.commands.display.table import Column, Slot, Table
from shim.commands.display.times import TimeFormat, plain_date
from shim.commands.sinfo.columns import ALL_LETTERS, BY_LETTER, BY_NAME, COLUMNS, Showing, SinfoColumn
from shim.commands.sinfo.query import Query, parse
from shim.commands.sinfo.rows import Grouping, Row
from shim.commands.sinfo.sorting import sort_rows
from shim.config.settings import PartitionConfig
from shim.grammar.formats import Field, parse_long_format, parse_percent_format


async def run(call: Call) -> int:
    """Run one call of sinfo."""
    try:
        query = parse(call)
        if "verbose" in query.flags:
            call.out(_settings(query))
        if document := dump_wanted(call, query.flags, query.given):
            _dump(call, document)
            return 0
        if "clusters" in query.given and not own_cluster(call, query.given["clusters"], "noheader" in query.flags):
            return 1
        if "reservation" in query.flags:
            if "noheader" not in query.flags:
                _tell_time(call, query)
            call.out("No reservations in the system\n")
            return 0
        _report(call, query)
        while query.iterate and await call.still_there(query.iterate):
            call.out("\n")
            _report(call, query)
    except Exit as end:
        return end.code
    return 0


def _settings(query: Query) -> str:
    """What --verbose tells about the call itself."""
    flags, given = query.flags, query.given

    def said(flag: bool) -> str:
        return "true" if flag else "false"

    lines = {
        "dead": said("dead" in flags),
        "exact": int("exact" in flags),
        "filtering": said(bool(given.keys() & {"nodes", "partition", "states"} or flags & {"dead", "responding"})),
        "format": given.get("Format", query.format),
        "iterate": int(query.iterate),
        "long": said("long" in flags),
        "no_header": said("noheader" in flags),
        "node_field": said("%N" in query.format and "Node" in flags),
        "node_format": said("Node" in flags),
        "nodes": given.get("nodes", "n/a"),
        "part_field": said("format" not in given and "Format" not in given),
        "partition": given.get("partition", "n/a"),
        "responding": said("responding" in flags),
        "states": given.get("states", "(null)"),
        "sort": given.get("sort", "(null)"),
        "summarize": said("summarize" in flags),
        "verbose": 1,
    }
    rule = "-" * 29
    return "\n".join((rule, *(f"{name:<11} = {value}" for name, value in lines.items()), rule, "")) + "\n"


def _dump(call: Call, document: Dump) -> None:
    from shim.commands.sinfo.dump import json_report, yaml_report  # few ask for it

    report = yaml_report if document.yaml else json_report
    call.out(report(call.queue, modern=document.modern))


def _report(call: Call, query: Query) -> None:
    queue, time = call.queue, TimeFormat(call.env)
    if time.error:
        call.error(time.error)
    showing = Showing(time, queue.config.version)
    columns = _columns(query)
    partitions = [p for p in queue.partitions.values() if query.partitions is None or p.name in query.partitions]
    rows = _rows(call, query, columns, partitions)
    sort_rows(rows, query.sort, showing)
    table = _table(call, query, showing, rows)
    if "noheader" not in query.flags:
        _tell_time(call, query)
        call.out(table.header())
    call.out(table.lines(rows))


def _tell_time(call: Call, query: Query) -> None:
    if query.iterate or "long" in query.flags:
        date = plain_date(call.env)
        call.out(date(call.queue.now()) + "\n")


# -- columns -----------------------------------------------------------------------------------------------------------


def _columns(query: Query) -> list[SinfoColumn]:
    """The columns that the format names: they decide which nodes share a row."""
    if "Format" in query.given:
        return [BY_NAME[name] for name in _long_names(query.given["Format"]) if name in BY_NAME]
    if query.format.lower() == "%all":
        return [column for column in COLUMNS if column.letter]
    letters = [part.letter for part in parse_percent_format(query.format) if isinstance(part, Field)]
    return [BY_LETTER[letter] for letter in letters if letter in BY_LETTER]


def _long_names(text: str) -> list[str]:
    if text.lower() == "all":
        return [column.names[0] for column in COLUMNS if column.letter]
    return [column.name.lower() for column in parse_long_format(text)]


def _table(call: Call, query: Query, showing: Showing, rows: list[Row]) -> Table[Row]:
    letters = {letter: column.bound(showing) for letter, column in BY_LETTER.items()}
    long = query.given.get("Format")
    if (query.format if long is None else f"%{long}").lower() == "%all":
        return _all_columns(letters)
    if long is not None:
        names = {name: column.bound(showing) for name, column in BY_NAME.items()}
        return long_table(long, names, lambda name: call.error(f"Invalid job format specification: {name}"))
    return percent_table(
        _fitted(query, rows, letters), letters, lambda letter: call.err(f"Invalid node format specification: {letter}")
    )


def _all_columns(letters: dict[str, Column[Row]]) -> Table[Row]:
    """All of them with bars between; Slurm leaves a blank before each bar of the second half."""
    slots = [Slot(letters[letter], suffix=" |" if letter.isupper() else "|") for letter in ALL_LETTERS]
    return Table([*slots[:-1], Slot(slots[-1].column, suffix=" ")])


def _fitted(query: Query, rows: list[Row], letters: dict[str, Column[Row]]) -> str:
    """sinfo's own formats leave as much room for partitions and nodes as the longest name needs."""
    text = query.format
    if "format" in query.given or text == query.given.get("SINFO_FORMAT"):
        return text
    widths = {letter: max([9, *(len(str(letters[letter].value(row))) for row in rows)]) for letter in ("P", "N")}
    return (
        text.replace("%9P", f"%{widths['P']}P").replace("%.9P", f"%.{widths['P']}P").replace("%9N", f"%{widths['N']}N")
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(call: Call, query: Query, columns: list[SinfoColumn], partitions: list[PartitionConfig]) -> list[Row]:
    views = [NodeView(node) for node in call.queue.nodes]
    shown = [view for view in views if _wanted(query, view)]
    exact = [column.apart_exactly for column in columns if column.apart_exactly] if "exact" in query.flags else []
    names_partition = any(column.heading == "PARTITION" for column in columns)
    grouping = Grouping(
        partition_keys=[column.partition_key for column in columns if column.partition_key],
        node_keys=[*(column.node_key for column in columns if column.node_key), *exact],
        by_node="Node" in query.flags,
        show_empty=names_partition and not query.flags & {"Node", "list-reasons"},
    )
    return grouping.rows(partitions, lambda name: [view for view in shown if name in view.node.partitions])


def _wanted(query: Query, view: NodeView) -> bool:
    if query.nodes is not None and view.name not in query.nodes:
        return False
    if query.states is not None and not query.states(view):
        return False
    if "dead" in query.flags and view.responding:
        return False
    if "responding" in query.flags and not view.responding:
        return False
    return not ("list-reasons" in query.flags and query.states is None and not view.unavailable)
