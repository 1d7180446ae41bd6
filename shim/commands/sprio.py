"""sprio: what the priority of waiting jobs is made of (sprio man page).

Here it is the same for all, less what --nice takes off: jobs are started in the order of their submission.
"""

import pwd
from collections.abc import Callable
from dataclasses import dataclass

from shim.commands.arguments import Arguments, read_arguments
from shim.commands.call import Call, Exit
from shim.commands.display.clusters import own_cluster
from shim.commands.display.formats import percent_table
from shim.commands.display.table import Column
from shim.commands.help import usage_text
from shim.controller.modify import BASE_PRIORITY
from shim.grammar.formats import Field, parse_percent_format
from shim.job.record import Job
from shim.options.accounting import SPRIO

_UNIT = 0xFFFFFFFF
_PLAIN = "%.15i %9r %.10Y %.10S %.10A %.10P"
_OF_USERS = "%.15i %9r %.8u %.10Y %.10S %.10A %.10P"
_LONG = "%.15i %9r %.8u %.10Y %.10S %.10A %.10B %.10F %.10J %.10P %.10Q %.11N %.20T"
_NORM = "%.15i %9r %10y %10a %10p"
_NORM_LONG = "%.15i %9r %.8u %10y %10a %10b %10f %10j %10p %10q %20t"


@dataclass(frozen=True)
class Row:
    """A waiting job in one of the partitions it may run in; the row of weights has no job."""

    job: Job | None
    partition: str = ""


def _zero(_: Row) -> str:
    return "0"


def _norm_zero(_: Row) -> str:
    return "0.0000000"


def _of_job(get: Callable[[Job], object], weight: object = "") -> Callable[[Row], object]:
    return lambda row: get(row.job) if row.job else weight


_COLUMNS: dict[str, Column[Row]] = {
    "i": Column("JOBID", _of_job(lambda job: job.job_id, "Weights")),
    "r": Column("PARTITION", lambda row: row.partition),
    "u": Column("USER", _of_job(lambda job: job.user_name)),
    "o": Column("ACCOUNT", _of_job(lambda job: job.request.account)),
    "Y": Column("PRIORITY", _of_job(lambda job: job.priority)),
    "S": Column("SITE", _of_job(lambda _: 0, 1)),
    "A": Column("AGE", _of_job(lambda _: 0, 0)),
    "B": Column("ASSOC", _zero),
    "F": Column("FAIRSHARE", _zero),
    "J": Column("JOBSIZE", _zero),
    "P": Column("PARTITION", lambda _: BASE_PRIORITY),
    "Q": Column("QOS", _zero),
    "N": Column("NICE", _of_job(lambda job: job.request.nice)),
    "T": Column("TRES", lambda _: ""),
    "y": Column("PRIORITY", _of_job(lambda job: f"{job.priority / _UNIT:.14f}")),
    "a": Column("AGE", _norm_zero),
    "b": Column("ASSOC", _norm_zero),
    "f": Column("FAIRSHARE", _norm_zero),
    "j": Column("JOBSIZE", _norm_zero),
    "p": Column("PARTITION", lambda _: "1.0000000"),
    "q": Column("QOS", _norm_zero),
    "t": Column("TRES", lambda _: ""),
    "c": Column("CLUSTER", lambda _: "N/A"),
}


async def run(call: Call) -> int:
    """Run one call of sprio."""
    try:
        arguments = read_arguments(call, SPRIO)
        if arguments.operands:
            call.error(f"Unrecognized option: {arguments.operands[0]}")
            call.out(usage_text("sprio"))
            return 1
        clusters = arguments.given.get("clusters", call.env.get("SLURM_CLUSTERS", ""))
        if clusters and not own_cluster(call, clusters, "noheader" in arguments.flags):
            return 1
        _report(call, arguments)
    except Exit as end:
        return end.code
    return 0


def _report(call: Call, arguments: Arguments) -> None:
    rows = _rows(call, arguments)
    if not rows and "jobs" in arguments.given:
        call.out("Unable to find jobs matching user/id(s) specified\n")
        return
    text = _format(arguments)
    for term in reversed(arguments.given.get("sort", "i").split(",")):
        _sort(rows, term)
    if "weights" in arguments.flags:
        rows = [Row(None)]
    table = percent_table(_known(call, text), _COLUMNS, lambda _: None)
    if "noheader" not in arguments.flags:
        call.out(table.header())
    call.out(table.lines(rows))


def _known(call: Call, text: str) -> str:
    """The format without letters that are no column; they take along the text up to the next column."""
    kept, keeps = "", True
    for part in parse_percent_format(text):
        if isinstance(part, Field):
            keeps = part.letter in _COLUMNS
            if not keeps:
                call.error(f"Invalid job format specification: {part.letter}")
        if keeps:
            kept += part.written if isinstance(part, Field) else part.text.replace("%", "%%")
    return kept


def _format(arguments: Arguments) -> str:
    text = arguments.given.get("format")
    if text is not None:
        return text
    long = "long" in arguments.flags
    if "norm" in arguments.flags:
        return _NORM_LONG if long else _NORM
    if long:
        return _LONG
    return _OF_USERS if "user" in arguments.given else _PLAIN


def _sort(rows: list[Row], term: str) -> None:
    column = _COLUMNS.get(term.lstrip("+-"))
    if column:
        rows.sort(key=lambda row: _natural(column.value(row)), reverse=term.startswith("-"))


def _natural(value: object) -> tuple[int, float, str]:
    text = str(value)
    return (0, float(text), "") if text.replace(".", "", 1).isdecimal() else (1, 0.0, text)


def _rows(call: Call, arguments: Arguments) -> list[Row]:
    """Jobs that wait for their turn: those that are held or may not start yet have no priority to be looked into."""
    ids = arguments.words("jobs")
    users = _users(call, arguments)
    partitions = arguments.words("partition")
    if ids is not None:
        for word in ids:
            if not word.isdecimal():
                call.error(f"Invalid job id: {word}")
                raise Exit(1)
    numbers = None if ids is None else set(map(int, ids))
    now = call.queue.now()
    return [
        Row(job, name)
        for job in sorted(call.queue.jobs.values(), key=lambda job: job.job_id)
        if job.pending and not job.held and 0 < job.eligible_time <= now
        if numbers is None or job.job_id in numbers or job.array_job_id in numbers
        if users is None or job.user_id in users
        for name in job.partition.split(",")
        if partitions is None or name in partitions
    ]


def _users(call: Call, arguments: Arguments) -> set[int] | None:
    words = arguments.words("user")
    if words is None:
        return None
    users = set()
    for word in words:
        try:
            users.add(int(word) if word.isdecimal() else pwd.getpwnam(word).pw_uid)
        except KeyError:
            call.error(f"Invalid user: {word}\n")
    return users
