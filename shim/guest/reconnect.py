"""A client whose controller has gone while its tasks run: they go on, and the next controller learns of it."""

from __future__ import annotations

import marshal
import posix

from shim import launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shim.guest.session import Session

PAUSE = 1.0
"""Seconds between two looks for a controller."""

COMMAND = "rejoin"
"""What the client calls; no command of Slurm."""


def keep_trying(session: Session, order: Mapping[str, Any]) -> None:
    """Go on with the next controller as soon as there is one."""

    def look() -> None:
        work = session.work
        if work is None or session.channel is not None:
            return
        if rejoin(session, order):
            work.rejoined()
        else:
            session.loop.after(PAUSE, look)

    session.loop.after(PAUSE, look)


def rejoin(session: Session, order: Mapping[str, Any]) -> bool:
    """Go on with the next controller if there is one."""
    channel = launcher.connect()
    if channel is None:
        return False
    names = [order["job"]] if order["do"] == "command" else list(order["steps"])
    call = launcher.request(COMMAND, [str(order["restarts"]), order["do"], *names], b"/", {}, "")
    try:
        channel.sendall(call)
    except OSError:
        channel.close()
        return False
    session.connect(channel)
    return True


def leave_result(order: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Write down how steps went; the next controller reads it when it starts."""
    folder = order["state"] + b"/ended-steps"
    name = folder + b"/" + order["steps"][0].encode()
    try:
        posix.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return
    record = marshal.dumps({"steps": list(order["steps"]), "restarts": order["restarts"], "result": result}, 2)
    try:
        fd = posix.open(name + b".new", posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC, 0o600)
        try:
            launcher.write_all(fd, record)
        finally:
            posix.close(fd)
        posix.rename(name + b".new", name)
    except OSError:
        pass
