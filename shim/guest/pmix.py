"""PMIx for the ranks of one call of srun (srun --mpi=pmix): srun's side of the process that serves it.

All components of a call (``A : B``) are one job to PMIx, as to Slurm's plug-in. libpmix has a thread of its own, and
srun forks: so it is loaded by another process, see ``shim.guest.pmix_server``.
"""

from __future__ import annotations

import marshal
import posix
import sys
from select import POLLIN, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.guest.steps import StepWork

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from shim.guest.pmix_server import main; main()"
_ROOT = __file__.rsplit("/", 3)[0]
_CHUNK = 1 << 16
_PATIENCE = 60.0
"""Seconds that the server may take to begin: it takes a twentieth of one."""


class Failed(Exception):
    """There is no server: the text says why."""


class Pmix:
    """The server of one call of srun, ready for its tasks. Raises Failed, OSError."""

    def __init__(self, work: StepWork) -> None:
        self.work = work
        self.abort_status: int | None = None  # what the first rank to call MPI_Abort has called it with
        self._said = b""
        self._orders, self._answers = _begin()
        nodes: list[list[int]] = [[] for _ in work.order["names"]]
        for task in work.tasks:
            nodes[task.node].append(task.rank)
        order = marshal.dumps(
            {
                "step": work.step_ids[0],
                "names": work.order["names"],
                "nodes": nodes,
                "tmp_dir": work.order["tmp_dir"],
            },
            2,
        )
        posix.write(self._orders, len(order).to_bytes(4, "big") + order)
        self._variables: list[Mapping[bytes, bytes]] = marshal.loads(self._answer())
        work.loop.on_readable(self._answers, self._hear)

    def environment(self, rank: int) -> Mapping[bytes, bytes]:
        """The variables that lead a rank to its server."""
        return self._variables[rank]

    def end(self) -> None:
        """All tasks are over: hear the last of them, and return when the server's folder is gone."""
        posix.close(self._orders)
        while data := posix.read(self._answers, _CHUNK):
            self._said += data
        self._obey()
        self.work.loop.forget(self._answers)
        posix.close(self._answers)
        folder = self._variables[0][b"PMIX_SERVER_TMPDIR"]
        if posix.access(folder, posix.F_OK):  # somebody has killed the server
            from shutil import rmtree

            rmtree(folder, ignore_errors=True)

    # -- what the server says ------------------------------------------------------------------------------------------

    def _answer(self) -> bytes:
        size = int.from_bytes(self._exactly(4), "big")
        if size:
            return self._exactly(size)
        raise Failed(posix.read(self._answers, _CHUNK).decode(errors="replace") or "it has ended")

    def _exactly(self, count: int) -> bytes:
        ready = poll()
        ready.register(self._answers, POLLIN)
        data = b""
        while len(data) < count:
            if not ready.poll(_PATIENCE * 1000):
                raise Failed("it does not answer")
            part = posix.read(self._answers, count - len(data))
            if not part:
                raise Failed("it has ended")
            data += part
        return data

    def _hear(self) -> None:
        data = posix.read(self._answers, _CHUNK)
        if data:
            self._said += data
            self._obey()
            return
        self.work.loop.forget(self._answers)
        self.work.say.error("the PMIx server of the step has ended")
        self.work.ending.aborted_by_task("")

    def _obey(self) -> None:
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            what, status, nspace, rank = line.split(b" ")
            if what == b"abort":
                self._aborted(int(status), int(rank))
            elif self.work.by_pid:
                self._event(int(status), nspace, int(rank))

    def _aborted(self, status: int, rank: int) -> None:
        if self.abort_status is None:
            self.abort_status = status
            self.work.ending.aborted_by_rank(self.work.tasks[rank])

    def _event(self, status: int, nspace: bytes, rank: int) -> None:
        """Something that no rank expects, as that one of them is gone without a word: Slurm ends the step."""
        node = self.work.tasks[rank].node if rank < len(self.work.tasks) else 0
        name = self.work.order["names"][node]
        where = f"mpi/pmix_v4: _errhandler: {name} [{node}]: pmixp_client_v2.c:211"
        text = f"Error handler invoked: status = {status}, source = [{nspace.decode()}:{rank}]"
        self.work.say.from_node(node, f"error:  {where}: {text}")
        self.work.ending.aborted_by_task("")


def _begin() -> tuple[int, int]:
    """Start the process: where it reads its orders, and where it answers."""
    theirs, orders = posix.pipe()
    answers, own = posix.pipe()
    quiet = posix.open("/dev/null", posix.O_WRONLY | posix.O_CLOEXEC)  # where libpmix would complain of its clients
    try:
        posix.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", _BOOT, _ROOT],
            posix.environ,
            file_actions=[(posix.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate((theirs, own, quiet))],
            setpgroup=0,
        )
    finally:
        for fd in (theirs, own, quiet):
            posix.close(fd)
    return orders, answers
