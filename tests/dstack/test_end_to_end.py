"""Scripts that go through the shim, the unmodified dstack server and the loopback fleet, and come back."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.shim import Shim, shim_in, wait_until


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


def accounting(shim: Shim, job: int | str, fields: str = "State,ExitCode") -> list[str]:
    return shim.run("sacct", "-n", "-P", "-X", "-j", str(job), "-o", fields).out.splitlines()


def runs(lab: Lab) -> list[dict[str, Any]]:
    return lab.post("runs/list", {"project_name": lab.project, "limit": 100})


def run_of(lab: Lab, shim: Shim, job: int) -> str:
    """The name of a job's run: another controller's run may have had the plain one first."""
    controller = (shim.state / "dstack-controller").read_text()
    wanted = {"slurm-controller": controller, "slurm-job": str(job)}
    found = [
        run["run_spec"]
        for run in runs(lab)
        if wanted.items() <= (run["run_spec"]["configuration"].get("tags") or {}).items()
    ]
    assert len(found) == 1
    return found[0]["run_name"]


def test_instances_are_nodes(cloud: Shim) -> None:
    assert cloud.run("sinfo", "-h", "-N", "-o", "%N %c %m %G %t").out.splitlines() == [
        f"lab-{n} 8 32768 gpu:a100-80g:4 idle" for n in range(4)
    ]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--gres=gpu:h100:1"], "Requested node configuration is not available"),
        (["--gres=gpu:1g.5gb:1"], "GPU type 1g.5gb: dstack hands out whole GPUs, no MIG slices"),
        (["--gres=nvme:1"], "Invalid generic resource (gres) specification"),
    ],
)
def test_what_dstack_cannot_do_is_refused_at_submission(cloud: Shim, options: list[str], complaint: str) -> None:
    answer = cloud.run("sbatch", *options, stdin="#!/bin/sh\ntrue\n")
    assert answer.code == 1
    assert complaint in answer.err


def test_a_job_is_cancelled_before_it_has_begun(cloud: Shim) -> None:
    job = cloud.submit(script="#!/bin/bash\nsleep 1000\n")
    cloud.wait(job, "CONFIGURING", "RUNNING")
    cloud.run("scancel", str(job))
    assert cloud.wait(job) == "CANCELLED"


def test_array_tasks_share_runs(cloud: Shim, dstack_lab: Lab) -> None:
    before = len(runs(dstack_lab))
    script = '#!/bin/bash\necho "$SLURM_ARRAY_TASK_ID $SLURM_ARRAY_JOB_ID"\nexit $((SLURM_ARRAY_TASK_ID % 2))\n'
    array = cloud.submit("--array=1-12%2", "--gres=gpu:1", script=script)
    wait_until(lambda: set(cloud.states("-j", str(array)).values()) == {"COMPLETED", "FAILED"}, lambda: cloud.log)
    assert [cloud.output(f"{array}_{n}") for n in range(1, 13)] == [f"{n} {array}\n" for n in range(1, 13)]
    assert sorted(accounting(cloud, array)) == ["COMPLETED|0:0"] * 6 + ["FAILED|1:0"] * 6
    assert len(runs(dstack_lab)) - before <= 4


def test_a_controller_killed_in_the_middle_finds_its_runs(cloud: Shim, dstack_lab: Lab) -> None:
    script = f"#!/bin/bash\necho up\nwhile [ ! -e {cloud.work}/go ]; do sleep 0.1; done\nexit 7\n"
    jobs = [cloud.submit(script=script) for _ in range(2)]
    cloud.wait(jobs[0], "RUNNING")
    cloud.kill_controller()
    (cloud.work / "go").touch()
    assert [cloud.wait(job) for job in jobs] == ["FAILED", "FAILED"]
    assert [accounting(cloud, job)[0] for job in jobs] == ["FAILED|7:0"] * 2
    controller = (cloud.state / "dstack-controller").read_text()
    tags = [run["run_spec"]["configuration"].get("tags") or {} for run in runs(dstack_lab)]
    mine = sorted(tag["slurm-job"] for tag in tags if tag.get("slurm-controller") == controller)
    assert mine == [str(job) for job in jobs]


def test_the_token_is_nowhere(cloud: Shim, dstack_lab: Lab) -> None:
    job = cloud.submit(script="#!/bin/bash\nenv\n")
    cloud.wait(job)
    texts = [cloud.output(job), cloud.log, json.dumps(runs(dstack_lab))]
    assert not [text for text in texts if dstack_lab.token in text]


def test_the_task_that_dstack_is_given_can_be_seen(cloud: Shim, dstack_lab: Lab) -> None:
    dstack_lab.write_cli_config(cloud.folder / "home")
    tested = cloud.run("sbatch", "--test-only", "-v", "--gres=gpu:a100:2", "--wrap", "true")
    assert tested.code == 0
    job = cloud.submit("--hold", "--gres=gpu:a100:2", script="#!/bin/sh\ntrue\n")
    shown = cloud.run("scontrol", "show", "job", str(job), "--yaml").out
    for text in (tested.out, shown):
        task = yaml.safe_load(text)
        assert (task["type"], task["resources"]["gpu"]["count"]) == ("task", "2..")
        (cloud.work / "task.yaml").write_text(text)
        dstack = Path(sys.executable).with_name("dstack")
        applied = cloud.run(str(dstack), "apply", "-y", "-d", "-f", "task.yaml", HOME=str(cloud.folder / "home"))
        assert applied.code == 0, str(applied)
