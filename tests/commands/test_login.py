"""The login environment: whatever the user's start-up files do."""

import asyncio
import os
import pwd
import signal
from pathlib import Path

import pytest

from shim.commands import login
from shim.commands.login import LoginError, login_environment


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose login shell is a script of the test's, in ``shell`` of the home folder returned."""
    entry = pwd.struct_passwd(("carol", "x", os.getuid(), os.getgid(), "", str(tmp_path), str(tmp_path / "shell")))
    monkeypatch.setattr(login.pwd, "getpwuid", lambda _: entry)
    return tmp_path


def write_shell(home: Path, text: str) -> None:
    shell = home / "shell"
    shell.write_text(f"#!/bin/sh\n{text}\n")
    shell.chmod(0o755)


def test_what_start_up_files_print_is_skipped(user: Path) -> None:
    write_shell(user, 'echo "Welcome, A=1"; export FROM_LOGIN="two\nlines"; exec /bin/sh "$@"')
    found = asyncio.run(login_environment(os.getuid()))
    assert found["FROM_LOGIN"] == "two\nlines"
    assert (found["HOME"], found["USER"], found["LOGNAME"]) == (str(user), "carol", "carol")
    assert not any("Welcome" in name for name in found)


def test_the_home_folder_is_where_it_starts(user: Path) -> None:
    write_shell(user, 'export WHERE="$(pwd)"; exec /bin/sh "$@"')
    assert asyncio.run(login_environment(os.getuid()))["WHERE"] == str(user)


def test_a_shell_that_hangs_is_ended(user: Path) -> None:
    write_shell(user, "exec cat /dev/zero > /dev/null")
    with pytest.raises(LoginError, match=r"took more than 0\.05 seconds"):
        asyncio.run(login_environment(os.getuid(), timeout=0.05))


def test_what_stays_in_the_background_is_not_waited_for(user: Path) -> None:
    write_shell(user, 'tail -f /dev/null & echo $! > pid; exec /bin/sh "$@"')
    try:
        assert asyncio.run(login_environment(os.getuid(), timeout=20))["USER"] == "carol"
    finally:
        os.kill(int((user / "pid").read_text()), signal.SIGKILL)


def test_a_shell_that_gives_up(user: Path) -> None:
    write_shell(user, "echo This account is not available; exit 1")
    with pytest.raises(LoginError, match=r"without telling its environment \(exit code 1\)"):
        asyncio.run(login_environment(os.getuid()))


def test_a_shell_that_is_not_there(user: Path) -> None:
    with pytest.raises(LoginError, match="shell: No such file or directory"):
        asyncio.run(login_environment(os.getuid()))
