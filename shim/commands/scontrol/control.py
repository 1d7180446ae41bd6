"""The commands about the controller itself."""

import os
import socket

from shim.commands.display.clusters import reaches
from shim.commands.display.version import version_line
from shim.commands.scontrol.session import Session
from shim.job.errors import Errno

_TEXTS = {errno.number: errno.text for errno in Errno}


def ping_line() -> str:
    """What ``ping`` says; whoever can ask this controller knows that it is up."""
    return f"Slurmctld(primary) at {socket.gethostname()} is UP\n"


def ping(session: Session, _words: list[str]) -> None:
    """``ping``."""
    session.out(ping_line())


def version(session: Session, _words: list[str]) -> None:
    """``version``: that of the Slurm which is imitated, for clients that parse it."""
    session.out(version_line(session.queue.config) + "\n")


def shutdown(session: Session, _words: list[str]) -> None:
    """``shutdown``: stop the controller; jobs go on, and the next command starts it again."""
    session.queue.shutdown()


def reconfigure(session: Session, _words: list[str]) -> None:
    """``reconfigure``: read the configuration again."""
    session.queue.reconfigure()


def cluster(session: Session, words: list[str]) -> None:
    """``cluster``: there is but one, and it may be named."""
    if words and not reaches(session.call, words[0]):
        session.fail()


def error_text(session: Session, words: list[str]) -> None:
    """``errnumstr``: the text of an error number."""
    if not words[0].isdecimal():
        session.fail("numeric arguments required for keyword:errnumstr")
        return
    number = int(words[0])
    text = _TEXTS.get(number) or (os.strerror(number) if number else Errno.SUCCESS.text)
    session.out(f"{text}\n")


def refuse(session: Session, _words: list[str]) -> None:
    """Commands that have nothing to act upon here."""
    session.fail("scontrol: error: Requested operation not supported on this system")
