"""A server that is away, that refuses us, that is restarted or that hears from us once too often."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.lab.proxy import Proxy
from tests.dstack.test_end_to_end import accounting, runs
from tests.shim import PATIENCE, REPOSITORY, Shim, shim_in, wait_until

TRUE = "#!/bin/sh\n"


@pytest.fixture
def proxy(dstack_lab: Lab) -> Iterator[Proxy]:
    with Proxy(dstack_lab.url) as it:
        yield it


@pytest.fixture(params=["shared", "upload"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def cloud(dstack_lab: Lab, proxy: Proxy, tmp_path: Path) -> Iterator[Shim]:
    config = configuration(dstack_lab, tmp_path).replace(dstack_lab.url, proxy.url)
    with shim_in(tmp_path, config) as it:
        yield it


@pytest.fixture
def either(dstack_lab: Lab, proxy: Proxy, tmp_path: Path, mode: str) -> Iterator[Shim]:
    """Of both ways to reach files."""
    config = configuration(dstack_lab, tmp_path, f'mode = "{mode}"\n').replace(dstack_lab.url, proxy.url)
    with shim_in(tmp_path, config) as it:
        yield it


def mine(shim: Shim, lab: Lab) -> list[dict[str, str]]:
    """The tags of all runs of this controller."""
    controller = (shim.state / "dstack-controller").read_text()
    tags = [run["run_spec"]["configuration"].get("tags") or {} for run in runs(lab)]
    return [tag for tag in tags if tag.get("slurm-controller") == controller]


def test_away_before_it_was_ever_seen(cloud: Shim, proxy: Proxy) -> None:
    proxy.refusing = True
    job = cloud.submit("--gres=gpu:a100:1", script="#!/bin/sh\necho back\n")
    why = "(Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions)"
    wait_until(lambda: why in cloud.run("squeue", "-h", "-o", "%R").out, lambda: cloud.log)
    assert cloud.run("sinfo", "-h", "-R", "-o", "%E").out == f"dstack server {proxy.url}: 503 Service Unavailable\n"
    assert cloud.states() == {str(job): "PENDING"}
    proxy.refusing = False
    assert cloud.wait(job) == "COMPLETED"
    assert cloud.output(job) == "back\n"


def test_killed_and_restarted_under_a_job(either: Shim, dstack_lab: Lab) -> None:
    go = either.folder / "go"  # the lab's hosts are this machine
    job = either.submit(script=f"#!/bin/bash\necho before\nuntil [ -e {go} ]; do sleep 0.1; done\necho after\nexit 3\n")
    either.wait(job, "RUNNING")
    wait_until(lambda: either.output(job) == "before\n", lambda: either.log)
    dstack_lab.server.kill()
    go.touch()
    try:
        wait_until(lambda: "DOWN" in either.run("sinfo", "-h", "-o", "%T").out.upper(), lambda: either.log)
    finally:
        dstack_lab.server.start()
    assert either.wait(job) == "FAILED"
    assert either.output(job) == "before\nafter\n"
    assert accounting(either, job) == ["FAILED|3:0"]


def test_controller_killed_before_it_hears_of_its_run(either: Shim, dstack_lab: Lab, proxy: Proxy) -> None:
    killed = threading.Event()

    def kill_once(path: str) -> None:
        if path == "runs/apply" and not killed.is_set():
            either.kill_controller()
            killed.set()

    proxy.answered = kill_once
    job = either.submit(script=f"#!/bin/sh\necho once >>{either.folder}/ran\n")
    assert killed.wait(PATIENCE)
    assert either.wait(job) == "COMPLETED"
    assert (either.folder / "ran").read_text() == "once\n"
    assert [tags["slurm-job"] for tags in mine(either, dstack_lab)] == [str(job)]


def test_submission_that_arrives_after_the_next_controller_looked(cloud: Shim, dstack_lab: Lab, proxy: Proxy) -> None:
    first, second = threading.Event(), threading.Event()

    def hold_the_first(path: str) -> None:
        if path == "runs/apply" and not first.is_set():
            cloud.kill_controller()
            first.set()
            assert second.wait(PATIENCE)
        elif path == "runs/apply" and not second.is_set():
            second.set()
            arrived.wait(PATIENCE)

    def note(path: str) -> None:
        if path == "runs/apply":
            arrived.set()

    arrived = threading.Event()
    proxy.asked, proxy.answered = hold_the_first, note
    job = cloud.submit(script=f"#!/bin/sh\necho once >>{cloud.folder}/ran\n")
    assert first.wait(PATIENCE)
    assert cloud.wait(job) == "COMPLETED"
    assert (cloud.folder / "ran").read_text() == "once\n"
    assert [tags["slurm-job"] for tags in mine(cloud, dstack_lab)] == [str(job)]


def test_cancelled_while_the_server_is_away(either: Shim, dstack_lab: Lab, proxy: Proxy) -> None:
    job = either.submit(script="#!/bin/bash\necho up\nsleep 1000\n")
    either.wait(job, "RUNNING")
    wait_until(lambda: "up" in either.output(job), lambda: either.log)
    proxy.refusing = True
    asked = len(proxy.seen)
    either.run("scancel", str(job))
    wait_until(lambda: len(proxy.seen) > asked, lambda: either.log)
    proxy.refusing = False
    assert either.wait(job) == "CANCELLED"


def test_dead_server_is_asked_less_and_less_by_one_at_a_time(cloud: Shim, proxy: Proxy) -> None:
    proxy.refusing = True
    cloud.submit("--array=1-1000", script=TRUE)
    wait_until(lambda: len(proxy.seen) >= 5, lambda: cloud.log)
    moments = [seen.when for seen in proxy.seen]
    pauses = [after - before for before, after in pairwise(moments)]
    assert all(pause >= wanted for pause, wanted in zip(pauses, (0.5, 1, 2, 4), strict=False)), pauses


def test_a_thousand_waiting_jobs_ask_nothing(cloud: Shim, dstack_lab: Lab, proxy: Proxy) -> None:
    cloud.run("sinfo")
    blockers = [cloud.submit("-w", f"lab-{n}", "--exclusive", script=f"{TRUE}sleep 1000\n") for n in range(4)]
    for job in blockers:
        cloud.wait(job, "RUNNING")
    code = "from shim import api\nfor n in range(1000): api.submit('true.sh')\n"
    (cloud.work / "true.sh").write_text(TRUE)
    begin = len(proxy.seen)
    submitted = cloud.run(sys.executable, "-c", code, PYTHONPATH=str(REPOSITORY))
    assert submitted.code == 0, str(submitted)
    assert len(cloud.states("-t", "PD")) == 1000
    wait_until(lambda: proxy.paths(begin).count("runs/list") >= 6, lambda: cloud.log)
    asked = Counter(proxy.paths(begin))
    assert asked.keys() == {"runs/list", "fleets/list"}
    cloud.run("scancel", "-u", cloud.environment["USER"])


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ('token = "{token}"', 'token = "wrong"', "nvalid token"),
        ('project = "{project}"', 'project = "gone"', "no project"),
    ],
)
def test_refusal_of_all_we_ask_keeps_jobs_pending(
    cloud: Shim, dstack_lab: Lab, right: str, wrong: str, why: str
) -> None:
    cloud.run("sinfo")  # the nodes are known from now on
    path = cloud.folder / "config.toml"
    good = path.read_text()
    right = right.format(token=dstack_lab.token, project=dstack_lab.project)
    assert right in good
    path.write_text(good.replace(right, wrong))
    cloud.kill_controller()
    job = cloud.submit(script=TRUE)
    wait_until(lambda: why in cloud.run("sinfo", "-h", "-R", "-o", "%E").out, lambda: cloud.log)
    assert cloud.states("-j", f"{job},{job}") == {str(job): "PENDING"}
    path.write_text(good)
    cloud.kill_controller()
    assert cloud.wait(job) == "COMPLETED"
