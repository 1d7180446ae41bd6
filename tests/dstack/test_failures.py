"""What goes wrong with runs and hosts, and what becomes of the jobs, through the real server."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab, Machine, process, runner
from tests.dstack.test_end_to_end import accounting, run_of, runs
from tests.shim import Shim, shim_in, wait_until

TRUE = "#!/bin/sh\n"
SLEEP = "#!/bin/sh\nsleep 1000\n"
ONCE_MORE = "#!/bin/sh\necho restarts ${SLURM_RESTART_COUNT-none}\n[ $SLURM_RESTART_COUNT ] || sleep 1000\n"
DSTACK = str(Path(sys.executable).with_name("dstack"))


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


@pytest.fixture
def uploads(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path, 'mode = "upload"\n')) as it:
        yield it


@contextlib.contextmanager
def gone(host: Machine) -> Iterator[None]:
    """The host is lost, and comes back."""
    host.crash()
    try:
        yield
    finally:
        host.boot()


def status(lab: Lab, name: str) -> str:
    return next(run["status"] for run in runs(lab) if run["run_spec"]["run_name"] == name)


def output(shim: Shim, job: int | str) -> str:
    path = shim.work / f"slurm-{job}.out"
    return path.read_text() if path.exists() else ""


def test_an_image_that_cannot_be_pulled(cloud: Shim) -> None:
    job = cloud.submit("--container-image=registry.invalid#none:1", script=TRUE)
    assert cloud.wait(job) == "FAILED"
    assert accounting(cloud, job, "State,ExitCode") == ["FAILED|0:53"]


def test_somebody_stops_a_run_with_dstacks_own_command_and_deletes_it(cloud: Shim, dstack_lab: Lab) -> None:
    dstack_lab.write_cli_config(cloud.folder / "home")
    job = cloud.submit("--no-requeue", script=SLEEP)
    cloud.wait(job, "RUNNING")
    name = run_of(dstack_lab, cloud, job)
    stopped = cloud.run(DSTACK, "stop", "-y", name, HOME=str(cloud.folder / "home"))
    assert stopped.code == 0, str(stopped)
    wait_until(lambda: status(dstack_lab, name) == "terminated", lambda: cloud.log)
    dstack_lab.project_post("runs/delete", {"runs_names": [name]})
    assert cloud.wait(job) == "CANCELLED"


def test_jobs_of_lost_hosts_run_again_elsewhere(cloud: Shim, dstack_lab: Lab) -> None:
    lost, spot = dstack_lab.hosts[:2]
    dstack_lab.server.make_spot("lab-1")
    never = [cloud.submit("--no-requeue", "--gres=gpu:1", "-w", f"lab-{n}", script=SLEEP) for n in range(2)]
    again = [cloud.submit("--requeue", "--gres=gpu:1", script=ONCE_MORE)]  # the first node that has room
    tasks = cloud.submit("--requeue", "--array=1-2", "--gres=gpu:1", script=ONCE_MORE)
    again.append(cloud.submit("--requeue", "--gres=gpu:1", script=ONCE_MORE))
    names = [*map(str, again), f"{tasks}_1", f"{tasks}_2"]
    wait_until(lambda: all("none" in output(cloud, name) for name in names), lambda: cloud.run("squeue").out)
    wait_until(lambda: set(cloud.states("-t", "R")) >= set(map(str, never)), lambda: cloud.run("squeue").out)
    assert set(cloud.run("squeue", "-h", "-o", "%N").out.split()) == {"lab-0", "lab-1"}
    with gone(lost), gone(spot):
        cloud.kill_controller()
        ends = ["NODE_FAIL", "PREEMPTED"]
        wait_until(lambda: [accounting(cloud, job, "State")[0] for job in never] == ends, lambda: cloud.log)
        for job in (*again, tasks):
            assert cloud.wait(job) == "COMPLETED"
    assert [output(cloud, name) for name in names] == ["restarts 1\n"] * 4
    assert "Restarts=1" in cloud.run("scontrol", "show", "job", str(again[0])).out
    duplicates = cloud.run("sacct", "-D", "-n", "-P", "-X", "-j", str(again[1]), "-o", "State").out
    assert duplicates.split() == ["PREEMPTED", "COMPLETED"]


def test_a_guest_that_hangs_is_ended_by_dstack_at_the_limit(
    cloud: Shim, dstack_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SECOND", 0.01)
    monkeypatch.setattr(process, "KILL_AFTER", 0.5)
    hang = """\
parent() { awk '{ print $4 }' /proc/$1/stat; }
kill -STOP $(parent $(parent $PPID))
sleep 1000
"""
    job = cloud.submit("-t1", script=TRUE + hang)
    assert cloud.wait(job) == "TIMEOUT"


def test_the_time_limit_passes_while_the_controller_is_away(cloud: Shim, dates: Path) -> None:
    path = cloud.folder / "config.toml"
    path.write_text(path.read_text().replace("kill_wait = 2", "kill_wait = 60"))  # of the clock below
    begin = int(time.time())
    dates.write_text(f"{begin} + (ms - {begin}000) / 50")  # a minute takes three seconds
    job = cloud.submit(
        "-t1", "-w", "lab-1", script="#!/bin/bash\ntrap 'echo late; exit' TERM\nmkfifo never\nread <>never\n"
    )
    wait_until((cloud.work / "never").exists, lambda: cloud.log)
    cloud.kill_controller()
    wait_until(lambda: "late" in output(cloud, job), lambda: output(cloud, job))
    assert cloud.wait(job) == "TIMEOUT"
    assert "DUE TO TIME LIMIT ***\nlate\n" in output(cloud, job)


def test_two_controllers_share_a_project(dstack_lab: Lab, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with (
        shim_in(one, configuration(dstack_lab, one)) as first,
        shim_in(other, configuration(dstack_lab, other, 'mode = "upload"\n')) as second,
    ):
        go = tmp_path / "go"
        script = f"#!/bin/bash\necho $PWD $SLURM_JOB_ID\nuntil [ -e {go} ]; do sleep 0.1; done\n"
        assert (first.submit(script=script), second.submit(script=script)) == (1, 1)
        for shim in (first, second):
            shim.wait(1, "RUNNING")
        assert run_of(dstack_lab, first, 1) != run_of(dstack_lab, second, 1)
        go.touch()
        assert (first.wait(1), second.wait(1)) == ("COMPLETED", "COMPLETED")
        assert first.output(1) == f"{first.work} 1\n"
        assert second.output(1).endswith("/slurm-submit 1\n")


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_the_clock_of_a_host_is_wrong(cloud: Shim, dates: Path, skew: int) -> None:
    dates.write_text(f"real + {skew}")
    begun = int(time.time())
    job = cloud.submit("-w", "lab-1", script="#!/bin/sh\ndate +%s\n")
    assert cloud.wait(job) == "COMPLETED"
    now = time.time()
    assert abs(int(cloud.output(job)) - skew - now) < 100  # the host's clock really is wrong
    shown = accounting(cloud, job, "Start,End")[0].split("|")
    start, end = (time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) - time.timezone * 0 for text in shown)
    assert begun <= start <= end <= now


def test_more_output_than_dstack_keeps_waits_for_the_next_hour(
    uploads: Shim, dstack_lab: Lab, dates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dstack_lab.hosts[1].environment, "SHIM_HOURLY", "5000")
    dates.write_text("3600 * 480000 + 100")
    go = uploads.folder / "go"
    script = f"#!/bin/bash\nseq -w 3000\nuntil [ -e {go} ]; do sleep 0.1; done\nseq -w 3000\n"
    job = uploads.submit("-w", "lab-1", script=script)
    text = "".join(f"{n:04}\n" for n in range(1, 3001))
    for hour in range(3):
        dates.write_text(f"3600 * {480000 + hour} + 100")
        wait_until(lambda hour=hour: len(output(uploads, job)) == 5000 * (hour + 1), lambda: output(uploads, job)[-99:])
    assert output(uploads, job) == text
    go.touch()
    assert uploads.wait(job) == "COMPLETED"
    dropped = "slurm-shim: 15000 more bytes are not shown: dstack's log holds no more of one hour\n"
    assert output(uploads, job) == f"{text}\n{dropped}"


def test_a_log_beyond_dstacks_quota(uploads: Shim, dstack_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in dstack_lab.hosts:
        monkeypatch.setitem(host.environment, "SHIM_HOURLY", "100000000")
    job = uploads.submit(script="#!/bin/bash\nseq 100000\nsleep 1000\n")
    assert uploads.wait(job) == "FAILED"
    assert accounting(uploads, job) == ["FAILED|0:9"]
    assert "log_quota_exceeded" in uploads.log
