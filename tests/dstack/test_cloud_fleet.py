"""No capacity: fleets in clouds, of which the lab has none, so there are never any offers; hosts that others hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.lab.proxy import Proxy
from tests.dstack.test_lab import submit, wait_for
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
    refused = cloud.run("sbatch", "-w", "lab-0", ":", "--gres=gpu:h100:1", stdin="#!/bin/sh\n")
    assert refused.code == 1
    why = "the components of a heterogeneous job share a run of dstack, thus its fleet, and none has nodes for all"
    assert why in refused.err
    here = cloud.submit("--gres=gpu:a100:1", script="#!/bin/sh\n")
    assert cloud.wait(here) == "COMPLETED"


def test_others_are_quicker(dstack_lab: Lab, tmp_path: Path) -> None:
    whole = {"cpu": "8..", "memory": "1GB..", "disk": None}
    others: list[str] = []

    def take_all(path: str) -> None:
        """Between our look at the fleets and our submission."""
        if path == "runs/apply" and not others:
            others.extend(submit(dstack_lab, "sleep 1000", resources=whole) for _ in range(4))
            for name in others:
                wait_for(dstack_lab, name, {"running"})

    with Proxy(dstack_lab.url) as proxy:
        config = configuration(dstack_lab, tmp_path).replace(dstack_lab.url, proxy.url)
        with shim_in(tmp_path, config) as shim:
            proxy.asked = take_all
            job = shim.submit(script="#!/bin/sh\n")
            wait_until(lambda: shim.run("squeue", "-h", "-o", "%T %R").out == "PENDING (Resources)\n", lambda: shim.log)
            begin = len(proxy.seen)
            wait_until(lambda: proxy.paths(begin).count("fleets/list") >= 2, lambda: shim.log)
            assert "runs/apply" not in proxy.paths(begin)
            assert shim.states() == {str(job): "PENDING"}
            dstack_lab.project_post("runs/stop", {"runs_names": others, "abort": False})
            assert shim.wait(job) == "COMPLETED"
