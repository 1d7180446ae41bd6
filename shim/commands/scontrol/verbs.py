"""The commands of scontrol: one declaration for each (scontrol man page, COMMANDS)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shim.commands.help import help_text
from shim.commands.scontrol import control, jobs, partitions, processes, show, update, write
from shim.commands.scontrol.session import Session

Action = Callable[[Session, list[str]], Awaitable[None] | None]

_TOO_FEW = "too few arguments for keyword:{}"
_TOO_MANY = "too many arguments for keyword:{}"
_ONE = "one arguments required for keyword:{}"


@dataclass(frozen=True)
class Verb:
    """One command: its word, of which ``least`` letters are enough, how many arguments it takes, what it does."""

    word: str
    least: int
    action: Action
    fewest: int = 0
    most: int | None = None
    too_few: str = _TOO_FEW
    too_many: str = _TOO_MANY
    goes_on: bool = False  # complains of too many arguments, and acts all the same


def _switch(name: str, value: bool = True) -> Action:
    return lambda session, _arguments: setattr(session, name, value)


def _help(session: Session, _arguments: list[str]) -> None:
    session.out(help_text("scontrol"))


VERBS = (
    Verb("abort", 5, control.shutdown, most=1),
    Verb("all", 2, _switch("all"), most=0),
    Verb("cancel_reboot", 3, control.refuse, 1, 1, too_few="missing argument for keyword:{}"),
    Verb("completing", 2, show.show_completing, most=0),
    Verb("cluster", 2, control.cluster, most=1),
    Verb("create", 2, partitions.create, 1, too_few="too few arguments for {} keyword"),
    Verb("details", 1, _switch("details"), most=0),
    Verb(
        "delete",
        2,
        partitions.delete,
        1,
        2,
        too_few="too few arguments for {} keyword",
        too_many="too many arguments for {} keyword",
    ),
    Verb("errnumstr", 2, control.error_text, 1, 1, too_few=_ONE, too_many=_ONE),
    Verb("exit", 2, _switch("over"), most=0),
    Verb("fsdampeningfactor", 3, control.refuse, 1, 1),
    Verb("help", 2, _help, most=0, goes_on=True),
    Verb("hide", 2, _switch("all", False), most=0),
    Verb("hold", 4, jobs.hold, 1),
    Verb("holdu", 5, jobs.user_hold, 1),
    Verb("listpids", 1, processes.list_pids, most=2),
    Verb("notify", 1, jobs.notify, 2),
    Verb("oneliner", 1, _switch("oneliner"), most=0),
    Verb("pidinfo", 3, processes.pid_info, 1, 1, too_few="missing argument for keyword:{}"),
    Verb("ping", 3, control.ping, most=0),
    Verb("quiet", 4, _switch("quiet"), most=0),
    Verb("quit", 4, _switch("over"), most=0),
    Verb("reboot", 3, control.refuse),
    Verb("reconfigure", 3, control.reconfigure, most=0),
    Verb("release", 3, jobs.release, 1),
    Verb("requeue", 3, jobs.requeue, 1),
    Verb("requeuehold", 9, jobs.requeue_hold, 1),
    Verb("resume", 3, jobs.resume, 1),
    Verb("schedloglevel", 3, control.refuse, 1, 1),
    Verb("setdebug", 2, control.refuse, 1, 2),
    Verb("setdebugflags", 9, control.refuse, 1),
    Verb("show", 3, show.show, 1, 2),
    Verb("shutdown", 8, control.shutdown, most=1),
    Verb("suspend", 2, jobs.suspend, 1),
    Verb("takeover", 8, control.refuse, most=1),
    Verb("token", 3, control.refuse),
    Verb("top", 3, jobs.top, 1, 1),
    Verb("uhold", 3, jobs.user_hold, 1),
    Verb("update", 1, update.update, 1, too_few="too few arguments for {} keyword"),
    Verb("verbose", 4, _switch("verbose"), most=0),
    Verb("version", 4, control.version, most=0, too_many="too many arguments for {} keyword", goes_on=True),
    Verb("wait_job", 2, jobs.wait_job, 1, 1),
    Verb("write", 5, write.write, 1, 3),
)
"""In the order in which abbreviations are looked up: the first that fits is meant."""


def find_verb(word: str) -> Verb | None:
    """The command that ``word`` names or abbreviates, in any case of letters."""
    wanted = word.lower()
    return next((v for v in VERBS if v.word.startswith(wanted) and (len(wanted) >= v.least)), None)
