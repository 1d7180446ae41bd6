"""``scontrol show hostnames``, ``hostlist`` and ``hostlistsorted``: host lists unfolded and folded."""

import re

from shim.commands.scontrol.session import Session
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import MAX_HOSTS_IN_RANGE, expand_hostlist, fold_hostlist


def show_hostnames(session: Session, text: str | None) -> None:
    """Print the hosts of a list one by one; without one those of SLURM_NODELIST."""
    if text is None:
        text = session.call.env.get("SLURM_NODELIST")
    if text is None:
        session.call.error("host list is empty")
        return
    try:
        hosts = expand_hostlist(_closed(text))
    except GrammarError:
        _tell_range(session, text)
        session.call.err(f"Invalid hostlist: {text}")
        return
    session.out("".join(f"{host}\n" for host in hosts))


def show_hostlist(session: Session, text: str | None, *, sort: bool) -> None:
    """Print hosts, given as a list or as a file of hosts, as one folded list."""
    if text is None:
        session.fail("invalid encode argument")
        return
    try:
        hosts = expand_hostlist(_closed(_from_file(session, text)))
    except GrammarError:
        _tell_range(session, text)
        session.fail(f"Invalid hostlist: {text}")
        return
    except OSError:
        session.fail(f"Can not open {text}")
        return
    session.out(fold_hostlist(hosts, sort=sort) + "\n")


def _from_file(session: Session, text: str) -> str:
    """The hosts in the file of that absolute name, one a line or separated by commas; other text is a list itself."""
    if not text.startswith("/"):
        return text
    with open(session.call.path(text), encoding="utf-8") as file:
        return ",".join(line.strip() for line in file if line.strip())


def _closed(text: str) -> str:
    """Slurm reads a bracket that is not closed as if what was begun in it were not there: ``n[1-`` is ``n]``."""
    return text[: text.rindex("[")] + "]" if text.rfind("[") > text.rfind("]") else text


def _tell_range(session: Session, text: str) -> None:
    """Say which part of a bracket is no number, no ascending range, or too large a one."""
    for bracket in re.findall(r"\[([^]]*)\]", text):
        for part in bracket.split(","):
            low, dash, high = part.partition("-")
            if not low.isdecimal() or (dash and not (high.isdecimal() and int(low) <= int(high))):
                session.call.error(f"_parse_single_range: Invalid range: `{part}'")
                return
            if dash and int(high) - int(low) >= MAX_HOSTS_IN_RANGE:
                session.call.error(f"_parse_single_range: Too many hosts in range `{part}'")
                return
