"""Messages between the controller, the starter and the supervisors: marshalled values over SEQPACKET sockets."""

import marshal
import posix
from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET, socket

INLINE = 60_000
"""Bytes that surely fit into a Unix socket's buffer; a longer message travels in a memory file."""

MAX_FDS = 64
_INT = 4
_SHORT, _LONG = b"m", b"f"


def send(channel: socket, value: object) -> None:
    """Send one message. Raises OSError (BlockingIOError when the other side is behind)."""
    data = marshal.dumps(value)  # type: ignore[arg-type]
    if len(data) <= INLINE:
        channel.send(_SHORT + data, MSG_NOSIGNAL)
        return
    memory = posix.memfd_create("launch")
    try:
        view = memoryview(data)
        while view:
            view = view[posix.write(memory, view) :]
        send_fds(channel, _LONG, [memory])
    finally:
        posix.close(memory)


def send_fds(channel: socket, data: bytes, fds: list[int]) -> None:
    """Send raw bytes with file descriptors."""
    packed = b"".join(fd.to_bytes(_INT, "little") for fd in fds)
    channel.sendmsg([data], [(SOL_SOCKET, SCM_RIGHTS, packed)], MSG_NOSIGNAL)


def receive_fds(channel: socket, size: int = INLINE + 1) -> tuple[bytes, list[int]]:
    """Receive raw bytes and the file descriptors that came with them; no bytes at the end of the connection."""
    data, ancillary, _, _ = channel.recvmsg(size, CMSG_SPACE(MAX_FDS * _INT), MSG_CMSG_CLOEXEC)
    fds = [
        int.from_bytes(packed[at : at + _INT], "little")
        for level, kind, packed in ancillary
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS)
        for at in range(0, len(packed) - _INT + 1, _INT)
    ]
    return data, fds


def receive(channel: socket) -> object:
    """Receive one message, None at the end of the connection. Raises OSError."""
    data, fds = receive_fds(channel)
    if not data:
        return None
    if data[:1] == _SHORT:
        return marshal.loads(data[1:])
    try:
        return marshal.loads(_read_all(fds[0]))
    finally:
        for fd in fds:
            posix.close(fd)


def _read_all(fd: int) -> bytes:
    posix.lseek(fd, 0, 0)
    parts = []
    while part := posix.read(fd, 1 << 20):
        parts.append(part)
    return b"".join(parts)
