"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.shim import FOUR_NODES, Shim, shim_in

if TYPE_CHECKING:
    from tests.dstack.lab import Lab


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


@pytest.fixture(scope="session")
def dstack_lab(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Lab]":
    """A dstack server and four hosts with four GPUs in four blocks each, for the whole session."""
    from tests.dstack.lab import Host, Lab

    host = Host(cpus=8, memory_gb=32, gpus=4, gpu_name="NVIDIA A100-SXM4-80GB", gpu_memory_gb=80, blocks=4)
    with Lab(tmp_path_factory.mktemp("lab"), hosts=[host] * 4) as lab:
        yield lab
