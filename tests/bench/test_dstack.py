"""A thousand short tasks through a dstack server with its own timers, and the loop of `dstack apply` beside it."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.measure import note
from tests.dstack.configuration import configuration
from tests.dstack.lab import Host, Lab
from tests.dstack.test_lab import FINAL, submit
from tests.shim import shim_in, wait_until

TASKS, BLOCKS, LOOP, SINGLE = 1000, 16, 20, 7
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
    each = dstack_apply(plain_lab, tmp_path)
    loop = f"`dstack apply` in a loop: {each * TASKS:.0f} s, extrapolated from {LOOP} of {each:.1f} s"
    note(f"{TASKS:,} tasks on {BLOCKS} blocks", f"{ours:.0f} s", f"{loop}, ratio {ours / each / TASKS:.4f}")
    assert ours < 120
    assert each * TASKS > 20 * ours


def dstack_apply(lab: Lab, folder: Path) -> float:
    """Seconds for one turn of the loop that dstack's users write today: apply, and wait for the end of the run.

    The lab's hosts have no SSH into jobs, by which `dstack apply` waits, so the run is looked at instead.
    """
    lab.write_cli_config(folder / "cli")
    dstack = str(Path(sys.executable).with_name("dstack"))
    environment = {"HOME": str(folder / "cli"), "PATH": "/usr/bin:/bin"}
    begun = time.monotonic()
    for number in range(LOOP):
        (folder / "task.yaml").write_text(TASK.format(number))
        command = [dstack, "apply", "-y", "-d", "-f", "task.yaml"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=300)
        while lab.project_post("runs/get", {"run_name": f"loop-{number}"})["status"] not in FINAL:
            time.sleep(0.5)
    return (time.monotonic() - begun) / LOOP


@pytest.mark.bench
def test_added_delay_of_a_single_job(plain_lab: Lab, tmp_path: Path) -> None:
    config = configuration(plain_lab, tmp_path).replace("poll = 0.3", "poll = 2.0")
    with shim_in(tmp_path, config) as shim:
        plain, ours, ends = [], [], []
        shim.run("sinfo")
        for number in range(SINGLE):
            begun, moment = time.time(), tmp_path / f"moment-{number}"
            submit(plain_lab, f"date +%s.%N >{moment}.new; mv {moment}.new {moment}")
            wait_until(moment.exists, "a run of dstack")
            plain.append(float(moment.read_text()) - begun)
            begun = time.time()
            job = shim.submit(script="#!/bin/sh\ndate +%s.%N; sleep 1; date +%s.%N\n")
            wait_until(lambda job=job: shim.states("-j", f"{job},{job}") == {str(job): "COMPLETED"}, lambda: shim.log)
            seen = time.time()
            first, last = map(float, shim.output(job).split())
            ours.append(first - begun)
            ends.append(seen - last)
    before, dstack, after = map(statistics.median, (ours, plain, ends))
    note("`sbatch` to the first instruction on dstack", f"{before:.2f} s", f"`runs/apply` alone: {dstack:.2f} s")
    note("last instruction to COMPLETED on dstack", f"{after:.2f} s", "")
    assert before - dstack < 1
    assert after < 1
