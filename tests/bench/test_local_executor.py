"""How many scripts that only exit the local executor runs in a second, with xargs beside it."""

import asyncio
import os
import resource
import subprocess
import time

import pytest

from tests.local.harness import Lab

RUNS = 1000


class Slots:
    """Events that start the next run whenever one ends, as the scheduler does."""

    def __init__(self, launches) -> None:
        self.waiting = launches
        self.left = len(launches)
        self.done = asyncio.get_running_loop().create_future()
        self.executor = None

    def started(self, job_id, restarts, handle, when):
        pass

    def finished(self, ended):
        self.left -= 1
        self.executor.forget(ended.job_id, ended.restarts)
        if self.waiting:
            self.executor.start([self.waiting.pop()])
        elif not self.left:
            self.done.set_result(None)


async def executor_rate(folder, cpus):
    lab = Lab(folder)
    launches = [lab.launch("exit 0", job_id) for job_id in range(1, RUNS + 1)]
    events = Slots(launches)
    events.executor = lab.executor
    await lab.executor.open(events)
    began = time.perf_counter()
    lab.executor.start([launches.pop() for _ in range(cpus)])
    await events.done
    took = time.perf_counter() - began
    await lab.executor.close()
    return RUNS / took


def xargs_rate(folder, cpus):
    script = folder / "script"
    script.write_text("#!/bin/bash\nexit 0\n")
    script.chmod(0o700)
    numbers = "".join(f"{number}\n" for number in range(RUNS))
    began = time.perf_counter()
    subprocess.run(["xargs", "-P", str(cpus), "-n1", str(script)], input=numbers, text=True, check=True)
    return RUNS / (time.perf_counter() - began)


@pytest.mark.bench
def test_runs_per_second(tmp_path):
    cpus = len(os.sched_getaffinity(0))
    rates, ratios = [], []
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        xargs = xargs_rate(folder, cpus)
        before = resource.getrusage(resource.RUSAGE_SELF)
        rates.append(asyncio.run(executor_rate(folder, cpus)))
        after = resource.getrusage(resource.RUSAGE_SELF)
        ratios.append(rates[-1] / xargs)
        own = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / RUNS * 1e3
        print(f"{rates[-1]:.0f} runs/s, {ratios[-1]:.2f} of xargs ({xargs:.0f}/s), {own:.2f} ms of the controller each")
    assert sorted(ratios)[1] >= 0.5
