from collections.abc import Iterator

import pytest

from tests.dstack.lab import Host, Lab

GPU_HOST = Host(cpus=8, memory_gb=32, gpus=4, gpu_name="NVIDIA A100-SXM4-80GB", gpu_memory_gb=80, blocks=4)


@pytest.fixture(scope="session")
def dstack_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server and four hosts with four GPUs in four blocks each, for the whole session."""
    with Lab(tmp_path_factory.mktemp("lab"), hosts=[GPU_HOST] * 4) as lab:
        yield lab
