"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shim import FOUR_NODES, Shim, shim_in


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[Shim]:
    """The shim without any configuration: one node, this machine."""
    with shim_in(tmp_path) as it:
        yield it


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Shim]:
    """The shim with four emulated nodes, n1 to n4."""
    with shim_in(tmp_path, FOUR_NODES) as it:
        yield it
