"""The starter: a small process that forks supervisors, so that the controller with all its memory never has to.

It lives as long as the controller that began it. Its channel is descriptor 0, and each message is a batch of sockets:
one new supervisor for each, speaking to the controller through it.
"""

import ctypes
import gc
import posix
import resource
from _signal import SIG_DFL, SIG_IGN, SIGCHLD, SIGPIPE, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SOCK_SEQPACKET, socket

from shim.executor.local import supervisor, wire

_CHANNEL = 0
_PR_SET_CHILD_SUBREAPER = 36
_PRIVATE = 0o077


def main(file_limit: int) -> None:
    """Fork supervisors until the controller is gone. Scripts may have ``file_limit`` files open (soft limit)."""
    channel = socket(AF_UNIX, SOCK_SEQPACKET, 0, _CHANNEL)
    resource.setrlimit(resource.RLIMIT_NOFILE, (file_limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    signal(SIGCHLD, SIG_IGN)
    signal(SIGPIPE, SIG_DFL)  # else every script would inherit Python's ignoring it
    posix.umask(_PRIVATE)
    posix.chdir("/")
    adopt = ctypes.CDLL(None).prctl
    gc.disable()
    gc.freeze()
    while True:
        data, fds = wire.receive_fds(channel)
        if not data:
            return
        for fd in fds:
            if not posix.fork():
                posix.dup2(fd, _CHANNEL)
                posix.closerange(3, max(fds) + 1)
                adopt(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
                supervisor.main(channel)
            posix.close(fd)
