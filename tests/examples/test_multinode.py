"""The examples for several nodes, as they stand in examples/multinode."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest

from tests.shim import Shim, shim_in

EXAMPLES = Path(__file__).parents[2] / "examples" / "multinode"
RESOLVABLE = """\
[[node]]
name = "127.0.0.[1-4]"
cpus = 8
memory = 8000
"""


@pytest.fixture
def resolvable(tmp_path: Path) -> Iterator[Shim]:
    """Four nodes whose names every machine resolves; for n1 to n4 `slurm-shim hosts` would be needed."""
    with shim_in(tmp_path, RESOLVABLE) as it:
        shutil.copytree(EXAMPLES, it.work, dirs_exist_ok=True)
        yield it


@pytest.mark.parametrize("script", ["srun.sh", "torchrun.sh"])
def test_ranks_meet_at_the_first_node(resolvable: Shim, script: str) -> None:
    answer = resolvable.run("sbatch", "--wait", script)
    output = resolvable.output(1)
    assert answer.code == 0, output
    ranks = re.findall(r"^rank (\d) of 8 on (\S+): the sum is 28$", output, re.MULTILINE)
    assert sorted(rank for rank, _ in ranks) == list("01234567")
    assert Counter(node for _, node in ranks) == dict.fromkeys((f"127.0.0.{n}" for n in range(1, 5)), 2)
    assert len({(int(rank) // 2, node) for rank, node in ranks}) == 4  # two in a row share a node


@pytest.mark.skipif(not shutil.which("mpirun") or not find_library("pmix"), reason="Open MPI or PMIx is not installed")
def test_mpi_ranks(resolvable: Shim) -> None:
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    assert resolvable.run("sbatch", "--wait", "mpi.sh", **root).code == 0, resolvable.output(1)
    lines = resolvable.output(1).splitlines()
    assert {f"rank {rank} of 4" for rank in range(4)} <= set(lines)
    assert {f"PMIx rank {rank} of 4" for rank in range(4)} <= set(lines)
