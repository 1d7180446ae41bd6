"""A server that has forgotten all it knew, runs that are aborted, instances that go: nothing of ours is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Host, Lab
from tests.dstack.lab.proxy import Proxy
from tests.dstack.test_end_to_end import accounting, run_of
from tests.dstack.test_failures import DSTACK, ONCE_MORE, output
from tests.shim import Shim, shim_in, wait_until


@pytest.fixture(scope="module")
def lab_of_the_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """What is done to this one, others shall not see."""
    with Lab(tmp_path_factory.mktemp("lab"), hosts=[Host(cpus=4, memory_gb=16, blocks=4)] * 2) as lab:
        yield lab


@pytest.fixture
def dstack_lab(lab_of_the_module: Lab) -> Lab:
    lab_of_the_module.clear()
    return lab_of_the_module


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


def gated(shim: Shim, more: str = "") -> str:
    """A script that waits for the file `go`."""
    return f"#!/bin/sh\necho once >>{shim.folder}/ran\nuntil [ -e {shim.folder}/go ]; do sleep 0.1; done\n{more}"


def test_a_server_that_lost_its_database(cloud: Shim, dstack_lab: Lab) -> None:
    goes_on = cloud.submit("-w", "lab-0", script=gated(cloud, "exit 3\n"))
    array = cloud.submit("--array=1-2", "-w", "lab-0", script=gated(cloud))
    lost = cloud.submit("--requeue", "-w", "lab-1", script=ONCE_MORE)
    never = cloud.submit("--no-requeue", "-w", "lab-1", script="#!/bin/sh\nsleep 1000\n")
    wait_until(lambda: list(cloud.states().values()).count("RUNNING") == 5, lambda: cloud.log)
    waiting = cloud.submit("-N2", script="#!/bin/sh\n")
    dstack_lab.hosts[1].crash()
    dstack_lab.lose_database()
    cloud.kill_controller()
    wait_until(lambda: cloud.run("sinfo", "-h", "-o", "%T").out == "down*\n", lambda: cloud.log)
    assert cloud.run("sinfo", "-h", "-R", "-o", "%E").out == "no fleet of the dstack project has instances\n"
    later = cloud.submit(script="#!/bin/sh\n")
    (cloud.folder / "go").touch()
    assert cloud.wait(goes_on) == "FAILED"  # its guest went on, and has written down how it ended
    wait_until(lambda: cloud.states("-j", str(array)).get(f"{array}_1") == "COMPLETED", lambda: cloud.log)
    assert accounting(cloud, goes_on) == ["FAILED|3:0"]
    assert cloud.wait(never) == "NODE_FAIL"
    wait_until(lambda: cloud.states("-j", str(lost)) == {str(lost): "PENDING"}, lambda: cloud.log)
    why = cloud.run("squeue", "-h", "-t", "PD", "-o", "%i %R").out.splitlines()
    assert {line.split(" ")[0] for line in why} == {str(lost), str(waiting), str(later)}
    assert all("(" in line for line in why)
    dstack_lab.hosts[1].boot()
    dstack_lab.create_fleet()
    assert [cloud.wait(job) for job in (lost, waiting, later, array)] == ["COMPLETED"] * 4
    assert output(cloud, lost) == "restarts 1\n"
    assert (cloud.folder / "ran").read_text() == "once\n" * 3
    kept = cloud.run("sacct", "-D", "-n", "-P", "-X", "-j", str(lost), "-o", "State").out.split()
    assert kept == ["NODE_FAIL", "COMPLETED"]


def test_what_a_server_forgets_before_it_began_goes_back_to_the_queue(dstack_lab: Lab, tmp_path: Path) -> None:
    taken = []

    def forget(path: str) -> None:
        if path == "runs/apply" and not taken:
            dstack_lab.server.kill()
            taken.append(path)

    with Proxy(dstack_lab.url) as proxy:
        proxy.answered = forget
        config = configuration(dstack_lab, tmp_path).replace(dstack_lab.url, proxy.url)
        with shim_in(tmp_path, config) as shim:
            (shim.folder / "go").touch()
            job = shim.submit(script=gated(shim))
            wait_until(lambda: bool(taken), lambda: shim.log)
            dstack_lab.lose_database()
            wait_until(lambda: shim.states() == {str(job): "PENDING"}, lambda: f"{shim.states()}{shim.log}")
            dstack_lab.create_fleet()
            assert shim.wait(job) == "COMPLETED"
            assert (shim.folder / "ran").read_text() == "once\n"
            assert "Restarts=0" in shim.run("scontrol", "show", "job", str(job)).out


def test_an_instance_that_is_removed(cloud: Shim, dstack_lab: Lab) -> None:
    home = cloud.folder / "home"
    dstack_lab.write_cli_config(home)
    blocker = cloud.submit("-w", "lab-0", "--exclusive", script=gated(cloud))
    cloud.wait(blocker, "RUNNING")
    deleted = cloud.run(DSTACK, "fleet", "delete", dstack_lab.fleet, "-i", "1", "-y", HOME=str(home))
    assert deleted.code == 0, str(deleted)
    wait_until(lambda: cloud.run("sinfo", "-h", "-N", "-o", "%N").out == "lab-0\n", lambda: cloud.run("sinfo").out)
    cloud.kill_controller()
    job = cloud.submit("-n4", script="#!/bin/sh\n")
    assert cloud.run("squeue", "-h", "-j", str(job), "-o", "%T %R").out.startswith("PENDING (")
    (cloud.folder / "go").touch()
    assert [cloud.wait(one) for one in (blocker, job)] == ["COMPLETED"] * 2


def test_aborted_and_removed_with_dstacks_own_command(cloud: Shim, dstack_lab: Lab) -> None:
    home = cloud.folder / "home"
    dstack_lab.write_cli_config(home)
    job = cloud.submit("--requeue", script="#!/bin/sh\nsleep 1000\n")
    cloud.wait(job, "RUNNING")
    busy = cloud.run(DSTACK, "fleet", "delete", dstack_lab.fleet, "-i", "0", "-y", HOME=str(home))
    assert "Fleet instances are in use" in busy.out + busy.err
    assert cloud.states() == {str(job): "RUNNING"}
    name = run_of(dstack_lab, cloud, job)
    aborted = cloud.run(DSTACK, "stop", "-x", "-y", name, HOME=str(home))
    assert aborted.code == 0, str(aborted)
    cloud.kill_controller()
    assert cloud.wait(job) == "CANCELLED"
