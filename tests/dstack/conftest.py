"""Fixtures for tests through a dstack server."""

from pathlib import Path

import pytest

from tests.dstack.lab import Lab, runner


@pytest.fixture
def dates(dstack_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jobs on host lab-1 take the time from this file: an expression of `real` seconds, or `ms`, since the epoch."""
    clock, date = tmp_path / "clock", tmp_path / "dates" / "date"
    date.parent.mkdir()
    now = "ms=$(/bin/date +%s%3N) real=$((ms / 1000))"
    date.write_text(f'#!/bin/sh\n{now}\nexec /bin/date -d "@$(($(cat {clock})))" "$@"\n')
    date.chmod(0o755)
    monkeypatch.setitem(dstack_lab.hosts[1].environment, "PATH", f"{date.parent}:{runner.CONTAINER_PATH}")
    return clock
