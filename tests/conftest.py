"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.shim import FOUR_NODES, Shim, shim_in

if TYPE_CHECKING:
    from tests.dstack.lab import Lab


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a dstack server has its marker: such tests take minutes."""
    for item in items:
        chosen = getattr(item, "callspec", None)
        needs = "dstack_lab" in getattr(item, "fixturenames", ())
        if needs or (chosen and "dstack" in map(str, chosen.params.values())) or item.path.name == "test_lab.py":
            item.add_marker("dstack")


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
def lab_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Lab]":
    """A dstack server and four hosts with four GPUs in four blocks each."""
    from tests.dstack.lab import Host, Lab

    host = Host(cpus=8, memory_gb=32, gpus=4, gpu_name="NVIDIA A100-SXM4-80GB", gpu_memory_gb=80, blocks=4)
    quota = {"DSTACK_SERVER_LOG_QUOTA_PER_JOB_HOUR": "100000"}  # bytes; dstack's own is 50 MiB
    with Lab(tmp_path_factory.mktemp("lab"), hosts=[host] * 4, environment=quota) as lab:
        yield lab


@pytest.fixture
def dstack_lab(lab_of_the_session: "Lab") -> "Lab":
    """The lab of the session with idle hosts, whatever the test before has left there."""
    lab_of_the_session.clear()
    return lab_of_the_session
