"""squeue: the queue as a table (squeue man page)."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice

from shim.commands.call import Call, Exit
from shim.commands.display.clusters import own_cluster
from shim.commands.display.layouts import Dump, dump_wanted
from shim.commands.display.table import Table
from shim.commands.display.times import plain_date
from shim.commands.forecasts import Forecasts
from shim.commands.jobfields import list_limit
from shim.commands.squeue.dump import dump
from shim.commands.squeue.format import job_table, step_table
from shim.commands.squeue.order import DEFAULT_SORT, Order, SortError, sort_terms
from shim.commands.squeue.query import Query, parse
from shim.commands.squeue.rows import Row, by_partition, combined, in_table_order, tasks_of
from shim.commands.squeue.select import UnknownJobError, select
from shim.commands.squeue.steps import DEFAULT_SORT as DEFAULT_STEP_SORT
from shim.commands.squeue.steps import StepColumns, select_steps, sort_steps
from shim.commands.squeue.values import JobValues
from shim.job.errors import Errno

AT_ONCE = 5_000
"""Lines that are made without a pause for others."""

JOBS_AT_ONCE = 200
"""Jobs that are dumped without a pause for others."""


async def run(call: Call) -> int:
    """Run one call of squeue."""
    try:
        query = parse(call)
        if query.verbose:
            call.out(dump(query))
        if document := dump_wanted(call, query.flags, query.given):
            await _dump_all(call, query, document)
            return 0
        if "cluster" in query.given and not own_cluster(call, query.given["cluster"], "noheader" in query.flags):
            return 1
        await _report(call, query)
        while query.iterate:
            call.out("\n")
            if not await call.still_there(query.iterate):
                break
            await _report(call, query)
    except Exit as end:
        return end.code
    return 0


async def _dump_all(call: Call, query: Query, document: Dump) -> None:
    from shim.commands.squeue.json import json_report, yaml_report  # few ask for it

    report = yaml_report if document.yaml else json_report
    jobs = [row.job for row in _selected(call, query)] if document.modern else in_table_order(call.queue.jobs.values())
    parts = report(call.queue, jobs, modern=document.modern)
    while (some := "".join(islice(parts, JOBS_AT_ONCE))) and not call.closed():
        call.out(some)
        await _pause(call)


async def _report(call: Call, query: Query) -> None:
    """Print one table. Raises Exit where there is none."""
    now = call.queue.now()
    if "noheader" not in query.flags and (query.iterate or query.verbose or "long" in query.flags):
        date = plain_date(call.env)
        call.out(date(now) + "\n")
    if "steps" in query.flags:
        _report_steps(call, query, now)
    else:
        await _report_jobs(call, query, now)


async def _report_jobs(call: Call, query: Query, now: float) -> None:
    queue = call.queue
    rows = _selected(call, query)
    if query.verbose:
        call.out(f"last_update_time={0 if query.jobs else int(now)} records={len(rows)}\n")
    forecasts = Forecasts(queue)
    values = JobValues(queue, now, call.env, forecasts, convert="noconvert" not in query.flags)
    table = job_table(query, values, lambda what: call.error(f"Invalid job format specification: {what}"))
    if "noheader" not in query.flags:
        call.out(table.header())
    rows = _arranged(call, query, rows, now, forecasts)
    if "array" not in query.flags:
        await _print(call, table, iter(rows))
        return
    for is_rest, group in groupby(rows, key=lambda row: row.tasks is not None):
        if not is_rest:
            await _print(call, table, group)
            continue
        for row in group:
            tasks = tasks_of(row)
            await _print(call, table.for_tasks(replace(row, tasks=None)), tasks)


def _selected(call: Call, query: Query) -> list[Row]:
    """The rows that pass all filters. Raises Exit where the one job asked for is not there."""
    try:
        return select(call.queue, query)
    except UnknownJobError:
        call.err(f"slurm_load_jobs error: {Errno.INVALID_JOB_ID.text}")
        raise Exit(1) from None


async def _print(call: Call, table: Table[Row], rows: Iterator[Row]) -> None:
    while (some := list(islice(rows, AT_ONCE))) and not call.closed():
        call.out(table.lines(some))
        if len(some) == AT_ONCE:
            await _pause(call)


async def _pause(call: Call) -> None:
    """Let others have their turn, and the client read what there is: a million lines take a while."""
    await asyncio.sleep(0)
    if call.drain is not None:
        await call.drain()


def _arranged(call: Call, query: Query, rows: list[Row], now: float, forecasts: Forecasts) -> list[Row]:
    """The rows in order, by partition, with arrays folded."""
    queue = call.queue
    tiers = None
    if "priority" in query.flags:
        wanted = query.words("partitions")
        rows = by_partition(rows, lambda name: wanted is None or name in wanted)
        tiers = {name: partition.priority_tier for name, partition in queue.partitions.items()}
    if "array" not in query.flags and "array-unique" not in query.flags:
        rows = combined(rows, list_limit(call.env))
    order = Order(queue, now, forecasts, tiers)
    terms = sort_terms(DEFAULT_SORT if query.sort is None else query.sort)
    try:
        for letter in order.check(terms):
            call.err(f"squeue: Invalid sort specification: {letter}")
    except SortError as error:
        call.error(f"Invalid sort specification: {error}")
        raise Exit(1) from None
    return order.sort(rows, terms)


def _report_steps(call: Call, query: Query, now: float) -> None:
    rows = select_steps(call.queue, query)
    if query.verbose:
        call.out(f"last_update_time={int(now)} records={len(rows)}\n")
    columns = StepColumns(call.queue.config.cluster_name, now, call.env)
    table = step_table(query, columns, lambda what: call.error(f"Invalid job step format specification: {what}"))
    if "noheader" not in query.flags:
        call.out(table.header())
    sort_steps(rows, sort_terms(DEFAULT_STEP_SORT if query.sort is None else query.sort), now)
    call.out(table.lines(rows))
