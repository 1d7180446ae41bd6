"""One emulated cluster for all tests of a file: steps leave nothing behind."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.shim import FOUR_NODES, Shim, shim_in

Job = Callable[..., str]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    with shim_in(tmp_path_factory.mktemp("steps"), FOUR_NODES) as it:
        yield it


@pytest.fixture
def job(lab: Shim) -> Job:
    """Run a batch script to its end; what it has printed, both streams together."""

    def run(script: str, *options: str, **env: str) -> str:
        answer = lab.run(
            "sbatch", "-W", "--parsable", "-o", "job.out", *options, stdin=f"#!/bin/bash\nexec 2>&1\n{script}", **env
        )
        assert re.fullmatch(r"\d+\n", answer.out), str(answer)
        return (lab.work / "job.out").read_text()

    return run
