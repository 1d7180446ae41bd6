"""sbatch: what becomes of scripts, environments, limits and answers of the queue."""

import asyncio
import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shim.commands import sbatch
from shim.commands.client import look_at
from shim.config.settings import PartitionConfig
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from tests.commands.sbatchworld import Answer, SbatchWorld

SCRIPT = "#!/bin/sh\ntrue\n"


@pytest.fixture
def world() -> Iterator[SbatchWorld]:
    world = SbatchWorld()
    yield world
    world.close()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "job.sh"
    path.write_text(SCRIPT)
    return path


def submitted(world: SbatchWorld, answer: Answer) -> Job:
    assert answer.rc == 0, answer
    job = world.queue.jobs[int(answer.stdout.split()[3])]
    world.settle()
    return job


def environment(world: SbatchWorld, job: Job) -> dict[str, str]:
    block = os.fsdecode(world.table.content(job.environment_id))
    assert block.endswith("\0")
    return dict(entry.split("=", 1) for entry in block[:-1].split("\0"))


# -- the script ------------------------------------------------------------------------------------------------------


def test_a_script_is_stored_as_it_was(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    job = submitted(world, world.sbatch("-H", "job.sh", "one", "two words", "--time=1", cwd=tmp_path))
    script.write_text("#!/bin/sh\nfalse\n")
    assert world.queue.script(job) == SCRIPT.encode()
    assert job.request.arguments == ("one", "two words", "--time=1")
    assert job.request.command == str(script)
    assert (job.request.job_name, job.request.work_dir, job.request.batch) == ("job.sh", str(tmp_path), True)
    assert job.request.submit_line == "sbatch -H job.sh one two words --time=1"


def test_a_wrapped_command_becomes_a_script(world: SbatchWorld, tmp_path: Path) -> None:
    job = submitted(world, world.sbatch("-H", "--wrap", 'echo "$0"', cwd=tmp_path))
    assert world.queue.script(job) == b'#!/bin/sh\n# This script was created by sbatch --wrap.\n\necho "$0"\n'
    assert (job.request.job_name, job.request.command) == ("wrap", "")


def test_a_script_comes_from_standard_input(world: SbatchWorld, tmp_path: Path) -> None:
    text = b"#!/bin/sh\n#SBATCH -t 7\n\xff\n"
    job = submitted(world, world.sbatch("-H", cwd=tmp_path, stdin=text))
    assert world.queue.script(job) == text
    assert (job.request.job_name, job.request.time_limit) == ("sbatch", 7)


def test_a_script_comes_from_a_descriptor_of_the_caller(world: SbatchWorld, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, SCRIPT.encode())
    os.close(writer)
    job = submitted(world, world.sbatch("-H", f"/dev/fd/{reader}", cwd=tmp_path))
    os.close(reader)
    assert world.queue.script(job) == SCRIPT.encode()


def test_a_script_is_found_below_chdir_and_along_the_path(world: SbatchWorld, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "far.sh").write_text(SCRIPT)
    job = submitted(world, world.sbatch("-H", "-D", "sub", "far.sh", cwd=tmp_path))
    assert job.request.command == f"{tmp_path}/sub/far.sh"
    assert (job.request.work_dir, job.request.submit_dir) == (f"{tmp_path}/sub", str(tmp_path))
    job = submitted(world, world.sbatch("-H", "far.sh", cwd=tmp_path, PATH=f"/nosuch:{tmp_path}/sub"))
    assert job.request.command == f"{tmp_path}/sub/far.sh"


@pytest.mark.parametrize("name", ["a b.sh", "quo'te\".sh", "semi;colon.sh", "new\nline.sh", "-dash.sh", "\udcff.sh"])
def test_hostile_names(world: SbatchWorld, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SCRIPT)
    job = submitted(world, world.sbatch("-H", "--", name, cwd=tmp_path))
    assert job.request.job_name == name
    assert job.request.command == f"{tmp_path}/{name}"


def test_a_script_beyond_the_limit_is_refused(world: SbatchWorld, tmp_path: Path) -> None:
    (tmp_path / "big.sh").write_bytes(b"#!/bin/sh\n" + b"#" * (5 << 20))
    assert world.sbatch("big.sh", cwd=tmp_path) == Answer(
        1, "", (f"sbatch: error: Batch job submission failed: {Errno.PATHNAME_TOO_LONG.text}",)
    )


def test_endless_files(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    assert world.sbatch("/dev/zero", cwd=tmp_path).stderr[0].startswith("sbatch: error: Batch script contains only")
    os.mkfifo(tmp_path / "fifo")
    answer = world.sbatch("-w", "./fifo", "job.sh", cwd=tmp_path)
    assert answer.stderr == ("sbatch: error: slurm_allocate_resources error opening file ./fifo, Invalid argument",)


# -- the environment ---------------------------------------------------------------------------------------------------


def test_the_whole_environment_goes_along(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    given = {f"V{number}": str(number) for number in range(10_000)}
    hostile = {"NEWLINE": "a\nb", "EQUALS": "a=b=c", "EMPTY": "", "BYTES": "\udcff", "FUNC%%": "() {  :\n}"}
    job = submitted(world, world.sbatch("-H", "job.sh", cwd=tmp_path, **given, **hostile))
    found = environment(world, job)
    assert {name: found[name] for name in (*given, *hostile)} == {**given, **hostile}
    assert "SLURM_EXPORT_ENV" not in found


@pytest.mark.parametrize("export", ["ALL", "all", "All"])
def test_export_all_is_the_default(world: SbatchWorld, script: Path, tmp_path: Path, export: str) -> None:
    job = submitted(world, world.sbatch("-H", f"--export={export}", "job.sh", cwd=tmp_path, FOO="foo"))
    assert job.request.export is None
    assert {"FOO", "SLURM_EXPORT_ENV"} & environment(world, job).keys() == {"FOO"}


@pytest.fixture
def home(world: SbatchWorld) -> None:
    """A login works for the user who runs the tests only."""
    world.queue.user_id = os.getuid()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("export", "there", "gone"),
    [
        ("NONE", {"SLURM_EXPORT_ENV": "NONE", "SLURM_GET_USER_ENV": "1", "SLURM_X": "1"}, {"FOO", "BAR"}),
        ("none", {"SLURM_EXPORT_ENV": "none"}, {"FOO", "BAR"}),
        ("NIL", {"SLURM_EXPORT_ENV": "NIL"}, {"FOO", "BAR"}),
        ("", {"SLURM_EXPORT_ENV": ""}, {"FOO", "BAR"}),
        ("FOO", {"FOO": "foo", "SLURM_EXPORT_ENV": "FOO"}, {"BAR"}),
        ("FOO,BAZ=a=b", {"FOO": "foo", "BAZ": "a=b"}, {"BAR"}),
        ('BAZ="a,b",FOO', {"FOO": "foo", "BAZ": '"a,b"'}, {"BAR"}),
        ("NOSUCH", {}, {"FOO", "BAR", "NOSUCH"}),
        ("ALL,FOO=2", {"FOO": "2", "BAR": "bar", "SLURM_EXPORT_ENV": "ALL,FOO=2"}, set()),
    ],
)
def test_export_chooses(
    world: SbatchWorld, script: Path, tmp_path: Path, export: str, there: dict[str, str], gone: set[str]
) -> None:
    job = submitted(
        world, world.sbatch("-H", f"--export={export}", "job.sh", cwd=tmp_path, FOO="foo", BAR="bar", SLURM_X="1")
    )
    found = environment(world, job)
    assert there.items() <= found.items()
    assert not gone & found.keys()
    assert {"HOME", "USER", "SHELL", "PATH"} <= found.keys()  # what a login gives
    assert job.request.export == export


def test_a_file_takes_the_place_of_the_environment(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"A=1\0B=two\nlines\0nonsense\0")
    job = submitted(world, world.sbatch("-H", "--export-file=env", "job.sh", cwd=tmp_path, FOO="foo"))
    assert environment(world, job) == {"A": "1", "B": "two\nlines", "SLURM_JOB_NAME": "job.sh"}


def test_a_login_that_fails_refuses_the_job(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    answer = world.sbatch("--export=NONE", "job.sh", cwd=tmp_path)  # nobody has no login shell
    assert answer.rc == 1
    assert answer.stderr[0].startswith("sbatch: error: Unable to get the login environment: ")
    assert not world.queue.jobs


def test_options_for_steps_are_handed_on(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    options = ("--hint=nomultithread", "--mem-bind=verbose,rank", "-m", "plane=3", "--acctg-freq=5")
    found = environment(world, submitted(world, world.sbatch("-H", *options, "job.sh", cwd=tmp_path)))
    assert {
        "SLURM_HINT": "nomultithread",
        "SLURM_THREADS_PER_CORE": "1",
        "SLURM_MEM_BIND": "verbose,rank",
        "SLURM_MEM_BIND_VERBOSE": "verbose",
        "SLURM_DIST_PLANESIZE": "3",
        "SLURM_ACCTG_FREQ": "5",
    }.items() <= found.items()


# -- the caller's process ----------------------------------------------------------------------------------------------


def test_limits_are_the_callers(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    job = submitted(world, world.sbatch("-H", "job.sh", cwd=tmp_path))
    limits = {name: (soft, hard) for name, soft, hard in job.request.rlimits}
    assert len(limits) == 10
    for name, pair in limits.items():
        assert resource.getrlimit(getattr(resource, name)) == pair


@pytest.mark.parametrize(
    ("wanted", "names"),
    [("NONE", []), ("ALL", None), ("NOFILE,RLIMIT_CPU", ["RLIMIT_NOFILE", "RLIMIT_CPU"])],
)
def test_propagate_chooses_limits(
    world: SbatchWorld, script: Path, tmp_path: Path, wanted: str, names: list[str] | None
) -> None:
    job = submitted(world, world.sbatch("-H", f"--propagate={wanted}", "job.sh", cwd=tmp_path))
    found = [name for name, _, _ in job.request.rlimits]
    assert found == names if names is not None else len(found) == 10


def test_umask_and_session_are_the_callers(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        job = submitted(world, world.sbatch("-H", "job.sh", cwd=tmp_path))
    finally:
        os.umask(before)
    assert job.request.umask == 0o027
    assert job.request.alloc_sid == os.getsid(0)
    assert submitted(world, world.sbatch("-H", "job.sh", cwd=tmp_path, SLURM_UMASK="0077")).request.umask == 0o077


def test_a_process_with_an_odd_name(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "status").write_text("Name:\ta) b (\nUmask:\t0002\n")
    (folder / "stat").write_text("7 (a) b () S 1 7 42 0 -1 0 0 0 0 0 0 0 0 0 20 -5 1 0 99\n")
    (folder / "limits").write_text("Limit  Soft Limit  Hard Limit  Units\nMax open files   1024   unlimited   files\n")
    process = look_at(7, str(tmp_path))
    assert (process.umask, process.session, process.nice) == (2, 42, -5)
    assert process.limits == {"NOFILE": (1024, -1)}


# -- values ------------------------------------------------------------------------------------------------------------


def test_options_become_a_request(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    size = ("-p", "debug,gpu", "-N", "1-2", "-n", "4", "-c", "2", "--mem=2G", "--gres=gpu:a100:1", "-C", "a100")
    time = ("-t", "1-2:30", "--time-min=5", "-b", "2030-01-02T03:04:05", "--nice", "--priority=0", "-d", "singleton")
    mail = ("--mail-type=END,BEGIN", "--mail-user=me", "--signal=B:USR1@30")
    rest = (
        "--no-requeue",
        "--kill-on-invalid-dep=yes",
        "-A",
        "acc",
        "--comment=c",
        "--profile=task",
        "--licenses=",
        "--tmp=0",
    )
    files = ("--open-mode=append", "-o", "none", "-e", "err.%j")
    options = (*size, *time, *mail, *rest, *files)
    request = submitted(world, world.sbatch(*options, "job.sh", cwd=tmp_path)).request
    assert (request.partition, request.nodes_min, request.nodes_max, request.ntasks) == ("debug,gpu", 1, 2, 4)
    assert (request.cpus_per_task, request.mem_per_node, request.gres) == (2, 2048, "gpu:a100:1")
    assert (request.time_limit, request.time_min, request.nice, request.tmp) == (1590, 5, 100, 0)
    assert (request.mail_type, request.mail_user) == (("BEGIN", "END"), "me")
    assert (request.signal, request.open_mode, request.requeue) == ("B:USR1@30", "a", False)
    assert (request.dependency, request.account, request.kill_on_invalid_dep) == ("singleton", "acc", True)
    assert (request.std_out, request.std_err, request.std_in) == ("/dev/null", "err.%j", "")
    assert request.hold  # --priority=0
    assert request.extra == {"profile": "Task"}


def test_an_empty_output_name_is_the_folder(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    request = submitted(world, world.sbatch("-H", "-o", "", "job.sh", cwd=tmp_path)).request
    assert request.std_out == f"{tmp_path}/"


def test_times_are_those_of_the_callers_clock(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    for zone, begin in (("UTC", 1893553445), ("Asia/Tokyo", 1893521045)):
        answer = world.sbatch("-H", "-b", "2030-01-02T03:04:05", "job.sh", cwd=tmp_path, TZ=zone)
        assert submitted(world, answer).request.begin == begin


def test_an_array_is_one_record(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    job = submitted(world, world.sbatch("-H", "--array=0-9:3%2", "job.sh", cwd=tmp_path))
    assert job.tasks is not None
    assert (list(job.tasks), job.throttle) == ([0, 3, 6, 9], 2)


def test_components_are_submitted_as_one(world: SbatchWorld, tmp_path: Path) -> None:
    (tmp_path / "het.sh").write_text("#!/bin/sh\n#SBATCH -n 2 -t 5\n#SBATCH hetjob\n#SBATCH -n 3 -p gpu\n")
    job = submitted(world, world.sbatch("-H", "het.sh", cwd=tmp_path))
    second = world.queue.jobs[job.job_id + 1]
    assert (job.het_job_id, second.het_job_id, second.het_job_offset) == (job.job_id, job.job_id, 1)
    assert (job.request.ntasks, second.request.ntasks, second.request.time_limit) == (2, 3, 5)
    assert (job.request.partition, second.request.partition) == ("", "gpu")


def test_newer_options_in_older_words(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    request = submitted(
        world, world.sbatch("-H", "--tres-per-task=cpu:2,gres/gpu:a100:1", "-n1", "job.sh", cwd=tmp_path)
    ).request
    assert (request.cpus_per_task, request.gpus_per_task) == (2, "a100:1")


def test_containers_need_dstack(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    answer = world.sbatch("--container-image=a#b", "job.sh", cwd=tmp_path)
    assert answer == Answer(
        1, "", ("sbatch: error: --container-image cannot be used: there are no containers on this machine",)
    )
    cloud = PartitionConfig("debug", ("n1",), default=True, executor="dstack")
    world.queue.partitions = {"debug": cloud}
    world.queue.executors = {"local": world.executor, "dstack": world.executor}
    request = submitted(world, world.sbatch("-H", "--container-image=a#b", "job.sh", cwd=tmp_path)).request
    assert request.container_image == "a#b"
    answer = world.sbatch("-H", "--container-name=x", "job.sh", cwd=tmp_path)
    assert answer.stderr == ("sbatch: error: --container-name cannot be used: runs share no containers",)


def test_options_of_other_sites_plug_ins_are_told(script: Path, tmp_path: Path) -> None:
    world = SbatchWorld(known_spank_options=("uenv=", "view"))
    answer = world.sbatch("-H", "--uenv", "x", "--view=y", "job.sh", cwd=tmp_path)
    assert answer.rc == 0
    assert answer.stderr == tuple(
        f"sbatch: Warning: --{name} belongs to a plug-in that is not here: it has no effect"
        for name in ("uenv", "view")
    )
    world.close()


# -- the controller's answers ------------------------------------------------------------------------------------------


def test_receipts(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    def receipt(*options: str) -> str:
        return world.sbatch("-H", *options, "job.sh", cwd=tmp_path).stdout

    assert receipt() == "Submitted batch job 1\n"
    assert receipt("--parsable") == "2\n"
    assert receipt("-Q") == ""
    assert receipt("-M", "oracle") == "Submitted batch job 4 on cluster oracle\n"
    assert receipt("-M", "oracle", "--parsable") == "5;oracle\n"
    assert receipt("-Q", "--parsable") == ""


def test_version_and_help(world: SbatchWorld, tmp_path: Path) -> None:
    assert world.sbatch("--version", "--nonsense", cwd=tmp_path) == Answer(0, "slurm 22.05.8\n", ())
    assert world.sbatch("--help", cwd=tmp_path).stdout.startswith("Usage: sbatch [OPTIONS(0)...]")
    assert world.sbatch("--usage", cwd=tmp_path).stdout.startswith("Usage: sbatch [-N nnodes]")


@pytest.mark.parametrize(("status", "rc"), [(0, 0), (3 << 8, 3), (15, 1), (255 << 8, 255)])
def test_wait_returns_the_exit_code_of_the_job(
    world: SbatchWorld, script: Path, tmp_path: Path, status: int, rc: int
) -> None:
    async def end() -> None:
        while not world.executor.running:
            await asyncio.sleep(0)
        world.executor.end(next(iter(world.executor.running)), status)

    task = world.loop.create_task(end())
    assert world.sbatch("--wait", "job.sh", cwd=tmp_path).rc == rc
    assert task.done()


def test_wait_returns_the_highest_exit_code_of_an_array(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    async def end() -> None:
        while len(world.executor.running) < 3:
            await asyncio.sleep(0)
        for code, job_id in enumerate(list(world.executor.running)):
            world.executor.end(job_id, code << 8)

    task = world.loop.create_task(end())
    assert world.sbatch("--wait", "--array=1-3", "job.sh", cwd=tmp_path).rc == 2
    assert task.done()


def test_a_full_queue_is_tried_again_for_two_minutes(script: Path, tmp_path: Path) -> None:
    world = SbatchWorld(max_job_count=1)
    pauses: list[float] = []
    with pytest.MonkeyPatch.context() as patch:

        async def pause(seconds: float) -> None:
            pauses.append(seconds)

        patch.setattr(sbatch, "_pause", pause)
        world.sbatch("-H", "job.sh", cwd=tmp_path)
        answer = world.sbatch("-H", "job.sh", cwd=tmp_path)
    assert pauses == list(range(1, 16))
    assert answer == Answer(
        1,
        "",
        (
            "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
            "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
        ),
    )
    assert len(world.queue.jobs) == 1
    world.close()


def test_a_queue_with_room_again_takes_the_job(script: Path, tmp_path: Path) -> None:
    world = SbatchWorld(max_job_count=1)

    async def pause(_: float) -> None:
        world.queue.config = replace(world.queue.config, max_job_count=2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sbatch, "_pause", pause)
        world.sbatch("-H", "job.sh", cwd=tmp_path)
        answer = world.sbatch("-H", "job.sh", cwd=tmp_path)
    assert answer.rc == 0
    assert answer.stderr == ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",)
    world.close()


def test_nothing_is_half_submitted(world: SbatchWorld, tmp_path: Path) -> None:
    (tmp_path / "het.sh").write_text("#!/bin/sh\n#SBATCH -n 2\n#SBATCH hetjob\n#SBATCH -p nosuch\n")
    answer = world.sbatch("het.sh", cwd=tmp_path)
    assert answer.stderr == (
        "sbatch: error: invalid partition specified: nosuch",
        f"sbatch: error: Batch job submission failed: {SlurmError(Errno.INVALID_PARTITION_NAME)}",
    )
    assert not world.queue.jobs


@pytest.mark.parametrize(
    ("option", "answer"),
    [
        ("--mem=9999999999999999999999", Answer(255, "", ("sbatch: error: Invalid --mem specification",))),
        ("--tmp=9999999999999999999999", Answer(255, "", ("sbatch: error: Invalid --tmp specification",))),
        ("-t99999999999999999999", None),
        (
            "--time-min=99999999999999999999",
            Answer(1, "", (f"sbatch: error: Batch job submission failed: {Errno.INVALID_TIME_MIN.text}",)),
        ),
        ("--switches=1@99999999999999999999", None),
        (
            "--gpus=99999999999999999999",
            Answer(
                1,
                "",
                ("sbatch: error: Batch job submission failed: Invalid Trackable RESource (TRES) specification",),
            ),
        ),
    ],
)
def test_numbers_beyond_all_bounds(
    world: SbatchWorld, script: Path, tmp_path: Path, option: str, answer: Answer | None
) -> None:
    found = world.sbatch("-H", "-t5" if option.startswith("--time-min") else "-Q", option, "job.sh", cwd=tmp_path)
    assert found == (answer or Answer(0, "", ()))
    assert len(world.queue.jobs) == (answer is None)


def test_a_folder_with_too_long_a_name(world: SbatchWorld, script: Path, tmp_path: Path) -> None:
    answer = world.sbatch("-H", "-D", "/" + "d" * 5000, "job.sh", cwd=tmp_path)
    assert answer.stderr == (f"sbatch: error: Batch job submission failed: {Errno.PATHNAME_TOO_LONG.text}",)
