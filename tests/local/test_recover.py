"""Whatever is killed, every run begins at most once and its end is reported as it was."""

import asyncio
import os
import signal
import subprocess

import pytest

from shim.executor.local import processes, spool
from tests.local.harness import drive
from tests.local.test_signals import alive, gone


def supervisor_of(handle):
    return int(handle.split(":")[0])


async def kill(pid):
    ended = gone(pid)
    os.kill(pid, signal.SIGKILL)
    await ended


async def start_waiting(lab):
    """Start a script that ends with code 9 when it is told to go. Returns its handle once it is there."""
    ready = lab.fifo("ready")
    lab.start(f"echo > {ready}; read < {lab.fifo('go')}; exit 9")
    await ready.line()
    return await lab.events.start_of(1)


def test_run_goes_on_without_controller_and_is_found_again(tmp_path):
    async def scenario(lab):
        handle = await start_waiting(lab)
        await lab.restart(1)
        again = await lab.events.start_of(1)
        (tmp_path / "go").write_text("\n")
        return handle, again, await lab.events.end_of(1)

    handle, again, ended = drive(tmp_path, scenario)
    assert handle == again
    assert (ended.exit_status, ended.node_failure) == (9 << 8, "")


def test_run_that_ended_without_controller_is_reported_truly(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"echo > {ready}; read < {lab.fifo('go')}; kill -USR1 $$")
        await ready.line()
        handle = await lab.events.start_of(1)

        async def meanwhile():
            ended = gone(supervisor_of(handle))
            (tmp_path / "go").write_text("\n")
            await ended

        await lab.restart(1, between=meanwhile())
        return await lab.events.end_of(1), lab.folders()

    ended, folders = drive(tmp_path, scenario)
    assert ended.exit_status == signal.SIGUSR1
    assert 0 < ended.start_time < ended.end_time
    assert folders == ["job00001"]  # until the end is committed


def test_run_that_never_began_is_begun(tmp_path):
    async def scenario(lab):
        lab.launch("exit 4")
        await lab.restart(1)
        return await lab.events.end_of(1)

    assert drive(tmp_path, scenario).exit_status == 4 << 8


def test_recovered_run_can_be_terminated(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"echo $$ > {ready}; while :; do sleep 1000; done")
        await ready.line()
        await lab.restart(1)
        lab.executor.terminate(lab.job(1), "over", 30)
        return await lab.events.end_of(1), lab.output()

    ended, output = drive(tmp_path, scenario)
    assert (ended.exit_status, output) == (signal.SIGTERM, "over\n")


@pytest.mark.parametrize("order", ["known", "recovered"])
def test_killed_supervisor_takes_its_run_along(tmp_path, order):
    async def scenario(lab):
        ready = lab.fifo("ready")
        daemon = f"(setsid bash -c 'trap \"\" TERM HUP; echo $$ > {ready}; exec sleep 1000' &)"
        lab.start(f"{daemon}; sleep 1000 & echo $! > {ready}; echo $$ > {ready}; wait")
        pids = [await ready.line() for _ in range(3)]
        supervisor = supervisor_of(await lab.events.start_of(1))
        if order == "recovered":
            await lab.restart(1)
        os.kill(supervisor, signal.SIGKILL)
        ended = await lab.events.end_of(1)
        return ended, [alive(pid) for pid in pids]

    ended, left = drive(tmp_path, scenario)
    assert ended.node_failure
    assert left == [False, False, False]


SERVICE = "bash -c 'echo $$ > {ready}; sleep 1000 & echo $! > {ready}; wait # from shim.controller.main import main'"


def test_controller_started_by_a_job_outlives_it(tmp_path):
    """As happens when a command of a job finds none. What runs below it, other jobs too, is none of this job's."""

    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"setsid {SERVICE.format(ready=ready)} & read < {lab.fifo('go')}; exit 3")
        service, below = await ready.line(), await ready.line()
        supervisor = supervisor_of(await lab.events.start_of(1))
        reached = lab.executor.usage(lab.job(1)).pids
        left = gone(supervisor)
        (tmp_path / "go").write_text("\n")
        ended = await lab.events.end_of(1)
        await left  # it must not meet the service again among the processes of another run
        again = await lab.run("exit 4", 2)
        survivors = [alive(service), alive(below)]
        os.kill(int(service), signal.SIGKILL)
        os.kill(int(below), signal.SIGKILL)
        return ended, again, survivors, {int(service), int(below)} & set(reached)

    ended, again, survivors, reached = drive(tmp_path, scenario)
    assert (ended.exit_status, again.exit_status) == (3 << 8, 4 << 8)
    assert survivors == [True, True]
    assert not reached


def test_supervisor_killed_while_there_was_no_controller(tmp_path):
    async def scenario(lab):
        ready = lab.fifo("ready")
        lab.start(f"sleep 1000 & echo $! > {ready}; wait")
        child = await ready.line()
        supervisor = supervisor_of(await lab.events.start_of(1))
        await lab.restart(1, between=kill(supervisor))
        return await lab.events.end_of(1), alive(child)

    ended, left = drive(tmp_path, scenario)
    assert ended.node_failure
    assert not left


def test_killed_starter_is_replaced(tmp_path):
    async def scenario(lab):
        await start_waiting(lab)
        await kill(lab.executor._pool._process.pid)
        lab.executor.start([lab.launch("exit 2", 2)])
        second = await lab.events.end_of(2)
        (tmp_path / "go").write_text("\n")
        return second, await lab.events.end_of(1)

    second, first = drive(tmp_path, scenario)
    assert (first.exit_status, second.exit_status) == (9 << 8, 2 << 8)


def test_idle_supervisor_that_died_is_not_missed(tmp_path):
    async def scenario(lab):
        await lab.run("exit 1")
        await kill(supervisor_of(lab.events.handles[1]))
        return await lab.run("exit 2", 2)

    assert drive(tmp_path, scenario).exit_status == 2 << 8


def test_run_ordered_twice_runs_once(tmp_path):
    """Once more by the same controller, and by one that knows nothing of the other."""

    async def scenario(lab):
        go = lab.fifo("go")
        lab.start(f"echo ran; read < {go}; exit 9")
        lab.executor.start([lab.launches[1]])
        await lab.events.start_of(1)
        other = lab._make()
        await other.open(lab.events)
        other.start([lab.launches[1]])
        await lab.executor.close()  # now its supervisor leaves when the run is over
        (tmp_path / "go").write_text("\n")
        ended = await lab.events.end_of(1)
        await other.close()
        return ended, lab.output(1)

    ended, output = drive(tmp_path, scenario)
    assert (ended.exit_status, output) == (9 << 8, "ran\n")


def test_recycled_pid_is_no_supervisor(tmp_path):
    """A mark that names a live process which is another one: its run is lost, the process is left alone."""

    async def scenario(lab, stranger):
        lab.launch("exit 0")
        start = processes.process(stranger.pid).start - 1
        folder = lab.state / "spool" / "job00001"
        folder.mkdir()
        (folder / spool.running(1, 0, stranger.pid)).symlink_to(f"{stranger.pid}:{start}:{processes.boot_id()}")
        await lab.restart(1)
        return await lab.events.end_of(1)

    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        ended = drive(tmp_path, lambda lab: scenario(lab, stranger))
        assert ended.node_failure
        assert stranger.poll() is None
        stranger.kill()


def test_run_of_an_earlier_boot_is_lost(tmp_path):
    async def scenario(lab):
        lab.launch("exit 0")
        me = processes.process(os.getpid())
        folder = lab.state / "spool" / "job00001"
        folder.mkdir()
        (folder / spool.running(1, 0, me.pid)).symlink_to(f"{me.pid}:{me.start}:0123456789ab")
        await lab.restart(1)
        return await lab.events.end_of(1)

    assert drive(tmp_path, scenario).node_failure


def test_forked_process_of_a_dead_supervisor_may_not_begin(tmp_path):
    """The run was given up before the process came to be the script: its mark is refused."""
    path = str(tmp_path)
    folder = spool.Folder(path, "1:1:boot", 1)
    folder.prepare(b"#!/bin/sh\n", spool.ordered(7, 0), recycle=False)
    target = spool.folder(path, 7)
    assert folder.publish(target)
    assert spool.seize(target, spool.read(target))
    with pytest.raises(FileNotFoundError):
        folder.mark(spool.running(7, 0, 4711))
    assert spool.seize(target, spool.read(target))


def test_requeued_run_replaces_the_one_before(tmp_path):
    async def scenario(lab):
        first = await lab.run("exit 1")
        lab.executor.forget(1, 0)
        second = await lab.run("exit 2", restarts=1)
        lab.executor.forget(1, 1)
        third = await lab.run("exit 3", restarts=2)  # without a word that the second may be forgotten
        fourth = await lab.run("exit 4", restarts=3)
        return [one.exit_status >> 8 for one in (first, second, third, fourth)]

    assert drive(tmp_path, scenario) == [1, 2, 3, 4]


def test_folders_are_recycled_with_the_right_script(tmp_path):
    async def scenario(lab):
        seen = []
        for job_id, script in enumerate(
            ["echo a", "echo a", "echo b; echo '# more' >> $0", "echo b; echo '# more' >> $0"], 1
        ):
            await lab.run(script, job_id)
            seen.append((lab.output(job_id), (lab.state / "spool" / f"job{job_id:05d}" / "slurm_script").read_text()))
            lab.executor.forget(job_id, 0)
        return seen, lab.folders()

    seen, folders = drive(tmp_path, scenario)
    changed = "#!/bin/bash\necho b; echo '# more' >> $0\n# more\n"
    assert [output for output, _ in seen] == ["a\n", "a\n", "b\n", "b\n"]
    assert seen[2][1] == seen[3][1] == changed
    assert folders == ["job00004"]


def test_what_a_job_puts_into_its_folder_is_not_the_next_ones(tmp_path):
    async def scenario(lab):
        await lab.run('cd "${0%/*}"; mkdir -p a/b; touch a/b/c d', 1)
        lab.executor.forget(1, 0)
        await lab.run('ls "${0%/*}" | grep -v :', 2)
        return lab.output(2), lab.folders()

    assert drive(tmp_path, scenario) == ("slurm_script\n", ["job00002"])


def test_end_is_reported_though_the_folder_is_gone(tmp_path):
    ended = drive(tmp_path, lambda lab: lab.run('rm -rf "${0%/*}"; exit 3'))
    assert ended.exit_status == 3 << 8


def test_end_not_committed_keeps_its_folder(tmp_path):
    async def scenario(lab):
        await lab.run("exit 1", 1)
        await lab.run("exit 2", 2)
        lab.executor.forget(2, 0)
        await lab.run("exit 3", 3)
        await lab.restart(1)
        return await lab.events.end_of(1), lab.folders()

    ended, folders = drive(tmp_path, scenario)
    assert ended.exit_status == 1 << 8
    assert folders == ["job00001"]


@pytest.fixture
def small_spool(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    spool_dir = tmp_path / "state" / "spool"
    spool_dir.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", spool_dir], check=True)
    yield spool_dir
    subprocess.run(["umount", spool_dir], check=True)


def test_no_space_for_the_folder_is_no_fault_of_the_job(tmp_path, small_spool):
    async def scenario(lab):
        lab.start("exit 3\n" + "#" * 200_000)
        await lab.events.until(lambda: lab.events.refused)
        return lab.events.refused, await lab.run("exit 4", 2)

    refused, ran = drive(tmp_path, scenario)
    assert refused == [(1, 0, "No space left on device")]
    assert ran.exit_status == 4 << 8


def test_end_is_recorded_on_a_full_disk(tmp_path, small_spool):
    async def scenario(lab):
        ready = lab.fifo("ready")
        full = f"cat /dev/zero > {small_spool}/filler"
        lab.start(f"{full}; echo > {ready}; read < {lab.fifo('go')}; exit 9", std_out="/dev/null")
        await ready.line()
        handle = await lab.events.start_of(1)

        async def meanwhile():
            ended = gone(supervisor_of(handle))
            (tmp_path / "go").write_text("\n")
            await ended
            (small_spool / "filler").unlink()

        await lab.restart(1, between=meanwhile())
        return await lab.events.end_of(1)

    assert drive(tmp_path, scenario).exit_status == 9 << 8


def test_controllers_die_again_and_again(tmp_path):
    """Thirty runs through six controllers: each runs exactly once and ends with its own code."""

    async def scenario(lab):
        jobs, ended = range(1, 31), {}
        lab.executor.start([lab.launch(f"echo x >> ran-{job}; exit {job}", job) for job in jobs])
        for _ in range(5):
            await asyncio.sleep(0)
            ended.update({one.job_id: one for one in lab.events.ended})
            await lab.restart(*[job for job in jobs if job not in ended])
        for job in jobs:
            if job not in ended:
                ended[job] = await lab.events.end_of(job)
        return ended

    ended = drive(tmp_path, scenario)
    assert {job: one.exit_status for job, one in ended.items()} == {job: job << 8 for job in range(1, 31)}
    assert [(tmp_path / f"ran-{job}").read_text() for job in ended] == ["x\n"] * 30
