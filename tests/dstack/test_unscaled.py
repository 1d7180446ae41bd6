"""Jobs through servers with their own timers: the oldest and the newest version that is supported."""

from importlib.metadata import version
from pathlib import Path

import pytest

from shim.executor.dstack.client import OLDEST_SERVER, SPOKEN_VERSION
from tests.clients.environments import environment
from tests.dstack.configuration import configuration
from tests.dstack.lab import Host, Lab, Release
from tests.shim import shim_in


def release(wanted: str) -> Release:
    """A version of dstack: the one that is installed here, or one of its own that is kept for the next time."""
    if wanted == version("dstack"):
        return Release()
    return Release(wanted, str(environment("dstack", (f"dstack[server]=={wanted}",)) / "bin" / "python"))


@pytest.mark.unscaled
@pytest.mark.parametrize("wanted", [".".join(map(str, numbers)) for numbers in (OLDEST_SERVER, SPOKEN_VERSION)])
def test_jobs_with_a_servers_own_timers(tmp_path: Path, wanted: str) -> None:
    shared, uploads = tmp_path / "shared", tmp_path / "uploads"
    with (
        Lab(tmp_path / "lab", hosts=[Host()] * 2, timer_scale=1, release=release(wanted)) as lab,
        shim_in(shared, configuration(lab, shared)) as one,
        shim_in(uploads, configuration(lab, uploads, 'mode = "upload"\n')) as other,
    ):
        assert lab.post("server/get_info")["server_version"] == wanted
        job = one.submit("-N2", script="#!/bin/bash\nsrun -l hostname | wc -l\nexit 2\n")
        assert one.wait(job) == "FAILED"
        assert one.output(job) == "2\n"
        array = one.submit("--array=1-4", script="#!/bin/bash\necho $SLURM_ARRAY_TASK_ID\n")
        (other.work / "here").write_text("text\n")
        job = other.submit(script="#!/bin/bash\ncat here\nexit 3\n")
        assert one.wait(array) == "COMPLETED"
        assert other.wait(job) == "FAILED"
        assert other.output(job) == "text\n"
