"""How many tasks a second, how quick a reaction: against xargs, HyperQueue and real Slurm in the same run."""

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim import api
from tests.bench import real
from tests.bench.measure import note, seconds
from tests.shim import Shim, shim_in, wait_until

pytestmark = pytest.mark.bench
CORES = len(os.sched_getaffinity(0))
SCRIPT = "#!/bin/bash\nexit 0\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shim]:
    """The shim on this machine's CPUs, called through the Python API."""
    with shim_in(tmp_path) as shim:
        for name, value in shim.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(shim.work)
        script = shim.work / "exit.sh"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        shim.wait(shim.submit("--wrap", "true"))
        yield shim


def hyperqueue(count: int, script: Path) -> float | None:
    """Seconds that HyperQueue takes for so many runs of a script, None where it is not installed."""
    if importlib.util.find_spec("hyperqueue") is None:
        return None
    argv = [sys.executable, str(Path(__file__).with_name("hyperqueue_run.py")), str(count), str(CORES), str(script)]
    out = subprocess.run(argv, capture_output=True, check=True, cwd=script.parent).stdout.decode()
    return float(out.split("SECONDS")[1])


def real_array(count: int) -> float | None:
    """Seconds that the real cluster takes for an array of so many tasks."""
    if not real.CONF:
        return None

    def run() -> None:
        job = real.call("sbatch", "--parsable", "-o", "/dev/null", f"--array=1-{count}", "--wrap", "exit 0").strip()
        wait_until(lambda: not real.call("squeue", "-h", "-j", job).strip(), "the array of the real cluster")

    return seconds(run)


def test_an_array_of_a_thousand(host: Shim) -> None:
    def array() -> None:
        assert host.run("sbatch", "-W", "-a", "0-999", "exit.sh").code == 0

    def xargs() -> None:
        command = f"seq 1000 | xargs -P {CORES} -I@ sh -c 'exec ./exit.sh > out.@'"
        subprocess.run(["sh", "-c", command], cwd=host.work, check=True)

    def bare_xargs() -> None:
        subprocess.run(["sh", "-c", f"seq 1000 | xargs -P {CORES} -n1 ./exit.sh"], cwd=host.work, check=True)

    rounds = [(seconds(array), seconds(bare_xargs), seconds(xargs)) for _ in range(3)]
    ours, bare, files = (statistics.median(column) for column in zip(*rounds, strict=True))
    rate = 1000 / ours
    note(
        "an array of 1,000 tasks",
        f"{rate:.0f} tasks/s",
        f"xargs -P {CORES}: {1000 / bare:.0f}/s, ratio {bare / ours:.2f}",
    )
    note("", "", f"xargs writing a file each: {1000 / files:.0f}/s, ratio {files / ours:.2f}")
    if (theirs := hyperqueue(1000, host.work / "exit.sh")) is not None:
        note("", "", f"HyperQueue: {1000 / theirs:.0f}/s, {theirs / ours:.1f} times")
        assert ours < theirs
    if (cluster := real_array(200)) is not None:
        note("", "", f"real Slurm: {200 / cluster:.0f}/s, {rate * cluster / 200:.0f} times")
        assert rate > 10 * 200 / cluster
    assert bare / ours > 0.5


def test_two_hundred_jobs(host: Shim) -> None:
    def jobs() -> None:
        subprocess.run(
            ["sh", "-c", "for i in $(seq 200); do sbatch -o /dev/null --wrap true >/dev/null; done"],
            cwd=host.work, env=host.environment, check=True,
        )  # fmt: skip
        wait_until(lambda: not api.run("squeue", "-h").stdout, "200 jobs")

    def from_one_process() -> None:
        for _ in range(200):
            api.submit(SCRIPT.encode(), "-o/dev/null")
        wait_until(lambda: not api.run("squeue", "-h").stdout, "200 jobs")

    ours, one = seconds(jobs), seconds(from_one_process)
    note("200 jobs from a shell loop, submission to all finished", f"{ours:.2f} s", "")
    note("200 jobs through shim.api, submission to all finished", f"{one:.2f} s", "")
    if (theirs := hyperqueue(200, host.work / "exit.sh")) is not None:
        note("", "", f"HyperQueue (one process submits): {theirs:.2f} s")
        assert one < theirs


def test_a_thousand_submissions_in_a_shell_loop(host: Shim) -> None:
    loop = "for i in $(seq 1000); do {} -H --wrap true >/dev/null; done"
    ours = seconds(lambda: subprocess.run(["sh", "-c", loop.format("sbatch")], env=host.environment, check=True))
    in_process = seconds(lambda: [api.submit(b"#!/bin/sh\ntrue\n", "-H") for _ in range(1000)])
    note("1,000 sbatch in a shell loop", f"{ours:.1f} s", "")
    note("1,000 submissions through shim.api", f"{in_process:.2f} s", "")
    if real.CONF:
        theirs = seconds(lambda: real.call("sh", "-c", loop.format("/usr/bin/sbatch")))
        real.call("scancel", "--me")
        note(
            "", "", f"real Slurm's loop: {theirs:.1f} s, ratio {ours / theirs:.2f}; shim.api {in_process / theirs:.2f}"
        )
        assert ours < 3 * theirs
        assert in_process < theirs


def stamps(path: Path, count: int) -> list[float]:
    wait_until(lambda: path.exists() and len(path.read_text().split()) >= count, str(path))
    return [float(word) for word in path.read_text().split()]


def test_reactions(host: Shim) -> None:
    stamp = "#!/bin/bash\necho $EPOCHREALTIME >> {}\n"
    starts, links = [], []
    for number in range(15):
        mark = host.work / f"start{number}"
        before = time.time()
        api.submit(stamp.format(mark).encode(), "-o/dev/null")
        starts.append(stamps(mark, 1)[0] - before)
    for number in range(15):
        mark = host.work / f"link{number}"
        first = api.submit(stamp.format(mark).encode(), "-H", "-o/dev/null")
        api.submit(stamp.format(mark).encode(), f"--dependency=afterok:{first}", "-o/dev/null")
        api.run("scontrol", "release", str(first))
        end, begin = stamps(mark, 2)
        links.append(begin - end)
    start, link = statistics.median(starts) * 1000, statistics.median(links) * 1000
    note("submission to first line", f"{start:.0f} ms", "real Slurm: about 1,950 ms")
    note("last line of A to first line of B (afterok)", f"{link:.0f} ms", "real Slurm: about 2,000 ms")
    assert start < 50
    assert link < 50


def test_ten_thousand_dependants_are_released_at_once(host: Shim) -> None:
    parent = api.submit(b"#!/bin/sh\n", "-H", "-o/dev/null")
    for _ in range(10_000):
        api.submit(b"#!/bin/sh\n", f"--dependency=afterany:{parent}", "-o/dev/null")
    api.run("scancel", str(parent))

    def released() -> None:
        wait_until(lambda: "Dependency" not in api.run("squeue", "-h", "-t", "PD", "-o", "%r").stdout, "the release")

    took = seconds(released)
    note("10,000 dependants of one job released", f"{took:.2f} s", "")
    api.run("scancel", "--me")
    assert took < 1
