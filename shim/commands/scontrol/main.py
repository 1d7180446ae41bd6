"""The words scontrol understands, one command at a time or at its prompt (scontrol man page, COMMANDS)."""

import pwd
import shlex

from shim.commands.call import Call, Exit
from shim.commands.display.clusters import own_cluster
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.verbs import find_verb
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.scontrol import OPTIONS

PROMPT = "scontrol: "


async def run(call: Call) -> int:
    """Run one call of scontrol."""
    session = Session(call)
    scan = Getopt(OPTIONS, call.argv)
    try:
        if (clusters := call.env.get("SLURM_CLUSTERS")) and not own_cluster(call, clusters, no_header=True):
            return 1
        for option, value in scan:
            if option.key in ("help", "usage", "version"):
                await perform(session, ["help" if option.key == "usage" else option.key])
                return session.exit_code
            _switch(session, option.key, value or "")
    except OptionError as error:
        call.err(usage_error(call.command, error))
        return 1
    except Exit as end:
        return end.code
    if scan.operands:
        await perform(session, scan.operands)
    else:
        await _converse(session)
    return session.exit_code


def _switch(session: Session, key: str, value: str) -> None:
    """Take one option in. Raises Exit for another cluster and for an unknown user."""
    switches = {"oneliner": "oneliner", "details": "details", "all": "all", "quiet": "quiet"}
    switches |= {"verbose": "verbose", "yaml": "yaml"}
    if key in switches:
        setattr(session, switches[key], True)
    elif key == "hide":
        session.all = False
    elif key == "uid":
        session.acting_as = _user_id(session, value)
    elif key == "clusters" and not own_cluster(session.call, value, no_header=True):
        raise Exit(1)


def _user_id(session: Session, text: str) -> int:
    try:
        return int(text) if text.isdecimal() else pwd.getpwnam(text).pw_uid
    except KeyError:
        session.call.error(f'--uid="{text}" invalid')
        raise Exit(0) from None


async def perform(session: Session, words: list[str]) -> None:
    """Run one command: a word and its arguments."""
    word, *arguments = words
    verb = find_verb(word)
    if verb is None:
        session.fail(f"invalid keyword: {word}")
    elif len(arguments) < verb.fewest:
        session.fail(verb.too_few.format(word))
    else:
        if verb.most is not None and len(arguments) > verb.most:
            session.fail(verb.too_many.format(word))
            if not verb.goes_on:
                return
        answer = verb.action(session, arguments)
        if answer is not None:
            await answer


async def _converse(session: Session) -> None:
    """Prompt for commands until the end of input, ``exit`` or ``quit``; ``!!`` repeats the last one."""
    terminal = session.call.stdin_tty
    last: list[str] = []
    if terminal:
        session.out(PROMPT)
    async for line in session.call.lines():
        if not terminal:
            session.out(f"{PROMPT}{line}\n")  # as readline echoes what does not come from a terminal
        await _perform_line(session, line, last)
        if session.over:
            return
        if terminal:
            session.out(PROMPT)
    session.out("\n" if terminal else PROMPT + "\n")


async def _perform_line(session: Session, line: str, last: list[str]) -> None:
    """Run what was typed; ``last`` is what was typed before."""
    words = _words(line)
    if words and words != ["!!"]:
        last[:] = words
    if last and words:
        await perform(session, list(last))


def _words(line: str) -> list[str]:
    """The words of a line, quotes understood."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()
