from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.shim import Shim, shim_in

FOUR_GPU_NODES = """\
cluster_name = "here"
kill_wait = 2
max_array_size = 10001
memory_enforcement = "none"

[[node]]
name = "n[1-4]"
cpus = 8
memory = 32768
gres = "gpu:a100:4"

[[partition]]
name = "gpu"
nodes = "ALL"
default = true
"""


@pytest.fixture(params=["local", "dstack"])
def shim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shim]:
    """Four nodes with 8 CPUs and 4 GPUs each, emulated here or of dstack's."""
    config = FOUR_GPU_NODES
    if request.param == "dstack":
        config = configuration(request.getfixturevalue("dstack_lab"), tmp_path)
    with shim_in(tmp_path, config) as it:
        yield it


@pytest.fixture
def cluster(dstack_lab: object, tmp_path: Path) -> Iterator[Shim]:
    """What the examples of the local executor run on, here with dstack."""
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it
