"""A fleet that provisions instances when they are asked for; the lab has no cloud, so there are never any offers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.shim import Shim, shim_in, wait_until


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    configuration_ = {"type": "fleet", "name": "clouds", "nodes": {"min": 0, "target": 0, "max": 3}}
    plan = {"spec": {"configuration": configuration_, "profile": {}}, "current_resource": None}
    dstack_lab.project_post("fleets/apply", {"plan": plan, "force": False})
    try:
        with shim_in(tmp_path, configuration(dstack_lab, tmp_path, "window = 2\n")) as it:
            yield it
    finally:
        dstack_lab.project_post("fleets/delete", {"names": ["clouds"]})


def test_a_window_of_nodes_to_be(cloud: Shim) -> None:
    assert cloud.run("sinfo", "-h", "-N", "-o", "%N").out.split()[:2] == ["clouds-new-0", "clouds-new-1"]
    job = cloud.submit("--gres=gpu:h100:2", script="#!/bin/sh\n")
    wait_until(lambda: "(Resources)" in cloud.run("squeue", "-h", "-o", "%T %R").out, lambda: cloud.log)
    assert cloud.states() == {str(job): "PENDING"}
    here = cloud.submit("--gres=gpu:a100:1", script="#!/bin/sh\n")
    assert cloud.wait(here) == "COMPLETED"
