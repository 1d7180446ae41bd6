"""What a call of sacct asks for: its options and variables, read and checked (sacct man page)."""

import grp
import re
from dataclasses import dataclass, field

from shim.commands.call import Call, Exit
from shim.commands.display.version import version_line
from shim.commands.help import help_text, usage_text
from shim.commands.sacct.fields import BRIEF, DEFAULT, LONG, help_format
from shim.commands.sacct.rows import JOB_FLAGS, NOT_ACCOUNTED
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.timelimit import parse_time_limit
from shim.grammar.when import WhenError, parse_when
from shim.job.record import NO_TASK
from shim.job.states import BY_WORD, Reason, State
from shim.job.user import known_user_id
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.sacct import OPTIONS

_UNITS = "KMGTP"
_LISTS = {
    "accounts", "associations", "clusters", "flags", "group", "jobs", "name", "nodelist", "partition", "qos", "reason",
    "state", "user", "wckeys",
}  # fmt: skip
"""Options that add to what was given before when they are repeated."""
_JOB_ID = re.compile(r"(?P<job>\d+)(?:_(?P<task>\d+)|\+(?P<offset>\d+))?(?:\.(?P<step>\w+))?")

_NAMED_STEPS = {"batch", "extern", "interactive"}
_REASONS = {str(reason).lower() for reason in Reason}


@dataclass(frozen=True)
class Wanted:
    """One item of -j: a job, an array task, a part of a heterogeneous job, or one step of it."""

    job_id: int
    task_id: int | None = None
    offset: int | None = None
    step_id: str | None = None
    alone: bool = False  # of a heterogeneous job only the first component


@dataclass
class Query:
    """The settings of one call. A filter that is None filters nothing."""

    flags: set[str] = field(default_factory=set)
    given: dict[str, str] = field(default_factory=dict)
    formats: list[str] = field(default_factory=list)
    start: float = 0
    end: float = 0
    jobs: list[Wanted] | None = None
    states: frozenset[State] | None = None
    users: frozenset[int] | None = None
    groups: frozenset[int] | None = None
    nodes: frozenset[str] | None = None
    node_count: tuple[int, int] | None = None
    cpu_count: tuple[int, int] | None = None
    time_limits: tuple[int, int] | None = None

    def words(self, option: str) -> frozenset[str] | None:
        """The words of a comma separated list; None: it was not given."""
        text = self.given.get(option)
        return None if text is None else frozenset(word for word in text.split(",") if word)

    def names(self, option: str) -> frozenset[str] | None:
        """The same, of words that count in any case, in lower case."""
        words = self.words(option)
        return None if words is None else frozenset(map(str.lower, words))

    @property
    def whole(self) -> bool | None:
        """Whether all of a heterogeneous job is meant by a part of it; None: as it is written (--whole-hetjob)."""
        if "whole-hetjob" in self.flags:
            return True
        return {"yes": True, "no": False}.get(self.given.get("whole-hetjob", "").lower())

    @property
    def format(self) -> str:
        """The fields to show."""
        return ",".join(self.formats) if self.formats else DEFAULT

    @property
    def delimiter(self) -> str:
        """What stands between fields of parsable output."""
        return self.given.get("delimiter", "|")


def parse(call: Call) -> Query:
    """Read variables and arguments. Raises Exit after printing what is wrong, or what was asked for."""
    query = Query()
    scan = Getopt(OPTIONS, call.argv)
    try:
        for option, value in scan:
            _option(call, query, option.key, value)
    except OptionError as error:
        call.err(usage_error(call.command, error).partition("\n")[0])  # sacct gives no hint
        raise Exit(1) from None
    if scan.operands:
        call.error("Unknown arguments:")
        for operand in scan.operands:
            call.error(f" {operand}")
        raise Exit(1)
    if not query.formats and "SACCT_FORMAT" in call.env:
        query.formats.append(call.env["SACCT_FORMAT"])
    _check(call, query)
    return query


def _option(call: Call, query: Query, key: str, value: str | None) -> None:
    printed = {
        "help": lambda: help_text("sacct"),
        "usage": lambda: usage_text("sacct"),
        "version": lambda: version_line(call.queue.config) + "\n",
        "helpformat": help_format,
    }
    if key in printed:
        call.out(printed[key]())
        raise Exit(0)
    if key == "completion":
        call.err("Slurm job completion is disabled")
        raise Exit(1)
    if key == "file":
        call.err(f"{value} is not a valid file")
        raise Exit(1)
    if key == "brief":
        query.formats.append(BRIEF)
    elif key == "long":
        query.formats.append(LONG)
    elif key == "format":
        query.formats.append(value or "")
    elif value is None:
        query.flags.add(key)
    else:
        earlier = query.given.get(key)
        query.given[key] = f"{earlier},{value}" if earlier and key in _LISTS else value


def _check(call: Call, query: Query) -> None:
    """Turn texts into values."""
    if unit := query.given.get("units"):
        if unit.upper() not in _UNITS:
            call.error(f"Invalid unit type '{unit}'. Possible options are '{_UNITS}'")
            raise _fatal(call, "Invalid unit type")
        query.given["units"] = unit.upper()
    if (whole := query.given.get("whole-hetjob", "yes")).lower() not in {"yes", "no"}:
        call.error(f'Invalid --whole-hetjob value "{whole}". Valid values: [yes|no].')
        raise Exit(1)
    if query.given.get("jobs"):
        query.jobs = [_job(call, query, word) for word in _split(query.given["jobs"])] or None
    if query.given.get("state"):
        query.states = frozenset(_state(call, word) for word in query.given["state"].split(",") if word)
    _check_words(call, query)
    query.users = _users(call, query)
    if "group" in query.given:
        query.groups = frozenset(_group(call, word) for word in query.given["group"].split(","))
    _check_sizes(call, query)
    _check_window(call, query)
    wanted = "scripts" if "batch-script" in query.flags else "environment" if "env-vars" in query.flags else ""
    if wanted and query.jobs is None:
        raise _fatal(call, f"When requesting job {wanted} you must also request specific jobs with the '-j' option.")


def _fatal(call: Call, text: str) -> Exit:
    call.err(f"{call.command}: fatal: {text}")
    return Exit(1)


def _split(text: str) -> list[str]:
    """Items of -j, at commas outside brackets."""
    return [word.strip() for word in re.split(r",(?![^[]*\])", text) if word.strip()]


def _job(call: Call, query: Query, word: str) -> Wanted:
    match = _JOB_ID.match(word)
    if not match or not int(match["job"]):
        raise _fatal(call, f"Bad job/step specified: {word}")
    rest = word[match.end() :]
    if rest.startswith("_"):
        raise _fatal(call, f"Bad job array element specified: {match['job']}")
    if rest.startswith("+"):
        raise _fatal(call, f"Bad hetjob offset specified: {match['job']}")
    step = match["step"]
    if rest.startswith(".") or (step and not step.isdecimal() and step not in _NAMED_STEPS):
        raise _fatal(call, f"Bad step specified: {match['job']}")
    if rest[:1].isalpha():
        raise _fatal(call, f"Bad job/step specified: {word}")
    task, offset = match["task"], None if query.whole else match["offset"]
    alone = query.whole is False
    job_id = min(int(match["job"]), NO_TASK)  # ids have 32 bits
    return Wanted(job_id, int(task) if task else None, int(offset) if offset else None, step, alone)


def _state(call: Call, word: str) -> State:
    state = BY_WORD.get(word.upper())
    if state is None:
        raise _fatal(call, f"unrecognized job state value '{word}'")
    if state in NOT_ACCOUNTED:
        raise _fatal(call, f"job state {word} is not supported / accounted")
    return state


def _check_words(call: Call, query: Query) -> None:
    """Words that name one of a few things, in any case."""
    for word in query.given.get("flags", "").split(","):
        if word and word.lower() not in JOB_FLAGS:
            call.error(f"str_2_job_flags: Invalid job flag {word}")
            raise Exit(1)
    for word in query.given.get("reason", "").split(","):
        if word and word.lower() not in _REASONS:
            raise _fatal(call, f"unrecognized job reason value '{word}'")


def _users(call: Call, query: Query) -> frozenset[int] | None:
    """Whose jobs: those of -u, everybody's with -a, -j or for root, else the caller's own."""
    if "user" in query.given:
        return frozenset(_user(call, word) for word in query.given["user"].split(",") if word)
    if "allusers" in query.flags or query.jobs is not None or call.queue.user_id == 0:
        return None
    return frozenset({call.queue.user_id})


def _user(call: Call, word: str) -> int:
    try:
        return known_user_id(word)
    except KeyError:
        call.error(f"Invalid user id: {word}")
        raise Exit(1) from None


def _group(call: Call, word: str) -> int:
    try:
        return int(word) if word.isdecimal() else grp.getgrnam(word).gr_gid
    except KeyError:
        call.error(f"Invalid group id: {word}")
        raise Exit(1) from None


def _check_sizes(call: Call, query: Query) -> None:
    query.node_count = _range(call, query.given.get("nnodes"), "node")
    query.cpu_count = _range(call, query.given.get("ncpus"), "cpu")
    if "nodelist" in query.given:
        try:
            query.nodes = frozenset(expand_hostlist(query.given["nodelist"]))
        except GrammarError:
            raise _fatal(call, f"Invalid node list: {query.given['nodelist']}") from None
    if "timelimit-min" in query.given:
        try:
            least = parse_time_limit(query.given["timelimit-min"])
            most = parse_time_limit(query.given["timelimit-max"]) if "timelimit-max" in query.given else least
        except GrammarError:
            raise _fatal(call, "Invalid time limit specification") from None
        query.time_limits = (least, most)


def _range(call: Call, text: str | None, what: str) -> tuple[int, int] | None:
    """The bounds of ``2`` or ``2-4``; None: there are none, as with 0."""
    if not text or text == "0":
        return None
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if not match:
        call.error(f'Invalid numeric value "{text}" for requested {what} range.')
        raise Exit(1)
    return int(match[1]), int(match[2] or match[1])


def _check_window(call: Call, query: Query) -> None:
    """The time that is looked at (sacct man page, DEFAULT TIME WINDOW)."""
    now = call.queue.now()
    end, start = query.given.get("endtime"), query.given.get("starttime")
    query.end = _moment(call, end, now) if end else now
    if start:
        query.start = _moment(call, start, now)
    elif query.jobs is not None:
        query.start = 0
    else:
        query.start = now if query.states is not None else _moment(call, "today", now)
    if query.states is not None and start and not end:
        query.end = query.start  # the states of that moment
    if query.start > query.end:
        from shim.commands.display.times import TimeFormat

        time = TimeFormat(call.env)
        call.error(f"Start time ({time(query.start)}) requested is after end time ({time(query.end)}).")
        raise Exit(1)


def _moment(call: Call, text: str, now: float) -> int:
    try:
        return parse_when(text, now, past=True)
    except WhenError as error:
        if error.explanation:
            call.err(error.explanation)
        raise Exit(1) from None
