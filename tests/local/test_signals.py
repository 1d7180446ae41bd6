"""Ending and signalling runs: who is reached, who is not, and what is left."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from shim.executor.base import Target
from shim.executor.local import processes
from tests.local.harness import drive

NOTICE = "slurmstepd: error: *** JOB 1 ON n1 CANCELLED AT 2026-11-24T19:17:57 ***"


def gone(pid):
    """A future for the end of a process that is not ours to wait for."""
    found = asyncio.get_running_loop().create_future()
    try:
        fd = os.pidfd_open(int(pid))
    except ProcessLookupError:
        found.set_result(None)
        return found

    def ended():
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        found.set_result(None)

    asyncio.get_running_loop().add_reader(fd, ended)
    return asyncio.wait_for(found, 30)


async def in_state(pid, state):
    """The kernel stops and continues processes in its own time, and tells nobody but their parents."""
    async with asyncio.timeout(30):
        while processes.process(int(pid)).state != state:
            await asyncio.sleep(0)


def alive(pid):
    found = processes.process(int(pid))
    return found is not None and found.state not in "ZX"


def test_terminate_ends_everything_and_tells_why(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"sleep 1000 & echo $! > {ready}; wait")
        child = await ready.line()
        lab.executor.terminate(lab.job(1), NOTICE, 30)
        ended = await lab.events.end_of(1)
        await gone(child)
        return ended, lab.output()

    ended, output = drive(tmp_path, scenario)
    assert ended.exit_status == signal.SIGTERM
    assert output == NOTICE + "\n"


def test_trap_runs_and_its_exit_code_counts(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"trap 'echo trapped; exit 7' TERM; sleep 1000 & echo > {ready}; wait")
        await ready.line()
        lab.executor.terminate(lab.job(1), NOTICE, 30)
        return await lab.events.end_of(1), lab.output()

    ended, output = drive(tmp_path, scenario)
    assert ended.exit_status == 7 << 8
    assert output == NOTICE + "\ntrapped\n"


def test_script_that_ignores_term_is_killed(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"trap '' TERM; (trap '' TERM; echo $BASHPID > {ready}; while :; do sleep 1000; done) & wait; wait")
        child = await ready.line()
        lab.executor.terminate(lab.job(1), "", 0.05)
        ended = await lab.events.end_of(1)
        await gone(child)
        return ended

    assert drive(tmp_path, scenario).exit_status == signal.SIGKILL


def test_terminate_before_the_script_is_there(tmp_path):
    async def scenario(lab):
        lab.start("while :; do sleep 1000; done")
        lab.executor.terminate(lab.job(1), "", 30)
        return await lab.events.end_of(1)

    assert drive(tmp_path, scenario).exit_status == signal.SIGTERM


def test_stopped_job_can_be_terminated(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"echo $$ > {ready}; while :; do sleep 1000; done")
        await ready.line()
        lab.executor.signal(lab.job(1), signal.SIGSTOP, Target.ALL)
        lab.executor.terminate(lab.job(1), "", 30)
        return await lab.events.end_of(1)

    assert drive(tmp_path, scenario).exit_status == signal.SIGTERM


def test_daemons_die_with_the_script(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        daemon = f"(setsid bash -c 'trap \"\" TERM HUP; echo $$ > {ready}; exec sleep 1000' &)"
        lab.start(f"{daemon}; {daemon}; read < {lab.fifo('go')}; exit 5")
        daemons = [await ready.line(), await ready.line()]
        assert all(map(alive, daemons))
        (tmp_path / "go").write_text("\n")
        ended = await lab.events.end_of(1)
        return ended, [alive(pid) for pid in daemons]

    ended, left = drive(tmp_path, scenario)
    assert ended.exit_status == 5 << 8
    assert left == [False, False]


def test_targets(tmp_path):
    """A signal to the steps, to the batch script, to everything (scancel man page, --batch and --full)."""

    async def scenario(lab):
        ready, said = lab.fifo("ready"), lab.fifo("said")
        step = f"trap 'echo step > {said}' USR1; echo $BASHPID > {ready}; while :; do sleep 1000 & wait; done"
        lab.start(
            f"trap 'echo batch > {said}' USR1; ({step}) & read < {lab.fifo('go')}; echo $$ > {ready};"
            "while :; do sleep 1000 & wait; done"
        )
        step_pid = await ready.line()
        (tmp_path / "go").write_text("\n")
        await ready.line()
        job, heard = lab.job(1), []
        lab.executor.signal(job, signal.SIGUSR1, Target.STEPS)  # no step is known: nobody is reached
        lab.executor.signal(job, signal.SIGUSR1, Target.BATCH)
        heard.append(await said.line())
        lab.steps[1] = [int(step_pid), os.getpid()]  # what is not below the job is never reached either
        lab.executor.signal(job, signal.SIGUSR1, Target.STEPS)
        heard.append(await said.line())
        return heard

    assert drive(tmp_path, scenario) == ["batch", "step"]


def test_suspended_job_goes_on(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"sleep 1000 & echo $! $$ > {ready}; wait")
        pids = (await ready.line()).split()
        lab.executor.signal(lab.job(1), signal.SIGSTOP, Target.ALL)
        for pid in pids:
            await in_state(pid, "T")
        lab.executor.signal(lab.job(1), signal.SIGCONT, Target.ALL)
        for pid in pids:
            await in_state(pid, "S")

    drive(tmp_path, scenario)


def test_usage_of_a_running_job(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        nothing = (lab.launch("exit 0"), lab.executor.usage(lab.job(1)))[1]
        lab.start(f"for ((i = 0; i < 100000; i++)); do :; done; sleep 1000 & echo $! > {ready}; wait")
        child = int(await ready.line())
        step = lab.executor.usage(lab.job(1), (child, os.getpid())).pids
        return nothing, lab.executor.usage(lab.job(1)), child, step

    nothing, usage, child, step = drive(tmp_path, scenario)
    assert nothing is None
    assert step == (child,)
    assert usage.cpu_seconds > 0
    assert usage.rss >= usage.max_rss > 500
    assert child in usage.pids


def test_a_process_with_another_start_time_is_never_signalled():
    """A pid that was given to another process meanwhile."""
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        known = processes.process(stranger.pid)
        known.start -= 1
        assert not processes.send_signal(known, signal.SIGKILL)
        assert stranger.poll() is None
        known.start += 1
        assert processes.send_signal(known, signal.SIGKILL)
        assert stranger.wait() == -signal.SIGKILL


def test_memory_limit(tmp_path):
    async def scenario(lab):
        hog = "python3 -c 'x = bytearray(300 << 20); import time; time.sleep(1000)'"
        return await lab.run(hog, memory_limit=100), lab.output()

    ended, output = drive(tmp_path, scenario)
    assert ended.out_of_memory
    assert ended.exit_status == signal.SIGKILL
    assert output == (
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch. "
        "Some of your processes may have been killed by the cgroup out-of-memory handler.\n"
    )


def test_memory_within_its_limit(tmp_path):
    async def scenario(lab):
        ended = await lab.run("python3 -c 'x = bytearray(30 << 20)'; exit 4", memory_limit=100)
        supervisor = lab.events.handles[1].split(":")[0]
        return ended, [path.name for path in Path(f"/proc/{supervisor}/fd").iterdir()]

    ended, descriptors = drive(tmp_path, scenario)
    assert (ended.out_of_memory, ended.exit_status) == (False, 4 << 8)
    assert sorted(descriptors) == ["0", "1", "2"]  # nothing of a run is left in its supervisor


def test_supervisor_survives_its_script(tmp_path):
    """A script that signals its parent, its group and its children ends as it says."""
    script = "kill -TERM $PPID; kill -HUP $PPID; kill -INT $PPID; trap '' TERM; kill -TERM 0; exit 6"
    assert drive(tmp_path, lambda lab: lab.run(script)).exit_status == 6 << 8
