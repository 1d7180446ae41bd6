"""One job through a server with its own timers."""

from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Host, Lab
from tests.shim import shim_in


@pytest.mark.unscaled
def test_a_job_with_the_servers_own_timers(tmp_path: Path) -> None:
    folder = tmp_path / "shim"
    with (
        Lab(tmp_path / "lab", hosts=[Host()] * 2, timer_scale=1) as lab,
        shim_in(folder, configuration(lab, folder)) as shim,
    ):
        job = shim.submit("-N2", script="#!/bin/bash\nsrun -l hostname | wc -l\nexit 2\n")
        assert shim.wait(job) == "FAILED"
        assert shim.output(job) == "2\n"
