"""One call of sacct: from what is asked for to what is printed."""

from collections.abc import Iterator

from shim.commands.call import Call, Exit
from shim.commands.display.layouts import Dump, dump_wanted
from shim.commands.display.printfields import UnknownField, delimited, in_columns
from shim.commands.display.times import TimeFormat, plain_date
from shim.commands.sacct.fields import columns
from shim.commands.sacct.query import Query, parse
from shim.commands.sacct.rows import Row, Run, Showing
from shim.commands.sacct.selection import means, select

_RULE = "-" * 80


async def run(call: Call) -> int:
    """Run one call of sacct."""
    try:
        query = parse(call)
        if "verbose" in query.flags:
            _tell_window(call, query)
        if document := dump_wanted(call, query.flags, query.given):
            _dump(call, query, document)
        elif "batch-script" in query.flags or "env-vars" in query.flags:
            _texts(call, query)
        else:
            _report(call, query)
    except Exit as end:
        return end.code
    return 0


def _tell_window(call: Call, query: Query) -> None:
    date = plain_date(call.env)
    start, end = date(query.start, none="Epoch 0"), date(query.end)
    call.err(f"sacct: Jobs Eligible in the time window from {start} to {end}")


def _runs(call: Call, query: Query) -> list[Run]:
    """The runs to show: none if other clusters are asked for."""
    clusters = query.words("clusters")
    if clusters and call.queue.config.cluster_name not in clusters and "all" not in clusters:
        return []
    return select(call.queue, query)


def _dump(call: Call, query: Query, document: Dump) -> None:
    from shim.commands.sacct.dump import json_report, yaml_report  # few ask for it

    report = yaml_report if document.yaml else json_report
    call.out(report(call.queue, _runs(call, query), modern=document.modern))


def _texts(call: Call, query: Query) -> None:
    """Print the batch scripts (-B) or the environments (--env-vars) of jobs."""
    for found in _runs(call, query):
        job = found.job
        name = job.display_id
        if "batch-script" in query.flags:
            call.out(f"Batch Script for {name}\n{_RULE}\n")
            call.send(1, call.queue.script(job))
        else:
            call.out(f"Environment used for {name} (must be batch to display)\n{_RULE}\n")
            call.send(1, call.queue.table.content(job.environment_id).replace(b"\0", b"\n"))
        call.out("\n")


def _report(call: Call, query: Query) -> None:
    try:
        shown = columns(query.format)
    except UnknownField as error:
        call.error(f'Invalid field requested: "{error}"')
        raise Exit(1) from None
    time = TimeFormat(call.env)
    if time.error:
        call.error(time.error)
    showing = Showing(
        config=call.queue.config,
        now=call.queue.now(),
        time=time,
        unit=query.given.get("units", ""),
        window=(query.start, query.end) if "truncate" in query.flags else None,
    )
    rows = _rows(_runs(call, query), query, showing)
    header = "noheader" not in query.flags
    if "parsable" in query.flags or "parsable2" in query.flags:
        last = "parsable2" not in query.flags
        call.out(delimited(shown, rows, query.delimiter, header=header, last=last))
    else:
        call.out(in_columns(shown, rows, header=header))


def _rows(runs: list[Run], query: Query, showing: Showing) -> Iterator[Row]:
    """Each job and its steps; of a job whose steps are asked for one by one only those."""
    for found in runs:
        wanted = [item.step_id for item in query.jobs or () if means(item, found.job)]
        whole = not wanted or None in wanted
        if whole:
            yield Row(found.job, showing, steps=found.steps)
        if "allocations" not in query.flags:
            for step in found.steps:
                if whole or step.step_id in wanted:
                    yield Row(found.job, showing, step)
