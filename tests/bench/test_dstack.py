"""A thousand short tasks through a dstack server with its own timers, and the loop of `dstack apply` beside it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.measure import RESULTS
from tests.dstack.configuration import configuration
from tests.dstack.lab import Host, Lab
from tests.shim import shim_in, wait_until

TASKS, BLOCKS, LOOP = 1000, 16, 20
TASK = """\
type: task
name: loop-{}
entrypoint: /bin/sh
commands: ["-c", "true"]
resources: {{cpu: 1.., memory: 0.1GB.., disk: null}}
"""


@pytest.fixture(scope="module")
def plain_lab(tmp_path_factory: pytest.TempPathFactory):
    hosts = [Host(cpus=8, memory_gb=32, blocks=BLOCKS // 4)] * 4
    with Lab(tmp_path_factory.mktemp("plain"), hosts=hosts, timer_scale=1) as lab:
        yield lab


def note(line: str) -> None:
    print(line)
    with RESULTS.open("a") as file:
        file.write(line + "\n")


@pytest.mark.bench
def test_a_thousand_short_tasks(plain_lab: Lab, tmp_path: Path) -> None:
    config = configuration(plain_lab, tmp_path).replace("poll = 0.3", "poll = 2.0")
    with shim_in(tmp_path, config) as shim:
        shim.run("sinfo")
        begun = time.monotonic()
        array = shim.submit(f"--array=1-{TASKS}", "-c2", "-o", "/dev/null", script="#!/bin/sh\nexit 0\n")
        end = begun + 600

        def over() -> bool:
            done = shim.run("squeue", "-h", "-j", str(array), "-t", "PD,CF,R,CG", "-o", "%i").out == ""
            return done or time.monotonic() > end

        while not over():
            time.sleep(0.5)
        ours = time.monotonic() - begun
        states = shim.run("sacct", "-n", "-X", "-P", "-j", str(array), "-o", "State").out.split()
        assert states == ["COMPLETED"] * TASKS
    begun = time.monotonic()
    plain_lab.write_cli_config(tmp_path / "cli")
    for number in range(LOOP):
        (tmp_path / "task.yaml").write_text(TASK.format(number))
        subprocess.run(
            [str(Path(sys.executable).with_name("dstack")), "apply", "-y", "-f", "task.yaml"],
            cwd=tmp_path, env={"HOME": str(tmp_path / "cli"), "PATH": "/usr/bin:/bin"}, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
        if number >= 2 and time.monotonic() - begun > 120:
            break
    each = (time.monotonic() - begun) / (number + 1)
    note(
        f"dstack: {TASKS} tasks on {BLOCKS} blocks in {ours:.0f} s; `dstack apply` one after the other: {each:.1f} s "
        f"each ({number + 1} measured), {each * TASKS:.0f} s extrapolated, {each * TASKS / ours:.0f} times as long"
    )
    assert ours < 120
    assert each * TASKS > 20 * ours


@pytest.mark.bench
def test_added_delay_of_a_single_job(plain_lab: Lab, tmp_path: Path) -> None:
    config = configuration(plain_lab, tmp_path).replace("poll = 0.3", "poll = 2.0")
    with shim_in(tmp_path, config) as shim:
        starts, ends = [], []
        for _ in range(3):
            shim.run("sinfo")
            begun = time.time()
            job = shim.submit(script="#!/bin/bash\ndate +%s.%N; sleep 1; date +%s.%N\n")
            wait_until(lambda job=job: shim.states("-j", f"{job},{job}") == {str(job): "COMPLETED"}, lambda: shim.log)
            seen = time.time()
            first, last = map(float, shim.output(job).split())
            starts.append(first - begun)
            ends.append(seen - last)
        before, after = min(starts), min(ends)
        note(f"dstack: from sbatch to the first instruction {before:.2f} s, from the last to COMPLETED {after:.2f} s")
        assert min(ends) < 1
