"""What a command's process does that more than a short answer needs: talk with the warm controller by its socket.

A command is as fast as this file: it runs under ``python3 -I -S`` and imports built-in modules only; what is needed
on rare paths (no controller yet, tasks to start) is imported there.

The conversation, over a Unix stream socket: the client sends one request, eight hexadecimal digits of length and
then fields ended by NUL bytes: version, command, cwd, terminal flags, number of arguments, arguments, environment.
The controller sends frames, one letter and eight hexadecimal digits of length and the payload:
``1`` and ``2`` text for stdout and stderr, ``I`` asks for stdin (answered by frames ``I``, the last one empty; with
a payload for a part of it, answered by one frame), ``S`` has the client do something itself, to the end of the call
(see ``shim.guest.session``), ``V`` tells that the controller is of another version and is going away, ``W`` that it
only waits for a job from now on: should it go away, the next one is asked to go on waiting. ``X`` ends the call with
an exit code.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import posix
import sys

VERSION = "0.1.0"
SOCKET = "controller.sock"


def state_dir() -> bytes:
    """The folder of this user's queue: $SLURMSHIM_STATE, else slurm-shim below $XDG_STATE_HOME."""
    env = posix.environ
    if named := env.get(b"SLURMSHIM_STATE"):
        return named
    if base := env.get(b"XDG_STATE_HOME"):
        return base + b"/slurm-shim"
    home = env.get(b"HOME")
    if not home:
        import pwd

        try:
            home = pwd.getpwuid(posix.getuid()).pw_dir.encode()
        except KeyError:
            home = b"/"
    return home + b"/.local/state/slurm-shim"


def request(command: str, argv: list[str], cwd: bytes, environ: "dict[bytes, bytes]", terminals: str) -> bytes:
    """The bytes of one call; ``terminals`` names which of the descriptors 0, 1 and 2 are terminals."""
    encoding = sys.getfilesystemencoding()
    fields = [VERSION.encode(), command.encode(encoding, "surrogateescape"), cwd, terminals.encode(), b"%d" % len(argv)]
    fields += [argument.encode(encoding, "surrogateescape") for argument in argv]
    fields += [name + b"=" + value for name, value in environ.items()]
    body = b"\0".join(fields)
    return b"%08x" % len(body) + body


def connect() -> _socket.socket | None:
    """A connection to the running controller, None where there is none."""
    folder = state_dir()
    path = folder + b"/" + SOCKET.encode()
    channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        if len(path) < 100:
            channel.connect(path)
        else:  # longer than a socket address can be: by way of the folder's descriptor
            fd = posix.open(folder, posix.O_RDONLY)
            channel.connect(b"/proc/self/fd/%d/" % fd + SOCKET.encode())
            posix.close(fd)
    except OSError:
        channel.close()
        return None
    return channel


def read_exactly(channel: _socket.socket, count: int) -> bytes:
    """``count`` bytes of the conversation. Raises EOFError when the controller has gone away."""
    parts = []
    while count:
        part = channel.recv(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(fd: int, data: bytes) -> None:
    """Write everything to a descriptor."""
    while data:
        data = data[posix.write(fd, data) :]


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame of the conversation."""
    return kind + b"%08x" % len(payload) + payload


def send_stdin(channel: _socket.socket, once: bool) -> None:
    """Hand over standard input to its end, or (``once``) what there is of it now: a line from a terminal."""
    while True:
        try:
            data = posix.read(0, 1 << 16)
        except OSError:
            data = b""
        channel.sendall(frame(b"I", data))
        if once or not data:
            return


def read_frame(channel: _socket.socket) -> tuple[bytes, bytes]:
    """The next frame of the conversation: its letter and its payload."""
    head = read_exactly(channel, 9)
    return head[:1], read_exactly(channel, int(head[1:], 16))


def converse(channel: _socket.socket, call: bytes, module: str = "") -> int | None:
    """Make the call and serve it to its end. The exit code; None where the controller must be replaced.

    ``module`` will be needed: it is loaded while the controller works.
    """
    answered = False
    awaited = b""
    try:
        channel.sendall(call)
        if module:
            __import__(module)
        while True:
            kind, payload = read_frame(channel)
            answered = True
            if kind == b"1" or kind == b"2":
                write_all(int(kind), payload)
            elif kind == b"X":
                return int(payload)
            elif kind == b"I":
                send_stdin(channel, payload != b"")
            elif kind == b"V":
                return None
            elif kind == b"W":
                awaited = payload
            else:
                from shim.guest import session

                return session.serve(channel, payload)
    except (EOFError, ConnectionError):
        if awaited:
            from shim import contact

            return contact.start_and_call("sbatch", request("rejoin", ["0", "job", awaited.decode()], b"/", {}, ""))
        if answered:  # it died in the middle: the call may have been carried out, so it is not made again
            write_all(2, b"slurm-shim: the controller went away while it was answering\n")
            return 1
        return None


def _forget_coercion() -> None:
    """Python itself may have set LC_CTYPE when it started in the C locale (PEP 538); jobs shall not see that."""
    fd = posix.open("/proc/self/environ", posix.O_RDONLY)
    if b"LC_CTYPE=" not in posix.read(fd, 1 << 20):
        del posix.environ[b"LC_CTYPE"]
    posix.close(fd)


def main(command: str, argv: list[str]) -> int:
    """Run one command; the exit code."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    try:
        cwd = posix.getcwdb()
    except OSError:
        cwd = posix.readlink(b"/proc/self/cwd")  # it has been removed: "/where/it/was (deleted)"
    terminals = "".join([str(fd) for fd in (0, 1, 2) if posix.isatty(fd)])
    if posix.environ.get(b"LC_CTYPE") == b"C.UTF-8" and b"LC_ALL" not in posix.environ:
        _forget_coercion()
    call = request(command, argv, cwd, posix.environ, terminals)
    module = "shim.guest.steps" if command == "srun" else ""
    if (channel := connect()) is not None and (code := converse(channel, call, module)) is not None:
        return code
    from shim import contact

    return contact.start_and_call(command, call)
