"""What a call of scancel asks for: its options and SCANCEL_* variables, read and checked (scancel man page)."""

import pwd
from collections.abc import Callable
from dataclasses import dataclass, field

from shim.commands.call import Call, Exit
from shim.commands.display.clusters import reaches
from shim.commands.display.version import version_line
from shim.commands.help import help_text, usage_text
from shim.commands.scancel.ids import BadId, Target, parse_targets
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.signal import signal_number
from shim.job.record import Job
from shim.job.states import BY_WORD, State
from shim.job.user import user_entry
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.scancel import OPTIONS

STATES = {
    State.PENDING: frozenset({State.PENDING}),
    State.RUNNING: frozenset({State.RUNNING, State.CONFIGURING, State.STOPPED}),
    State.SUSPENDED: frozenset({State.SUSPENDED}),
}
VALID_STATES = "Valid job states are PENDING, RUNNING, and SUSPENDED"
TEXT_VARIABLES = {
    "SCANCEL_ACCOUNT": "account",
    "SCANCEL_NAME": "name",
    "SCANCEL_PARTITION": "partition",
    "SCANCEL_QOS": "qos",
    "SCANCEL_WCKEY": "wckey",
}
FLAG_VARIABLES = {
    "SCANCEL_BATCH": "batch",
    "SCANCEL_FULL": "full",
    "SCANCEL_INTERACTIVE": "interactive",
    "SCANCEL_VERBOSE": "verbose",
}
FILTERS = {
    "account": "account",
    "name": "job_name",
    "nodelist": "nodelist",
    "partition": "partition",
    "qos": "qos",
    "reservation": "reservation",
    "state": "state",
    "user": "user_name",
    "wckey": "wckey",
}
"""The options that choose jobs, and how they are named where no job matches them all."""


@dataclass(slots=True)
class Query:
    """The settings of one call."""

    filters: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    verbose: int = 0
    signal: int | None = None  # None: the job is to be terminated
    user_id: int | None = None
    states: frozenset[State] | None = None
    targets: list[Target] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """True for a call that just names jobs to be terminated: it is silent about those that are over."""
        steps = any(target.step is not None for target in self.targets)
        return not (self.filters or steps or self.signal is not None or {"batch", "interactive"} & self.flags)

    def described(self) -> str:
        """The filters, for a complaint that no job matches."""
        words = (f"{word}={self.filters[name]} " for name, word in FILTERS.items() if name in self.filters)
        return "".join(words)

    def matches(self, job: Job) -> bool:
        """True if the job passes all filters."""
        return all(TESTS[name](self, job) for name in self.filters)


def _nodes_match(query: Query, job: Job) -> bool:
    wanted = expand_hostlist(query.filters["nodelist"])
    return not set(wanted).isdisjoint(expand_hostlist(job.node_list)) if job.node_list else False


TESTS: dict[str, Callable[[Query, Job], bool]] = {
    "account": lambda query, job: job.request.account.lower() == query.filters["account"].lower(),
    "name": lambda query, job: job.request.job_name == query.filters["name"],
    "nodelist": _nodes_match,
    "partition": lambda query, job: job.partition == query.filters["partition"],
    "qos": lambda query, job: (job.request.qos or "normal") == query.filters["qos"],
    "reservation": lambda query, job: job.request.reservation == query.filters["reservation"],
    "state": lambda query, job: query.states is not None and job.state in query.states,
    "user": lambda query, job: job.user_id == query.user_id,
    "wckey": lambda query, job: job.request.wckey == query.filters["wckey"],
}


def parse(call: Call) -> Query:
    """Read variables and arguments. Raises Exit after printing what is wrong, or what was asked for."""
    query = Query()
    _variables(call, query)
    scan = Getopt(OPTIONS, call.argv)
    try:
        for option, value in scan:
            _option(call, query, option.key, value or "")
    except OptionError as error:
        call.err(usage_error("scancel", error))
        raise Exit(1) from None
    for word in scan.operands:
        try:
            query.targets += parse_targets(word)
        except BadId as error:
            if error.range is not None:
                call.error(f"_parse_single_range: Invalid range: `{error.range}'")
            call.error(f"Invalid job id {error}")
            raise Exit(1) from None
    if not query.targets and not query.filters:
        call.error("No job identification provided")
        raise Exit(1)
    return query


def _variables(call: Call, query: Query) -> None:
    for name, option in TEXT_VARIABLES.items():
        if name in call.env:
            query.filters[option] = call.env[name]
    for name, option in FLAG_VARIABLES.items():
        word = call.env.get(name, "f").lower()
        if word in ("t", "true"):
            query.verbose += option == "verbose"
            query.flags.add(option)
        elif word not in ("f", "false"):
            call.error(f"Unrecognized {name} value: {call.env[name]}")
    if call.env.get("SLURM_CLUSTERS"):
        _cluster(call, call.env["SLURM_CLUSTERS"])
    if "SCANCEL_STATE" in call.env:
        _state(call, query, call.env["SCANCEL_STATE"], "Unrecognized SCANCEL_STATE value")
    if "SCANCEL_USER" in call.env:
        _user(call, query, call.env["SCANCEL_USER"])


def _option(call: Call, query: Query, key: str, value: str) -> None:
    """Take one option in."""
    if key in ("help", "usage"):
        call.out(help_text("scancel") if key == "help" else usage_text("scancel"))
        raise Exit(0)
    if key == "version":
        call.out(version_line(call.queue.config) + "\n")
        raise Exit(0)
    if key == "verbose":
        query.verbose += 1
    elif key == "me":
        query.filters["user"] = user_entry(call.queue.user_id).pw_name
        query.user_id = call.queue.user_id
    elif key == "signal":
        _signal(call, query, value)
    elif key == "state":
        _state(call, query, value, "Invalid job state specified")
    elif key == "user":
        _user(call, query, value)
    elif key == "cluster":
        _cluster(call, value)
    elif key == "nodelist":
        query.filters["nodelist"] = _nodes(call, value)
    elif key in FILTERS:
        query.filters[key] = value
    else:
        query.flags.add(key)


def _signal(call: Call, query: Query, text: str) -> None:
    try:
        query.signal = signal_number(text)
    except GrammarError:
        call.err(f"Unknown job signal: {text}")
        raise Exit(1) from None


def _state(call: Call, query: Query, text: str, complaint: str) -> None:
    state = BY_WORD.get(text.upper())
    if state not in STATES:
        call.err(f"{complaint}: {text}")
        call.err(VALID_STATES)
        raise Exit(1)
    query.filters["state"] = state.word
    query.states = STATES[state]


def _user(call: Call, query: Query, text: str) -> None:
    try:
        query.user_id = int(text) if text.isdecimal() else pwd.getpwnam(text).pw_uid
    except KeyError:
        call.error(f"Invalid user name: {text}")
        raise Exit(1) from None
    query.filters["user"] = text


def _cluster(call: Call, text: str) -> None:
    """There is one cluster: any other is unknown."""
    if not reaches(call, text):
        raise Exit(1)


def _nodes(call: Call, text: str) -> str:
    """A host list, or with a slash a file of hosts, one a line."""
    hosts = text
    if "/" in text:
        try:
            with open(call.path(text), encoding="utf-8", errors="surrogateescape") as file:
                hosts = ",".join(file.read().split())
        except OSError as error:
            call.error(f"Unable to read {text}: {error.strerror}")
            raise Exit(1) from None
    try:
        expand_hostlist(hosts)
    except GrammarError:
        call.error(f"Invalid node list: {text}")
        raise Exit(1) from None
    return hosts
