"""The environment that a login of the user gives (sbatch(1), --get-user-env and --export=NONE)."""

import asyncio
import os
import pwd
import secrets
import signal
import tempfile
from pathlib import Path
from typing import IO

from shim.job.user import user_entry

TIMEOUT = 60.0
"""Seconds that the user's start-up files may take."""

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"


class LoginError(Exception):
    """The login shell could not be run, took too long, or told nothing."""


async def login_environment(user_id: int, timeout: float = TIMEOUT) -> dict[str, str]:
    """Run the user's login shell once and return the environment it ends up with.

    Like ``su - USER -c env``: it starts from nothing but what a login sets, and whatever the start-up files print is
    skipped. What they leave running in the background is not waited for. Raises LoginError.
    """
    user = user_entry(user_id)
    shell = user.pw_shell or "/bin/sh"
    mark = secrets.token_hex(16)
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as anything in the background
        code = await _run(user, shell, f"printf %s {mark}; exec env -0", output, timeout)
        output.seek(0)
        _, found, entries = os.fsdecode(output.read()).partition(mark)
    if not found:
        raise LoginError(f"{shell} ended without telling its environment (exit code {code})")
    pairs = (entry.partition("=") for entry in entries.split("\0"))
    return {name: value for name, equals, value in pairs if equals}


async def _run(user: pwd.struct_passwd, shell: str, command: str, output: IO[bytes], timeout: float) -> int:
    """Run a command in a login shell; the exit code."""
    start = {"HOME": user.pw_dir, "SHELL": shell, "USER": user.pw_name, "LOGNAME": user.pw_name, "PATH": _PATH}
    try:
        process = await asyncio.create_subprocess_exec(
            f"-{os.path.basename(shell)}",  # the dash makes it a login shell, in every shell
            "-c",
            command,
            executable=shell,
            env=start,
            cwd=user.pw_dir if Path(user.pw_dir).is_dir() else "/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise LoginError(f"{shell}: {error.strerror}") from error
    try:
        return await asyncio.wait_for(process.wait(), timeout)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise LoginError(f"{shell} took more than {timeout:g} seconds") from None
