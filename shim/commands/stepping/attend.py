"""Waiting for something while the client may send a signal or go away."""

import asyncio
import marshal
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from shim.commands.call import Call
from shim.commands.stepping.order import FORMAT
from shim.job.record import Job

Result = TypeVar("Result")


class Interrupted(Exception):
    """The client got this signal while it waited."""

    def __init__(self, signal: int) -> None:
        self.signal = signal
        super().__init__(signal)


def expect_signals(call: Call, jobs: Sequence[Job] = ()) -> None:
    """From here on the client tells of signals in place of dying of them; to be said before it prints that it waits.

    Should this controller die, the client comes back to the next one for ``jobs``, which it has been given already.
    """
    call.tell(b"S", marshal.dumps({"do": "wait", "jobs": [job.job_id for job in jobs]}, FORMAT))


async def attended(call: Call, waiting: Coroutine[Any, Any, Result]) -> Result:
    """The result of a wait, after `expect_signals`.

    Raises Interrupted for a signal, ConnectionError or IncompleteReadError when the client has gone.
    """
    assert call.hear is not None
    task = asyncio.ensure_future(waiting)
    hearing: asyncio.Future[Any] | None = None
    try:
        while True:
            hearing = asyncio.ensure_future(call.hear())
            await asyncio.wait({task, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            kind, payload = hearing.result()
            if kind == b"G" and int(payload) not in _HARMLESS:
                raise Interrupted(int(payload))
    finally:
        left = [one for one in (task, hearing) if one is not None and not one.done()]
        for one in left:
            one.cancel()
        if left:
            await asyncio.wait(left)  # the next reader of the conversation begins only after this one


_HARMLESS = (18,)  # SIGCONT
