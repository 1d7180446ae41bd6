"""Graphs of dependent jobs, run for real: each job writes its name when it runs, and order is judged by that."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim import api
from tests.shim import Shim, shim_in, wait_until


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shim]:
    """A node with many CPUs, so that nothing but dependencies holds jobs back; submissions by the Python API."""
    with shim_in(tmp_path, '[[node]]\nname = "n1"\ncpus = 16\nmemory = 64000\n') as shim:
        shim.run("squeue")
        for name, value in shim.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(shim.work)
        yield shim


def script(order: Path, name: object) -> bytes:
    return f"#!/bin/sh\necho {name} >> {order}\n".encode()


def run_graph(shim: Shim, parents: dict[int, list[int]]) -> list[int]:
    """Submit a graph (numbered in topological order) held at its root, run it, and return the order of the runs."""
    order = shim.work / "order"
    gate = api.submit(b"#!/bin/sh\n", "--hold", "--output=/dev/null")
    ids: dict[int, int] = {}
    for node, before in parents.items():
        wanted = ":".join(str(ids[parent]) for parent in before) or str(gate)
        ids[node] = api.submit(script(order, node), f"--dependency=afterok:{wanted}", "--output=/dev/null")
    assert api.run("scontrol", "release", str(gate)).code == 0
    last = list(parents)[-1]
    api.run("sbatch", "--wait", f"--dependency=afterany:{ids[last]}", "--output=/dev/null", stdin=b"#!/bin/sh\n")
    wait_until(lambda: not api.run("squeue", "-h", "-o", "%i").stdout, lambda: api.run("squeue").stdout)
    return [int(line) for line in order.read_text().split()]


def assert_in_order(runs: list[int], parents: dict[int, list[int]]) -> None:
    assert sorted(runs) == sorted(parents), "each job runs exactly once"
    place = {node: at for at, node in enumerate(runs)}
    for node, before in parents.items():
        assert all(place[parent] < place[node] for parent in before), f"{node} ran before one of {before}"


def test_a_diamond(wide: Shim) -> None:
    parents = {0: [], 1: [0], 2: [0], 3: [1, 2]}
    assert_in_order(run_graph(wide, parents), parents)


def test_a_fan_in_of_a_hundred(wide: Shim) -> None:
    parents: dict[int, list[int]] = {node: [] for node in range(100)}
    parents[100] = list(range(100))
    assert_in_order(run_graph(wide, parents), parents)


@pytest.mark.soak
def test_a_chain_of_a_thousand(wide: Shim) -> None:
    parents: dict[int, list[int]] = {node: [node - 1] if node else [] for node in range(1000)}
    assert run_graph(wide, parents) == list(range(1000))


@pytest.mark.soak
def test_a_graph_of_ten_thousand(wide: Shim) -> None:
    chance = random.Random(1)
    parents: dict[int, list[int]] = {
        node: sorted(chance.sample(range(max(0, node - 300), node), min(node, chance.randint(1, 3))))
        for node in range(10_000)
    }
    assert_in_order(run_graph(wide, parents), parents)


def test_the_environment_is_left_alone(wide: Shim) -> None:
    """The API submits with the caller's environment, as the command does."""
    os.environ["MARK"] = "two\nlines ${{ x }} $$ é"
    job = api.submit(b'#!/bin/sh\nprintf %s "$MARK"\n', "--wait")
    assert wide.output(job) == os.environ.pop("MARK")
