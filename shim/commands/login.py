"""The environment that a login of the user gives (sbatch(1), --get-user-env and --export=NONE)."""

import asyncio
import os
import pwd
import secrets
from pathlib import Path

TIMEOUT = 60.0
"""Seconds that the user's start-up files may take."""

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"


class LoginError(Exception):
    """The login shell could not be run, took too long, or told nothing."""


async def login_environment(user_id: int, timeout: float = TIMEOUT) -> dict[str, str]:
    """Run the user's login shell once and return the environment it ends up with.

    Like ``su - USER -c env``: it starts from nothing but what a login sets, and whatever the start-up files print is
    skipped. Raises LoginError.
    """
    user = pwd.getpwuid(user_id)
    shell = user.pw_shell or "/bin/sh"
    mark = secrets.token_hex(16)
    start = {"HOME": user.pw_dir, "SHELL": shell, "USER": user.pw_name, "LOGNAME": user.pw_name, "PATH": _PATH}
    try:
        process = await asyncio.create_subprocess_exec(
            f"-{os.path.basename(shell)}",  # the dash makes it a login shell, in every shell
            "-c",
            f"printf %s {mark}; exec env -0",
            executable=shell,
            env=start,
            cwd=user.pw_dir if Path(user.pw_dir).is_dir() else "/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise LoginError(f"{shell}: {error.strerror}") from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise LoginError(f"{shell} took more than {timeout:g} seconds") from None
    _, found, entries = os.fsdecode(output).partition(mark)
    if not found:
        raise LoginError(f"{shell} ended without telling its environment (exit code {process.returncode})")
    pairs = (entry.partition("=") for entry in entries.split("\0"))
    return {name: value for name, equals, value in pairs if equals}
