"""The output of a job without shared files: out of dstack's log of its terminal, into the files that it names.

The guest turns the terminal's own changes off where it can and marks what is not the job's (see guest/job.sh): a mark
is what begins with `MARK` and the job's id, to the end of the line. A log is read from its
beginning whenever a controller starts, so nothing has to be remembered but how long the files were before.
"""

import contextlib
import logging
import re
from functools import partial
from pathlib import Path

from shim.executor.base import Launch
from shim.executor.dstack.control import publish
from shim.executor.dstack.model import Run
from shim.executor.dstack.payload import mark
from shim.executor.dstack.server import Server

_LOG = logging.getLogger(__name__)


class Output:
    """One run of one job: feed it the log, piece by piece."""

    def __init__(self, launch: Launch, directory: Path) -> None:
        self._directory = directory
        self._mark = mark(launch.job_id, launch.restarts).encode() + b" "
        self._files = {"out": Path(launch.std_out), "err": Path(launch.std_err)}
        self._mode = 0o666 & ~launch.umask
        self._stream = ""  # before the first mark, what is said is not the job's
        self._rest = b""
        self._cooked = False
        self.token: str | None = None  # where the page of the log begins that was read last
        self.pieces = 0  # of that page that have been read
        self._begin(launch.append)

    def _begin(self, append: bool) -> None:
        """Cut the files back to what they were before this run."""
        for name, path in self._files.items():
            note = self._directory / f"length-{name}"
            try:
                if not note.exists():
                    publish(note, b"%d" % (path.stat().st_size if append and path.exists() else 0))
                if path == Path("/dev/null"):
                    continue
                with path.open("ab") as file:
                    file.truncate(int(note.read_bytes()))
                path.chmod(self._mode)
            except OSError as error:
                _LOG.warning("%s: %s", path, error.strerror)

    def feed(self, data: bytes) -> None:
        """The next piece of the log."""
        self._rest += data
        while (at := self._rest.find(self._mark)) >= 0:
            end = self._rest.find(b"\n", at + len(self._mark))
            if end < 0:
                break
            self._write(self._rest[:at])
            self._obey(self._rest[at + len(self._mark) : end].decode(errors="replace").rstrip("\r"))
            self._rest = self._rest[end + 1 :]
        keep = len(self._rest) - at if at >= 0 else _overlap(self._rest, self._mark)
        whole, self._rest = self._rest[: len(self._rest) - keep], self._rest[len(self._rest) - keep :]
        self._write(whole)

    def _obey(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word in ("started", "ended"):
            publish(self._directory / word, rest.encode() + b"\n")
            self._stream = "out" if word == "started" else ""
            self._cooked = "terminal=raw" not in rest if word == "started" else False
        else:
            self._stream = word

    def _write(self, data: bytes) -> None:
        path = self._files.get(self._stream)
        if not data or path is None:
            return
        if self._cooked:
            data = re.sub(rb"\r\n", b"\n", data)
        with contextlib.suppress(OSError), path.open("ab") as file:
            file.write(data)


async def read_log(server: Server, output: Output, run: Run) -> None:
    """Bring the output of a job up to date with dstack's log of it."""
    while run.nodes:
        page = await server.ask(partial(server.client.logs, run.name, run.nodes[0].submission_id, output.token))
        if page is None:
            return
        for piece in page.pieces[output.pieces :]:
            output.feed(piece)
        output.pieces = len(page.pieces)
        if page.next_token is None:  # the page may grow: it is read again
            return
        output.token, output.pieces = page.next_token, 0


def _overlap(data: bytes, mark_: bytes) -> int:
    """How many of the last bytes may be the beginning of a mark, or of a line's end."""
    for length in range(min(len(data), len(mark_) - 1), 0, -1):
        if mark_.startswith(data[-length:]):
            return length
    return 1 if data.endswith(b"\r") else 0
