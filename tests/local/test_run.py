"""What a batch script meets when the local executor runs it."""

import os
import resource

import pytest

from tests.local.harness import drive


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 3", 3 << 8), ("exit 255", 255 << 8), ("kill -TERM $$", 15), ("kill -9 $$", 9)],
)
def test_exit_status(tmp_path, script, status):
    ended = drive(tmp_path, lambda lab: lab.run(script))
    assert (ended.exit_status, ended.launch_failure, ended.node_failure) == (status, "", "")
    assert 0 < ended.start_time <= ended.end_time
    assert ended.max_rss > 0


def test_script_sees_slurms_surroundings(tmp_path):
    async def scenario(lab):
        await lab.run(
            'echo "$0|$*|$PWD|$SLURM_TASK_PID"; [ "$SLURM_TASK_PID" = $$ ] && echo same', arguments=("--time=1", "b c")
        )
        return lab.output()

    first, second = drive(tmp_path, scenario).splitlines()
    name, arguments, where, _ = first.split("|")
    assert name == f"{tmp_path}/state/spool/job00001/slurm_script"
    assert (arguments, where, second) == ("--time=1 b c", str(tmp_path), "same")


def test_output_truncated_or_appended(tmp_path):
    async def scenario(lab):
        seen = []
        for restarts, append in enumerate((False, True, False)):
            await lab.run("echo out; echo err >&2", restarts=restarts, append=append, std_err=f"{tmp_path}/err")
            seen.append((lab.output(), (tmp_path / "err").read_text()))
        return seen

    assert drive(tmp_path, scenario) == [("out\n", "err\n"), ("out\nout\n", "err\nerr\n"), ("out\n", "err\n")]


def test_file_mode_follows_umask(tmp_path):
    drive(tmp_path, lambda lab: lab.run("umask; touch made", umask=0o027))
    assert (tmp_path / "slurm-1.out").read_text() == "0027\n"
    assert (tmp_path / "slurm-1.out").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "state" / "spool" / "job00001" / "slurm_script").stat().st_mode & 0o777 == 0o700


def test_standard_input(tmp_path):
    (tmp_path / "in").write_text("question")

    async def scenario(lab):
        await lab.run("cat", std_in=f"{tmp_path}/in")
        await lab.run("cat; echo end", job_id=2)
        return lab.output(1), lab.output(2)

    assert drive(tmp_path, scenario) == ("question", "end\n")


@pytest.mark.parametrize("interpreter", ["/bin/bash", "/usr/bin/env bash", "/bin/bash -e", "/bin/sh"])
def test_every_way_to_start_gives_the_same(tmp_path, interpreter):
    """Spawned and forked scripts differ in nothing they can see."""
    (tmp_path / "in").write_text("input")
    ask = (
        'echo "$# $1 $SLURM_TASK_PID $$ $PWD $(umask) ${BASH_ENV-unset}"; cat; echo err >&2; env | grep ^SLURM_TASK;'
        "ls /proc/self/fd | wc -l; ps -o pgid=,sid=,ppid= $$; exit 9"
    )

    async def scenario(lab):
        ended = await lab.run(ask, interpreter=interpreter, arguments=("a b",), std_in=f"{tmp_path}/in", umask=0o027)
        return ended.exit_status, lab.output()

    status, output = drive(tmp_path, scenario)
    first, second, variable, files, ids = output.splitlines()
    count, one, two, task, pid, where, umask, bash_env = first.split()
    assert (count, one, two, where, umask, bash_env) == ("1", "a", "b", str(tmp_path), "0027", "unset")
    assert (second, variable) == ("inputerr", f"SLURM_TASK_PID={pid}")
    group, session, parent = ids.split()
    assert (task, group, session) == (pid, pid, parent)
    assert files == "4"  # and one that ls itself opened
    assert status == 9 << 8


@pytest.mark.parametrize("changes", [{"std_out": "gone/out"}, {"std_err": "gone/err"}, {"std_in": "gone"}])
def test_file_that_cannot_be_opened_fails_the_launch(tmp_path, changes):
    changes = {name: f"{tmp_path}/{value}" for name, value in changes.items()}
    ended = drive(tmp_path, lambda lab: lab.run("touch ran", **changes))
    assert "No such file or directory" in ended.launch_failure
    assert not (tmp_path / "ran").exists()


def test_no_output_file(tmp_path):
    ended = drive(tmp_path, lambda lab: lab.run("echo lost", std_out="", std_err=""))
    assert ended.exit_status == 0
    assert not list(tmp_path.glob("*.out"))


def test_missing_work_folder(tmp_path):
    async def scenario(lab):
        return await lab.run("pwd", work_dir="/no/such/dir"), lab.output()

    ended, output = drive(tmp_path, scenario)
    line = "slurmstepd: error: couldn't chdir to `/no/such/dir': No such file or directory: going to /tmp instead\n"
    assert output == line * 2 + "/tmp\n"
    assert ended.exit_status == 0


def test_missing_interpreter(tmp_path):
    async def scenario(lab):
        return await lab.run("", interpreter="/no/such/interp"), lab.output()

    ended, output = drive(tmp_path, scenario)
    assert ended.exit_status == 2 << 8
    assert output == "slurmstepd: error: execve(): bad interpreter(/no/such/interp): No such file or directory\n"


def test_limits(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    wanted = 4096 if soft != 4096 else 8192
    limits = (("RLIMIT_NOFILE", 512, 512), ("RLIMIT_CORE", wanted * 1024, hard))

    async def scenario(lab):
        await lab.run("ulimit -Sn; ulimit -Sc", rlimits=limits)
        await lab.run("ulimit -Sc", job_id=2)
        return lab.output(1), lab.output(2)

    first, second = drive(tmp_path, scenario)
    assert first == f"512\n{wanted}\n"
    assert second != f"{wanted}\n"


def test_signals_are_as_a_fresh_process_has_them(tmp_path):
    def scenario(lab):
        return lab.run("grep -E 'Sig(Blk|Ign)' /proc/self/status > signals")

    drive(tmp_path, scenario)
    ordinary = (1 << 31) - 1  # two of the others are the C library's own
    masks = [int(line.split()[1], 16) & ordinary for line in (tmp_path / "signals").read_text().splitlines()]
    assert masks == [0, 0]


def test_script_leads_a_group_in_a_session_apart_and_has_no_foreign_files(tmp_path):
    async def scenario(lab):
        await lab.run("ps -o pgid=,sid=,ppid= $$; echo $$; ls /proc/self/fd | wc -l")
        return lab.output().split()

    group, session, parent, pid, descriptors = drive(tmp_path, scenario)
    assert group == pid
    assert session == parent
    assert descriptors == "4"  # and one that ls itself opened


def test_large_script_and_environment(tmp_path):
    async def scenario(lab):
        variables = {f"VARIABLE_{number}": "x" * 20 for number in range(10_000)}
        ended = await lab.run("echo $VARIABLE_9999\n" + "# " + "y" * 3_000_000, variables=variables)
        return ended, lab.output()

    ended, output = drive(tmp_path, scenario)
    assert (ended.exit_status, output) == (0, "x" * 20 + "\n")


def test_environment_of_any_bytes(tmp_path):
    environment = b"PATH=/usr/bin:/bin\0BYTES=\xff\xfe\0EMPTY=\0=odd\0EQUALS=a=b\0"

    async def scenario(lab):
        await lab.run('printf "%s|%s|%s" "$BYTES" "${EMPTY-unset}" "$EQUALS"', environment=environment)
        return (tmp_path / "slurm-1.out").read_bytes()

    assert drive(tmp_path, scenario) == b"\xff\xfe||a=b"


HOSTILE = "a b'c\"d;e$f`g\n\udcff*"


def test_paths_of_any_bytes(tmp_path):
    """Spaces, quotes, newlines and bytes that are no text, in the state folder too."""
    folder = tmp_path / HOSTILE
    folder.mkdir()

    async def scenario(lab):
        ended = await lab.run('pwd; echo "$0"; echo "$1"', arguments=(HOSTILE,))
        return ended, (folder / "slurm-1.out").read_bytes()

    ended, output = drive(folder, scenario)
    assert ended.exit_status == 0
    script = folder / "state" / "spool" / "job00001" / "slurm_script"
    assert output == b"\n".join([os.fsencode(folder), os.fsencode(script), os.fsencode(HOSTILE), b""])


def test_arguments_beyond_what_exec_takes(tmp_path):
    async def scenario(lab):
        return await lab.run("exit 0", arguments=("x" * 200_000,)), lab.output()

    ended, output = drive(tmp_path, scenario)
    assert ended.exit_status == 7 << 8
    script = f"{tmp_path}/state/spool/job00001/slurm_script"
    assert output == f"slurmstepd: error: execve(): {script}: Argument list too long\n"


def test_no_descriptors_left(tmp_path):
    async def scenario(lab):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with open("/dev/null") as lowest:
            free = lowest.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        try:
            lab.start("exit 0")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        return (await lab.events.until(lambda: lab.events.refused)), (await lab.run("exit 3", 2))

    refused, ended = drive(tmp_path, scenario)
    assert refused == [(1, 0, "Too many open files")]
    assert ended.exit_status == 3 << 8


def test_many_at_once(tmp_path):
    async def scenario(lab):
        lab.executor.start([lab.launch(f"exit {number}", number) for number in range(1, 41)])
        return [(await lab.events.end_of(number)).exit_status for number in range(1, 41)]

    assert drive(tmp_path, scenario) == [number << 8 for number in range(1, 41)]


def test_folder_is_gone_once_forgotten(tmp_path):
    async def scenario(lab):
        await lab.run("exit 0")
        before = lab.folders()
        lab.executor.forget(1, 0)
        await lab.executor.close()
        return before, lab.folders()

    assert drive(tmp_path, scenario) == (["job00001"], [])
