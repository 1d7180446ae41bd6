"""A full-screen client in a terminal of its own: what it draws is read until all that was asked for has been seen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPES = re.compile(rb"\x1b\[[0-9;?=<>$]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]")
WHERE = b"\x1b[6n"  # "where is the cursor?", which a terminal answers


def screen(*argv: object, shows: tuple[str, ...], seconds: int = 60) -> str:
    """Run a client until it has shown every one of those texts, and end it. Returns what it drew."""
    words = [str(word) for word in argv]
    process, terminal = pty.fork()
    if not process:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(words[0], words)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 220, 0, 0))
    try:
        return _watch(terminal, shows, time.monotonic() + seconds)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def _watch(terminal: int, shows: tuple[str, ...], end: float) -> str:
    drawn = b""
    while True:
        text = ESCAPES.sub(b" ", drawn).decode(errors="replace")
        missing = [word for word in shows if word not in text]
        if not missing:
            return text
        readable, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        try:
            part = os.read(terminal, 65536) if readable else b""
        except OSError:  # the client has ended
            part = b""
        assert part, f"never showed {missing}:\n{text[-3000:]}"
        drawn += part
        if WHERE in part:
            os.write(terminal, b"\x1b[1;1R")
