"""PMI-1 and PMI-2 over a socket for each task: how the ranks of an MPI program find one another (srun --mpi=pmi2).

The wire protocols are those of MPICH's process managers: PMI-1 sends lines of ``name=value`` words, PMI-2 sends a
length of six characters and ``name=value;`` pairs after a first line in the manner of PMI-1. A task's end of its
socket is PMI_FD. Spawning and name publishing are answered with an error.
"""

from __future__ import annotations

import posix
from _socket import AF_UNIX, SOCK_STREAM, socketpair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable, Sequence

    from shim.guest.loop import Loop

_MAPPING = "PMI_process_mapping"
_CHUNK = 1 << 16


class Pmi:
    """The key-value space of one step."""

    def __init__(
        self, loop: Loop, step_id: str, tasks_per_node: Sequence[Sequence[int]], abort: Callable[[str], None]
    ) -> None:
        self.loop = loop
        self.step_id = step_id
        self.size = sum(map(len, tasks_per_node))
        self.node_of = {rank: node for node, ranks in enumerate(tasks_per_node) for rank in ranks}
        self.abort = abort
        self.values: dict[str, str] = {_MAPPING: mapping(tasks_per_node)}
        self.of_nodes: dict[tuple[int, str], str] = {}
        self.at_barrier: list[Rank] = []
        self.ranks: list[Rank] = []
        self.waiting: list[tuple[Rank, str, str]] = []  # rank, key, thread: for a node's attribute

    def task(self, rank: int) -> tuple[int, dict[bytes, bytes]]:
        """The descriptor one task gets, and the variables that tell it so."""
        one = Rank(self, rank)
        self.ranks.append(one)
        fd = one.task_end.fileno()
        names = {"PMI_FD": fd, "PMI_JOBID": self.step_id, "PMI_RANK": rank, "PMI_SIZE": self.size}
        return fd, {name.encode(): str(value).encode() for name, value in names.items()}

    def started(self) -> None:
        """All tasks have their ends."""
        for one in self.ranks:
            one.task_end.close()

    def enter_barrier(self, who: Rank) -> None:
        """A rank waits for all others."""
        self.at_barrier.append(who)
        if len(self.at_barrier) == self.size:
            arrived, self.at_barrier = self.at_barrier, []
            for one in arrived:
                one.leave_barrier()

    def put_for_node(self, node: int, key: str, value: str) -> None:
        """An attribute that the ranks of one node share; some may be waiting for it."""
        self.of_nodes[node, key] = value
        for waiter in [w for w in self.waiting if w[1] == key and self.node_of[w[0].rank] == node]:
            self.waiting.remove(waiter)
            waiter[0].respond("info-getnodeattr", waiter[2], found="TRUE", value=value)


class Rank:
    """One task's connection."""

    def __init__(self, pmi: Pmi, rank: int) -> None:
        self.pmi = pmi
        self.rank = rank
        self.version = 1
        self.data = b""
        self.barrier_thread = ""
        self.own, self.task_end = _pair()
        pmi.loop.on_readable(self.own.fileno(), self._read)

    # -- the wire ------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            data = self.own.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self.pmi.loop.forget(self.own.fileno())
            self.own.close()
            return
        self.data += data
        while (message := self._message()) is not None:
            self._serve(message)

    def _message(self) -> str | None:
        """The next whole message, taken off what has come."""
        if self.version == 1:
            line, newline, rest = self.data.partition(b"\n")
            if not newline:
                return None
            self.data = rest
            return line.decode(errors="replace")
        if len(self.data) < 6 or len(self.data) < 6 + int(self.data[:6]):
            return None
        end = 6 + int(self.data[:6])
        message, self.data = self.data[6:end], self.data[end:]
        return message.decode(errors="replace")

    def _send(self, data: bytes) -> None:
        try:
            self.own.sendall(data)
        except OSError:
            return  # the task has gone

    def _line(self, text: str) -> None:
        self._send(text.encode() + b"\n")

    def respond(self, command: str, thread: str, rc: int = 0, **fields: str) -> None:
        """A PMI-2 response."""
        pairs = [f"cmd={command}-response;"]
        if thread:
            pairs.append(f"thrid={thread};")
        pairs += [f"{name.replace('_', '-')}={value.replace(';', ';;')};" for name, value in fields.items()]
        body = ("".join(pairs) + f"rc={rc};").encode()
        self._send(b"%6d" % len(body) + body)

    def _serve(self, message: str) -> None:
        fields = _pairs(message) if self.version == 2 else _words(message)
        command = fields.get("cmd", fields.get("mcmd", ""))
        if self.version == 1:
            self._serve1(command, fields)
        else:
            self._serve2(command, fields)

    # -- PMI-1 ---------------------------------------------------------------------------------------------------------

    def _serve1(self, command: str, fields: dict[str, str]) -> None:
        pmi = self.pmi
        if command == "init":
            version, sub = fields.get("pmi_version", "1"), fields.get("pmi_subversion", "0")
            known = version in ("1", "2")
            self._line(f"cmd=response_to_init pmi_version={version} pmi_subversion={sub} rc={0 if known else -1}")
            self.version = 2 if version == "2" else 1
        elif command == "get_maxes":
            self._line("cmd=maxes rc=0 kvsname_max=256 keylen_max=64 vallen_max=1024")
        elif command == "get_appnum":
            self._line("cmd=appnum rc=0 appnum=0")
        elif command == "get_universe_size":
            self._line(f"cmd=universe_size rc=0 size={pmi.size}")
        elif command == "get_my_kvsname":
            self._line(f"cmd=my_kvsname rc=0 kvsname={pmi.step_id}")
        elif command == "put":
            pmi.values[fields.get("key", "")] = fields.get("value", "")
            self._line("cmd=put_result rc=0 msg=success")
        elif command == "get":
            value = pmi.values.get(fields.get("key", ""))
            if value is None:
                self._line(f"cmd=get_result rc=-1 msg=key_{fields.get('key', '')}_not_found value=unknown")
            else:
                self._line(f"cmd=get_result rc=0 msg=success value={value}")
        elif command == "barrier_in":
            pmi.enter_barrier(self)
        elif command == "finalize":
            self._line("cmd=finalize_ack rc=0")
        elif command == "abort":
            pmi.abort(fields.get("error_msg", ""))
        else:
            self._line(f"cmd={command}_result rc=-1 msg=not_supported")

    def leave_barrier(self) -> None:
        """All have come."""
        if self.version == 1:
            self._line("cmd=barrier_out rc=0")
        else:
            self.respond("kvs-fence", self.barrier_thread)

    # -- PMI-2 ---------------------------------------------------------------------------------------------------------

    def _serve2(self, command: str, fields: dict[str, str]) -> None:
        pmi, thread = self.pmi, fields.get("thrid", "")
        key = fields.get("key", "")
        if command == "fullinit":
            self.respond(
                command,
                thread,
                pmi_version="2",
                pmi_subversion="0",
                rank=str(self.rank),
                size=str(pmi.size),
                appnum="0",
                debugged="FALSE",
                pmiverbose="FALSE",
            )
        elif command == "job-getid":
            self.respond(command, thread, jobid=pmi.step_id)
        elif command == "info-getjobattr":
            universe = {"universeSize": str(pmi.size)}
            self._found(command, thread, pmi.values.get(key, universe.get(key)))
        elif command == "info-putnodeattr":
            pmi.put_for_node(pmi.node_of[self.rank], key, fields.get("value", ""))
            self.respond(command, thread)
        elif command == "info-getnodeattr":
            value = pmi.of_nodes.get((pmi.node_of[self.rank], key))
            if value is None and fields.get("wait", "").upper() == "TRUE":
                pmi.waiting.append((self, key, thread))
            else:
                self._found(command, thread, value)
        elif command == "kvs-put":
            pmi.values[key] = fields.get("value", "")
            self.respond(command, thread)
        elif command == "kvs-get":
            self._found(command, thread, pmi.values.get(key))
        elif command == "kvs-fence":
            self.barrier_thread = thread
            pmi.enter_barrier(self)
        elif command == "finalize":
            self.respond(command, thread)
        elif command == "abort":
            pmi.abort(fields.get("msg", ""))
        else:
            self.respond(command, thread, rc=-1, errmsg="not supported")

    def _found(self, command: str, thread: str, value: str | None) -> None:
        if value is None:
            self.respond(command, thread, found="FALSE")
        else:
            self.respond(command, thread, found="TRUE", value=value)


def _pair() -> tuple[socket, socket]:
    own, other = socketpair(AF_UNIX, SOCK_STREAM)
    posix.set_inheritable(own.fileno(), False)
    return own, other


def _words(message: str) -> dict[str, str]:
    """``cmd=put kvsname=x key=y value=z``: the value of a put runs to the end of the line."""
    head, found, value = message.partition(" value=")
    fields = dict(word.split("=", 1) for word in head.split() if "=" in word)
    if found:
        fields["value"] = value
    return fields


def _pairs(message: str) -> dict[str, str]:
    """``cmd=kvs-put;key=a;value=b;``, where a doubled semicolon stands for one."""
    parts = message.replace(";;", "\0").split(";")
    return dict(part.replace("\0", ";").split("=", 1) for part in parts if "=" in part)


def mapping(tasks_per_node: Sequence[Sequence[int]]) -> str:
    """Which ranks share a node, as PMI_process_mapping says it: ``(vector,(first node,nodes,tasks on each),…)``."""
    order = sorted((rank, node) for node, ranks in enumerate(tasks_per_node) for rank in ranks)
    runs: list[list[int]] = []  # [node, tasks in a row]
    for _, node in order:
        if runs and runs[-1][0] == node:
            runs[-1][1] += 1
        else:
            runs.append([node, 1])
    blocks: list[list[int]] = []
    for node, count in runs:
        last = blocks[-1] if blocks else None
        if last and last[2] == count and last[0] + last[1] == node:
            last[1] += 1
        else:
            blocks.append([node, 1, count])
    return "(vector," + ",".join(f"({first},{nodes},{count})" for first, nodes, count in blocks) + ")"
