"""What a call of squeue asks for: its options and SQUEUE_* variables, read and checked (squeue man page)."""

import pwd
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from shim.commands.call import Call, Exit
from shim.commands.display.version import version_line
from shim.commands.help import help_text, usage_text
from shim.commands.idlist import IdError, JobId, parse_job_ids, parse_step_ids
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.job.states import BY_WORD, State
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.squeue import OPTIONS

VALID_STATES = (
    "PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,PREEMPTED,BOOT_FAIL,DEADLINE,"
    "OUT_OF_MEMORY,COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,REQUEUE_HOLD,REVOKED,"
    "SIGNALING,SPECIAL_EXIT,STAGE_OUT,STOPPED"
)
LIST_VARIABLES = {
    "SQUEUE_ACCOUNT": "accounts",
    "SQUEUE_NAMES": "name",
    "SQUEUE_LICENSES": "licenses",
    "SQUEUE_PARTITION": "partitions",
    "SQUEUE_QOS": "qos",
    "SQUEUE_STATES": "states",
    "SQUEUE_USERS": "user",
    "SQUEUE_SORT": "sort",
    "SLURM_CLUSTERS": "cluster",
}
FLAG_VARIABLES = {
    "SQUEUE_ALL": "all",
    "SQUEUE_ARRAY": "array",
    "SQUEUE_ARRAY_UNIQUE": "array-unique",
    "SQUEUE_FEDERATION": "federation",
    "SQUEUE_LOCAL": "local",
    "SQUEUE_PRIORITY": "priority",
    "SQUEUE_SIB": "sib",
    "SQUEUE_SIBLING": "sib",
}


@dataclass(slots=True)
class Query:
    """The settings of one call. A list that is None filters nothing, an empty one lets nothing through."""

    given: dict[str, str] = field(default_factory=dict)  # the lists as they were written, by option
    flags: set[str] = field(default_factory=set)
    verbose: int = 0
    iterate: float = 0  # seconds between two reports, 0: one report
    format: str | None = None
    long_format: str | None = None
    jobs: list[JobId] | None = None
    steps: list[JobId] | None = None
    states: list[State] | None = None  # None: those that are not over
    all_states: bool = False
    users: list[int] | None = None
    nodes: set[str] | None = None

    def words(self, option: str) -> list[str] | None:
        """The words of a comma separated list; None: the list was not given."""
        text = self.given.get(option)
        return None if text is None else [word for word in text.split(",") if word]

    @property
    def sort(self) -> str | None:
        """The --sort list as it was written."""
        return self.given.get("sort")


def parse(call: Call) -> Query:
    """Read variables and arguments. Raises Exit after printing what is wrong, or what was asked for."""
    query = Query()
    _variables(call, query)
    scan = Getopt(OPTIONS, call.argv)
    try:
        for option, value in scan:
            _option(call, query, option.key, value)
    except OptionError as error:
        call.err(usage_error("squeue", error))
        raise Exit(1) from None
    _operands(call, query, scan.operands)
    if query.format is not None and "long" in query.flags:
        call.err(
            "squeue: fatal: Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
        )
        raise Exit(1)
    if query.jobs is not None and query.steps is not None:
        call.error("Incompatible options --jobs and --steps")
        raise Exit(1)
    _defaults(call, query)
    return query


def _variables(call: Call, query: Query) -> None:
    for name, option in FLAG_VARIABLES.items():
        if name in call.env:
            query.flags.add(option)
    for name, option in LIST_VARIABLES.items():
        if name in call.env:
            query.given[option] = call.env[name]


def _option(call: Call, query: Query, key: str, value: str | None) -> None:
    """Take one option in. A list is checked at once, as its complaint comes before those about later options."""
    if key in TEXTS:
        call.out(TEXTS[key](call))
        raise Exit(0)
    if key == "me":
        key, value = "user", str(call.queue.user_id)
    if key == "verbose":
        query.verbose += 1
    elif key == "iterate":
        query.iterate = _seconds(call, value or "")
    elif key == "format":
        _exclusive(call, query.long_format, "-o (--format) is incompatible with -O (--Format)")
        query.format = value
    elif key == "Format":
        _exclusive(call, query.format, "-O (--Format) is incompatible with -o (--format)")
        query.long_format = value
    elif key in {"jobs", "steps"}:
        query.flags.add(key)
        if value is not None:
            query.given[key] = value
    elif value is None:
        query.flags.add(key)
    else:
        query.given[key] = value
    if key in CHECKS and value is not None:
        CHECKS[key](call, query, value)


def _exclusive(call: Call, other: str | None, complaint: str) -> None:
    if other is not None:
        call.error(complaint)
        raise Exit(1)


def _seconds(call: Call, text: str) -> int:
    match = re.match(r"\s*\+?(\d+)", text)
    seconds = int(match[1]) if match else 0
    if not seconds:
        call.error(f"--iterate={text}\n")
        raise Exit(1)
    return seconds


def _operands(call: Call, query: Query, operands: list[str]) -> None:
    """``-j`` and ``-s`` take the first word that is no option, if they came without a list."""
    for key in ("jobs", "steps"):
        if operands and key in query.flags and key not in query.given:
            query.given[key] = operands.pop(0)
            CHECKS[key](call, query, query.given[key])
    if operands:
        call.error(f"Unrecognized option: {operands[0]}")
        call.out(usage_text("squeue"))
        raise Exit(1)


def _defaults(call: Call, query: Query) -> None:
    """What --start brings along, formats from the environment, and lists from it that no option has replaced."""
    if "start" in query.flags and "steps" not in query.flags:
        query.given.setdefault("sort", "S")
        if "states" not in query.given:
            query.given["states"] = "PENDING"
    if query.format is None and query.long_format is None and not query.flags & {"start", "long", "steps"}:
        query.format = call.env.get("SQUEUE_FORMAT")
        if query.format is None:
            query.long_format = call.env.get("SQUEUE_FORMAT2")
    if "states" in query.given and query.states is None and not query.all_states:
        _states(call, query, query.given["states"])
    if "user" in query.given and query.users is None:
        _users(call, query, query.given["user"])


def _jobs(call: Call, query: Query, text: str) -> None:
    try:
        query.jobs = parse_job_ids(text)
    except IdError as error:
        call.error(f"Invalid job id: {error}")
        raise Exit(1) from None


def _steps(call: Call, query: Query, text: str) -> None:
    try:
        query.steps = parse_step_ids(text)
    except IdError as error:
        call.error(f"Invalid job_step id: {error}.??")
        raise Exit(1) from None


def _states(call: Call, query: Query, text: str) -> None:
    query.all_states = text.lower() == "all"
    query.states = []
    for word in [] if query.all_states else filter(None, text.split(",")):
        state = BY_WORD.get(word.upper())
        if state is None:
            call.error(f"Invalid job state specified: {word}")
            call.error(f"Valid job states include: {VALID_STATES}\n")
            raise Exit(1)
        query.states.append(state)


def _users(call: Call, query: Query, text: str) -> None:
    """An unknown user is complained about, and matches nothing."""
    query.users = []
    for word in filter(None, text.split(",")):
        try:
            query.users.append(int(word) if word.isdecimal() else pwd.getpwnam(word).pw_uid)
        except KeyError:
            call.error(f"Invalid user: {word}\n")


def _nodes(call: Call, query: Query, text: str) -> None:
    try:
        names = expand_hostlist(text)
    except GrammarError:
        call.error(f"'{text}' invalid entry for --nodelist")
        raise Exit(1) from None
    known = {node.name: node for node in call.queue.nodes}
    by_host = {node.base.host_name: node.name for node in reversed(call.queue.nodes)}
    query.nodes = set()
    for name in names:
        found = name if name in known else by_host.get(socket.gethostname() if name == "localhost" else name)
        if found is None:
            call.error(f"Invalid node name {name}")
            raise Exit(1)
        query.nodes.add(found)


TEXTS: dict[str, Callable[[Call], str]] = {
    "help": lambda _: help_text("squeue"),
    "usage": lambda _: usage_text("squeue"),
    "version": lambda call: version_line(call.queue.config) + "\n",
}
CHECKS = {"jobs": _jobs, "steps": _steps, "states": _states, "user": _users, "node": _nodes}
