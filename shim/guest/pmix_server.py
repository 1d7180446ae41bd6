"""The process that serves PMIx to the ranks of one step (srun --mpi=pmix): it lives from before its first task to after
its last, and no longer than the srun that began it.

It reads an order (see ``shim.guest.pmix``) from its standard input, and at the end of that ends itself. It writes the
variables for each rank, marshalled after their length, or a length of zero and what went wrong; and then a line for
each thing that happens: ``abort STATUS NAMESPACE RANK``, ``event STATUS NAMESPACE RANK``.

The emulated nodes are all this machine, so one server has all ranks, but it tells each of them of its own node only.
"""

from __future__ import annotations

import marshal
import posix
import sys
from _signal import (  # type: ignore[import-not-found]
    SIG_IGN,
    SIGHUP,
    SIGINT,
    SIGPIPE,
    SIGQUIT,
    SIGTERM,
    alarm,
    signal,
)
from shutil import rmtree
from tempfile import mkdtemp

from shim.guest.pmi import mapping
from shim.guest.pmix_library import (
    ABORT,
    CONTROL,
    DONE_AT_ONCE,
    EVENT,
    FENCE,
    NO_MORE_HANDLERS,
    NOT_SUPPORTED,
    SUCCESS,
    Failed,
    Host,
    Missing,
    Rank,
    Server,
    Short,
    Unknown,
    library,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from shim.guest.pmix_library import Facts

_CHUNK = 1 << 16
_PLAIN = {b"PMIX_MCA_gds": b"hash", b"PMIX_MCA_psec": b"native"}
"""The plug-ins that clients of every version and build have: they complain of others."""
_TO_CLEAN_UP = 10
"""Seconds until SIGALRM ends a library that hangs at its end."""
_NAME = "spmix_appdir"  # of Slurm's own folder for the ranks of a step


def main() -> None:
    """Serve until standard input ends."""
    for number in (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE):
        signal(number, SIG_IGN)  # the user's ^C is for the tasks; the end of the step is the end of this
    for name in [name for name in posix.environ if name.startswith(b"PMIX_") and not name.startswith(b"PMIX_MCA_")]:
        posix.unsetenv(name)  # of a rank that called this srun
    for name, value in _PLAIN.items():
        posix.putenv(name, value)
    order = marshal.loads(_exactly(int.from_bytes(_exactly(4), "big")))
    posix.chdir("/")
    folder = ""
    try:
        folder = mkdtemp(prefix=f"{_NAME}_{posix.getuid()}_{order['step']}_", dir=order["tmp_dir"])
        _serve(order, folder)
    except (Missing, Unknown, Failed, OSError) as why:
        _write(bytes(4) + str(why).encode())
    finally:
        rmtree(folder, ignore_errors=True)
        posix._exit(0)  # whatever the library's threads still wait for


def _exactly(count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = posix.read(0, count - len(data))
        if not part:
            sys.exit()
        data += part
    return data


def _write(data: bytes) -> None:
    try:
        posix.write(1, data)
    except OSError:
        return  # srun is gone: so is standard input


def _serve(order: dict[str, Any], folder: str) -> None:
    """Serve from beginning to end. Raises Missing, Unknown, Failed, OSError."""
    server = Server(library(), b"slurm.pmix." + order["step"].encode())
    server.start(_HOST, [(b"pmix.srvr.tmpdir", folder.encode()), (b"pmix.sys.tmpdir", order["tmp_dir"].encode())])
    server.hear(_HANDLER)
    nodes: list[list[int]] = order["nodes"]
    size = sum(map(len, nodes))
    posix.mkdir(f"{folder}/ranks")  # Open MPI empties it while some of its ranks still run
    folders = [(b"pmix.tmpdir", order["tmp_dir"].encode()), (b"pmix.nsdir", f"{folder}/ranks".encode())]
    server.describe(size, [*folders, (b"pmix.tdir.rmclean", True), *_facts(server, order["names"], nodes)])
    variables: list[dict[bytes, bytes]] = [{}] * size
    for name, ranks in zip(order["names"], nodes, strict=True):
        more = {b"SLURM_PMIX_MAPPING_SERV": mapping(nodes).encode()}
        if len(nodes) > 1:
            more |= _node_of_its_own(f"{folder}/node-{name}")
        for rank in ranks:
            server.admit(rank, posix.getuid(), posix.getgid())
            variables[rank] = server.variables(rank) | more
    answer = marshal.dumps(variables, 2)
    _write(len(answer).to_bytes(4, "big") + answer)
    while posix.read(0, _CHUNK):
        pass
    alarm(_TO_CLEAN_UP)
    server.end()


def _node_of_its_own(folder: str) -> dict[bytes, bytes]:
    """What keeps emulated nodes apart: Open MPI 4 names shared memory by host name and rank on the node only."""
    posix.mkdir(folder)
    return {b"OMPI_MCA_btl_vader_backing_directory": folder.encode()}


def _facts(server: Server, names: Sequence[str], nodes: Sequence[Sequence[int]]) -> Facts:
    """What Slurm's plug-in tells of a job (pmixp_client.c)."""
    size = sum(map(len, nodes))
    facts: list[tuple[bytes, Any]] = [
        (b"pmix.spawned", False),
        (b"pmix.univ.size", size),
        (b"pmix.job.size", size),
        (b"pmix.max.size", size),
        (b"pmix.job.napps", 1),
        (b"pmix.num.nodes", len(nodes)),
        (b"pmix.nmap", server.regex(names)),
        (b"pmix.pmap", server.ppn([",".join(map(str, ranks)) for ranks in nodes])),
        (b"pmix.anlmap", mapping(nodes).encode()),
    ]
    for number, (name, ranks) in enumerate(zip(names, nodes, strict=True)):
        of_node = [
            (b"pmix.hname", name.encode()),
            (b"pmix.nodeid", number),
            (b"pmix.local.size", len(ranks)),
            (b"pmix.node.size", len(ranks)),
            (b"pmix.lldr", Rank(ranks[0])),
            (b"pmix.lpeers", ",".join(map(str, ranks)).encode()),
        ]
        facts.append((b"pmix.node.arr", of_node))
        facts += [(b"pmix.pdata", _of_rank(rank, place, number, name)) for place, rank in enumerate(ranks)]
    return facts


def _of_rank(rank: int, place: int, node: int, name: str) -> list[tuple[bytes, Any]]:
    return [
        (b"pmix.rank", Rank(rank)),
        (b"pmix.appnum", 0),
        (b"pmix.aldr", Rank(0)),
        (b"pmix.grank", Rank(rank)),
        (b"pmix.lrank", Short(place)),
        (b"pmix.nrank", Short(place)),
        (b"pmix.nodeid", node),
        (b"pmix.hname", name.encode()),
    ]


# -- what the library asks, on its own thread ------------------------------------------------------------------------


def _abort(who: Any, _object: Any, status: int, _text: Any, _procs: Any, _count: int, _done: Any, _data: Any) -> int:
    _tell(b"abort", status, who)
    return DONE_AT_ONCE


def _fence(_procs: Any, _count: int, _infos: Any, _many: int, data: Any, size: int, done: Any, closure: Any) -> int:
    """All ranks are here: what they have brought is all there is."""
    done(SUCCESS, data, size, closure, None, None)
    return SUCCESS


def _event(
    _number: int, status: int, source: Any, _infos: Any, _many: int, _results: Any, _count: int, done: Any, closure: Any
) -> None:
    _tell(b"event", status, source)
    done(NO_MORE_HANDLERS, None, 0, None, None, closure)


def _tell(what: bytes, status: int, source: Any) -> None:
    rank = source.contents
    _write(b"%s %d %s %d\n" % (what, status, rank.nspace, rank.rank))


def _control(_who: Any, _targets: Any, _many: int, _orders: Any, _count: int, _done: Any, _data: Any) -> int:
    """What the library cannot do by itself for a rank: only with this in place it does what it can (cleanup)."""
    return NOT_SUPPORTED


_HOST = Host(abort=ABORT(_abort), fence=FENCE(_fence), job_control=CONTROL(_control))
_HANDLER = EVENT(_event)
