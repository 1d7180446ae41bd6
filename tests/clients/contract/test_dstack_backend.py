"""dstack's own Slurm backend, its caller's code unchanged, with a local shell where it would have SSH."""

import subprocess

import pytest
from dstack._internal.core.backends.slurm.client import SlurmClient
from dstack._internal.core.backends.slurm.resources import parse_gres_gpu_count

from .conftest import Caller


class LocalClient(SlurmClient):
    """dstack's caller whose scripts go to a shell on this host."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(hostname="localhost", port=22, user=caller.cluster.user, private_key="")
        self._shell = caller.cluster.argv(caller.here, [], "bash")
        self._client = self  # type: ignore[assignment]  # connected
        self._here = caller.here

    def _exec(self, script: str, timeout: float) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            self._shell, input=script.encode(), cwd=self._here, capture_output=True, timeout=timeout, check=False
        )
        return done.returncode, done.stdout, done.stderr


SCRIPT = """#!/bin/sh
#SBATCH --job-name=dstack-run
#SBATCH --output=/dev/null
#SBATCH --no-requeue
#SBATCH --partition=debug
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --mem=512M
set -eu
echo > started
sleep 600"""


@pytest.fixture
def backend(caller: Caller) -> LocalClient:
    return LocalClient(caller)


def test_ping(backend: LocalClient) -> None:
    backend.ping()


def test_partitions(backend: LocalClient) -> None:
    assert backend.get_partitions() == ["debug", "gpu"]


def test_nodes(backend: LocalClient) -> None:
    nodes = backend.get_nodes()
    assert [(node.name, node.cpus, node.memory_mib, node.partitions) for node in nodes] == [
        ("n1", 8, 8000, ["debug"]),
        ("n2", 8, 8000, ["debug"]),
        ("n3", 8, 8000, ["debug", "gpu"]),
        ("n4", 8, 8000, ["debug", "gpu"]),
    ]
    assert {node.arch for node in nodes} == {"x86_64"}
    assert [sum(map(parse_gres_gpu_count, node.gres)) for node in nodes] == [0, 0, 4, 4]


def test_life_of_a_job(caller: Caller, backend: LocalClient) -> None:
    fifo = caller.here / "started"
    caller.out("mkfifo", fifo)
    job = backend.submit_batch_script(SCRIPT)
    with fifo.open() as started:
        started.read()
    assert backend.get_job_partition(job) == "debug"
    nodes = backend.get_job_nodes(job)
    assert [(node.name, node.ip) for node in nodes] == [("n1", "127.0.0.1"), ("n2", "127.0.0.1")]
    if caller.cluster.name != "slurm":  # the option came with Slurm 23.11
        assert backend.get_job_state(job) == "RUNNING"
    backend.cancel_job(job)
