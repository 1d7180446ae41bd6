"""What goes wrong at dstack, and what becomes of the jobs, through the real server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shim.executor.dstack import verdict
from shim.executor.dstack.model import NodeRun, Run
from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.test_end_to_end import accounting, run_of, runs
from tests.shim import Shim, shim_in, wait_until

TRUE = "#!/bin/sh\n"


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


def test_an_image_that_cannot_be_pulled(cloud: Shim) -> None:
    job = cloud.submit("--container-image=registry.invalid#none:1", script=TRUE)
    assert cloud.wait(job) == "FAILED"
    assert accounting(cloud, job, "State,ExitCode") == ["FAILED|0:53"]


def test_a_run_that_somebody_stops_and_deletes(cloud: Shim, dstack_lab: Lab) -> None:
    job = cloud.submit("--no-requeue", script="#!/bin/sh\nsleep 1000\n")
    cloud.wait(job, "RUNNING")
    name = run_of(dstack_lab, cloud, job)
    dstack_lab.project_post("runs/stop", {"runs_names": [name], "abort": False})
    wait_until(
        lambda: [r["status"] for r in runs(dstack_lab) if r["run_spec"]["run_name"] == name] == ["terminated"],
        lambda: cloud.log,
    )
    dstack_lab.project_post("runs/delete", {"runs_names": [name]})
    assert cloud.wait(job) == "CANCELLED"


def test_a_spot_instance_that_is_taken_away_preempts_its_job() -> None:
    node = NodeRun(0, "", "failed", None, "interrupted_by_no_capacity", "", "")
    run = Run("", "", "failed", "", "job_failed", 0.0, {}, (node,))
    ended = verdict.from_run(1, 0, run, 10.0, 20.0)
    assert (ended.ending, ended.node_failure) == ("PREEMPTED", "interrupted_by_no_capacity")
    lost = verdict.from_run(1, 0, replace(run, nodes=(replace(node, reason="instance_unreachable"),)), 10.0, 20.0)
    assert (lost.ending, lost.node_failure) == ("", "instance_unreachable")
