"""The scripts that travel into a job, run as dstack runs them: on a terminal of their own, under several shells."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from shim.config.dstack import DO_NOT_TRAVEL
from shim.executor.base import Launch
from shim.executor.dstack import payload
from shim.executor.dstack.output import Output
from shim.executor.dstack.payload import Guest
from shim.job.record import Job
from shim.job.request import Request

GUEST = Path(payload.__file__).parents[2] / "guest"
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
TIMEOUT = 20.0


def wait_until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + TIMEOUT
    while not (value := condition()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)
    return value


def launch(directory: Path, script: str, **changes: Any) -> Launch:
    job = Job(7, Request(), 0, "root", 0, "root", 0.0)
    plain = Launch(
        job_id=7,
        restarts=0,
        script=script.encode(),
        arguments=(),
        environment=b"",
        work_dir=str(directory),
        std_out=str(directory / "out"),
        std_err=str(directory / "out"),
        std_in="/dev/null",
        append=False,
        umask=0o022,
        rlimits=(),
        memory_limit=0,
        node="n1",
        job=job,
    )
    return replace(plain, **changes)


@dataclass
class Started:
    directory: Path
    process: subprocess.Popen[bytes]
    master: int

    def request(self, text: str) -> None:
        control = self.directory / "control"
        (control / ".new").write_text(text)
        (control / ".new").rename(control / "5")

    def terminal(self) -> bytes:
        data = b""
        with contextlib.suppress(OSError):
            while piece := os.read(self.master, 65536):
                data += piece
        return data

    def ended(self) -> dict[str, str]:
        self.process.wait(TIMEOUT)
        return payload.parse_record((self.directory / "ended").read_text())

    def outcome(self) -> tuple[int, int, str]:
        record = self.ended()
        return int(record["exit"]), int(record["signal"]), record["reason"]


class Image:
    """A shell and the programs beside it, as one image or another has them."""

    def __init__(self, shell: list[str], path: str, scratch: Path) -> None:
        self.shell, self._scratch = shell, scratch
        self._environment = {"PATH": path, "SHIM_TICK": "0.05", "HOME": "/nonexistent"}
        self._started: list[Started] = []

    def run_on_terminal(self, argv: list[str], cwd: Path) -> tuple["subprocess.Popen[bytes]", int]:
        master, slave = os.openpty()
        process = subprocess.Popen(
            ["/usr/bin/setsid", "--ctty", *argv],
            env=self._environment,
            cwd=cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        return process, master

    def start(self, what: Launch, guest: Guest = Guest(kill_wait=20)) -> Started:  # noqa: B008
        directory = self._scratch / "job dir"
        write_job(directory, what, guest)
        argv = [*self.shell, str(GUEST / "job.sh"), str(directory)]
        return self.started(directory, *self.run_on_terminal(argv, self._scratch))

    def started(self, directory: Path, process: "subprocess.Popen[bytes]", master: int) -> Started:
        self._started.append(Started(directory, process, master))
        return self._started[-1]

    def close(self) -> None:
        for started in self._started:
            os.close(started.master)
            if started.process.poll() is None:
                for child in [*psutil.Process(started.process.pid).children(recursive=True), started.process]:
                    child.kill()
                started.process.wait()


def write_job(directory: Path, what: Launch, guest: Guest) -> None:
    directory.mkdir(parents=True)
    entries = payload.carried(what.environment, DO_NOT_TRAVEL)
    for name, content in payload.job_files(what, entries, guest).items():
        (directory / name).write_bytes(content)
    (directory / "slurm_script").chmod(0o700)


@pytest.fixture(params=SHELLS)
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Image]:
    shell, path = SHELLS[request.param], "/usr/local/bin:/usr/bin:/bin"
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    if request.param == "busybox":  # all there is on such an image
        bin_ = tmp_path / "bin"
        bin_.mkdir()
        for applet in subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
            (bin_ / applet).symlink_to("/usr/bin/busybox" if Path("/usr/bin/busybox").exists() else "/bin/busybox")
        path = str(bin_)
    found = Image(shell, path, tmp_path)
    yield found
    found.close()


def test_a_directory_may_have_any_name(image: Image, tmp_path: Path) -> None:
    image._scratch = tmp_path / "a=b 'c\"$d"
    image._scratch.mkdir()
    if image.shell[0] == "busybox" and not (tmp_path / "bin" / "nice").exists():
        pytest.skip("this busybox has no nice")
    assert image.start(launch(tmp_path, "#!/bin/sh\nexit 3\n")).outcome() == (3, 0, "")


def test_success_is_recorded_with_its_times_and_output(image: Image, tmp_path: Path) -> None:
    before = time.time()
    job = image.start(launch(tmp_path, '#!/bin/sh\necho "$1|$2"; echo err >&2; pwd\n', arguments=("a b", "c'd\n")))
    assert job.outcome() == (0, 0, "")
    record = job.ended()
    assert before - 1 <= float(record["start"]) <= float(record["end"]) <= time.time()
    assert payload.seconds(record["user"]) >= 0
    assert (tmp_path / "out").read_text() == f"a b|c'd\n\nerr\n{tmp_path}\n"
    assert job.process.returncode == 0


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("exit 3", (3, 0, "")),
        ("kill -KILL $$", (0, 9, "")),
        ("kill -TERM $$", (0, 15, "")),
        ("exit 137", (137, 0, "")),
    ],
)
def test_exit_codes_and_signals_are_told_apart(
    image: Image, tmp_path: Path, script: str, outcome: tuple[int, int, str]
) -> None:
    if image.shell[0] == "busybox" and outcome[0] > 128:
        pytest.skip("busybox' awk loses signals, so 128 and more is taken for one")
    assert image.start(launch(tmp_path, f"#!/bin/sh\n{script}\n")).outcome() == outcome


def test_the_environment_arrives_verbatim(image: Image, tmp_path: Path) -> None:
    wanted = {
        b"PLAIN": b"1",
        b"EMPTY": b"",
        b"LINES": b"a\nb\n\n",
        b"BRACES": b"${{ secrets.x }} $$ `id` \\",
        b"QUOTES": b"'\"",
        b"UMLAUT": "ä✓".encode(),
        b"LATIN": b"\xe4\xff",
        b"BASH_FUNC_f%%": b"() {  :\n}",
        b"with.dot": b"2",
        b"UID": b"77",
        b"-dash": b"3",
    }
    sent = b"".join(name + b"=" + value + b"\0" for name, value in wanted.items()) + b"HOME=/home/me\0PATH=/gone\0"
    # dash drops names that are no identifiers, so the script is a program that keeps its environment.
    script = "#!/usr/bin/cp /proc/self/environ\n"
    job = image.start(launch(tmp_path, script, environment=sent, arguments=()))
    job.ended()
    copied = (job.directory / "slurm_script").read_bytes()
    found = dict(entry.partition(b"=")[::2] for entry in copied.split(b"\0") if entry)
    assert {name: found.get(name) for name in wanted} == wanted
    assert found[b"HOME"] == b"/nonexistent"
    assert found[b"PATH"] != b"/gone"
    assert found[b"SLURM_TASK_PID"].isdigit()
    assert [name for name in found if name.startswith((b"SHIM_", b"JOB_"))] == [b"SHIM_TICK"]  # the test's own


def test_files_are_truncated_appended_and_kept_apart(image: Image, tmp_path: Path) -> None:
    (tmp_path / "o").write_text("old\n")
    (tmp_path / "in").write_text("input\n")
    job = image.start(
        launch(
            tmp_path,
            "#!/bin/sh\ncat; echo e >&2\n",
            append=True,
            std_out=str(tmp_path / "o"),
            std_err=str(tmp_path / "e"),
            std_in=str(tmp_path / "in"),
            umask=0o027,
        )
    )
    job.ended()
    assert (tmp_path / "o").read_text() == "old\ninput\n"
    assert (tmp_path / "e").read_text() == "e\n"
    assert (tmp_path / "e").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("changes", [{"std_out": "/no/such/dir/o"}, {"std_in": "/no/such/file"}])
def test_files_that_cannot_be_opened_fail_the_launch(image: Image, tmp_path: Path, changes: dict[str, str]) -> None:
    job = image.start(launch(tmp_path, f"#!/bin/sh\ntouch '{tmp_path}/ran'\n", **changes))
    assert job.ended()["failure"] == "cannot open the files of the job"
    assert not (tmp_path / "ran").exists()


def test_a_missing_directory_is_replaced_by_tmp(image: Image, tmp_path: Path) -> None:
    image.start(launch(tmp_path, "#!/bin/sh\npwd\n", work_dir="/no/such/dir")).ended()
    line = "slurmstepd: error: couldn't chdir to `/no/such/dir': No such file or directory: going to /tmp instead\n"
    assert (tmp_path / "out").read_text() == line * 2 + "/tmp\n"


def test_cancel_sends_sigterm_and_after_a_while_sigkill(image: Image, tmp_path: Path) -> None:
    polite = f"#!/bin/bash\ntrap 'echo bye; exit 5' TERM\ntouch '{tmp_path}/up'\nwhile :; do sleep 0.05; done\n"
    job = image.start(launch(tmp_path, polite))
    wait_until((tmp_path / "up").exists)
    job.request("terminate 20\nslurmstepd: error: *** CANCELLED ***\n")
    assert job.outcome() == (5, 0, "terminated")
    lines = (tmp_path / "out").read_text().splitlines()  # bash may add that its sleep was Terminated
    assert (lines[0], lines[-1]) == ("slurmstepd: error: *** CANCELLED ***", "bye")


def test_a_deaf_job_and_its_groups_are_killed(image: Image, tmp_path: Path) -> None:
    deaf = f"#!/bin/bash\ntrap '' TERM\nset -m\nsleep 1000 & echo $! >'{tmp_path}/child'\ntouch '{tmp_path}/up'\nwait\n"
    job = image.start(launch(tmp_path, deaf))
    wait_until((tmp_path / "up").exists)
    job.request("terminate 0\n")
    assert job.outcome() == (0, 9, "terminated")
    assert gone((tmp_path / "child").read_text())


def gone(pid: str) -> bool:
    """Whether a process is no more; unreaped in a container without an init is as good as gone."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_a_script_leaves_behind_ends_with_it(image: Image, tmp_path: Path) -> None:
    job = image.start(launch(tmp_path, f"#!/bin/bash\nset -m\nsleep 1000 & echo $! >'{tmp_path}/child'\nexit 2\n"))
    assert job.outcome() == (2, 0, "")
    assert gone((tmp_path / "child").read_text())


@pytest.mark.parametrize(("target", "expected"), [("batch", "shell\n"), ("full", "shell\nchild\n")])
def test_signals_go_where_they_are_sent(image: Image, tmp_path: Path, target: str, expected: str) -> None:
    child = f"trap 'echo child; exit' USR1; touch '{tmp_path}/up'; while :; do sleep 0.02; done"
    script = f"#!/bin/bash\ntrap 'echo shell' USR1\n/bin/bash -c \"{child}\" &\nwait\nsleep 0.3\nexit 0\n"
    job = image.start(launch(tmp_path, script))
    wait_until((tmp_path / "up").exists)
    job.request(f"signal USR1 {target}\n")
    assert job.outcome() == (0, 0, "")
    words = {"shell", "child"}.intersection((tmp_path / "out").read_text().split())  # bash may speak of its sleep
    assert words == set(expected.split())


def test_the_time_limit_ends_the_job(image: Image, tmp_path: Path) -> None:
    job = image.start(launch(tmp_path, "#!/bin/sh\nsleep 1000\n"), Guest(kill_wait=20, limit=1))
    assert job.outcome() == (0, 15, "timeout")
    assert "*** JOB 7 ON" in (tmp_path / "out").read_text()
    assert (tmp_path / "out").read_text().endswith("DUE TO TIME LIMIT ***\n")


def test_the_warning_signal_comes_before_the_limit(image: Image, tmp_path: Path) -> None:
    script = "#!/bin/bash\ntrap 'echo warned; exit 0' USR2\nwhile :; do sleep 0.05; done\n"
    guest = Guest(kill_wait=20, limit=1000, warn_signal="USR2", warn_before=999, warn_target="batch")
    job = image.start(launch(tmp_path, script), guest)
    assert job.outcome() == (0, 0, "")
    assert (tmp_path / "out").read_text() == "warned\n"


def test_ctrl_c_on_the_terminal_stops_politely(image: Image, tmp_path: Path) -> None:
    script = f"#!/bin/bash\ntrap 'echo bye; exit 4' TERM\ntrap 'echo interrupted' INT\ntouch '{tmp_path}/up'\n"
    job = image.start(launch(tmp_path, script + "while :; do sleep 0.05; done\n"))
    wait_until((tmp_path / "up").exists)
    os.write(job.master, b"\x03")
    assert job.outcome() == (4, 0, "stopped")
    lines = (tmp_path / "out").read_text().splitlines()
    assert lines[-1] == "bye"
    assert "interrupted" not in lines


def test_without_files_the_terminal_tells_everything(image: Image, tmp_path: Path) -> None:
    script = "#!/bin/sh\nprintf 'o\\r\\n#slurm-shim\\n'; echo e >&2; exit 9\n"
    what = launch(tmp_path, script, std_err=str(tmp_path / "err"))
    job = image.start(what, Guest(kill_wait=20, terminal=True))
    log = job.terminal()
    (tmp_path / "here").mkdir()
    output = Output(what, tmp_path / "here")
    for at in range(0, len(log), 7):
        output.feed(log[at : at + 7])
    assert (tmp_path / "out").read_bytes() == b"o\r\n#slurm-shim\n"
    assert (tmp_path / "err").read_bytes() == b"e\n"
    assert payload.parse_record((tmp_path / "here" / "ended").read_text())["exit"] == "9"
    assert (tmp_path / "here" / "started").exists()


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_payload_arrives_in_the_command_line_or_as_an_archive(image: Image, tmp_path: Path, size: int) -> None:
    noise = os.urandom(size // 2).hex()
    what = launch(tmp_path, f'#!/bin/sh\n: {noise}\nprintf %s "$0"; exit 6\n')
    files = payload.job_files(what, [], Guest(kill_wait=20, terminal=True))
    content = dict(files) | dict(payload.guest_files())
    command = payload.inline_command(content)
    assert (command is None) == (size > 100_000)
    if command is None:
        subprocess.run(["tar", "xf", "-"], input=payload.archive(content), cwd=tmp_path, check=True)
        command = payload.archive_command()
    process, master = image.run_on_terminal([*image.shell, *command[1:]], tmp_path)
    job = image.started(tmp_path, process, master)
    assert b"#slurm-shim 7-0 ended exit=6 signal=0" in job.terminal()
    assert process.wait(TIMEOUT) == 6


def test_too_large_a_payload_is_refused_plainly(tmp_path: Path) -> None:
    files = payload.job_files(launch(tmp_path, os.urandom(2 << 20).hex()), [], Guest(kill_wait=20))
    with pytest.raises(payload.NotExpressible, match="bytes packed; dstack carries 2,097,152"):
        payload.archive(files)


@pytest.mark.parametrize("interpreter", ["bash", "sh"])
def test_the_prolog_precedes_the_script(image: Image, tmp_path: Path, interpreter: str) -> None:
    script = f"#!/bin/{interpreter}\necho \"$SITE\"; command -v module; /bin/bash -c 'echo nested'\n"
    prolog = "export SITE=here\nmodule() { :; }\necho prolog >&2"
    image.start(launch(tmp_path, script), Guest(kill_wait=20, prolog=prolog)).ended()
    functions = "module\n" if interpreter == "bash" else ""
    assert (tmp_path / "out").read_text() == f"prolog\nhere\n{functions}nested\n"


def test_no_setsid_no_trouble(image: Image, tmp_path: Path) -> None:
    image._environment["SHIM_SETSID"] = ""
    script = f"#!/bin/sh\nsleep 1000 & echo $! >'{tmp_path}/child'\ntouch '{tmp_path}/up'\nwait\n"
    job = image.start(launch(tmp_path, script))
    wait_until((tmp_path / "up").exists)
    job.request("terminate 20\n")
    assert job.outcome() == (0, 15, "terminated")
    assert gone((tmp_path / "child").read_text())


class Spool:
    def __init__(self, scratch: Path, idle: int) -> None:
        self.directory = scratch / "spool"
        (self.directory / "queue").mkdir(parents=True)
        (self.directory / "idle-limit").write_text(f"{idle}\n")
        self.jobs = scratch / "jobs"
        self._scratch = scratch

    def put(self, number: int, script: str, guest: Guest = Guest(kill_wait=20)) -> Path:  # noqa: B008
        directory = self.jobs / str(number)
        write_job(
            directory,
            launch(
                self._scratch,
                script,
                job_id=number,
                std_out=str(self._scratch / f"out-{number}"),
                std_err=str(self._scratch / f"out-{number}"),
            ),
            guest,
        )
        (self.directory / ".new").write_text(f"{directory}\n")
        (self.directory / ".new").rename(self.directory / "queue" / f"{number:06}")
        return directory

    def start(self, image: Image, name: str) -> Started:
        argv = [*image.shell, str(GUEST / "worker.sh"), str(self.directory), name]
        return image.started(self.directory, *image.run_on_terminal(argv, self._scratch))

    def ended(self, numbers: Iterable[int]) -> list[dict[str, str]]:
        paths = [self.jobs / str(number) / "ended" for number in numbers]
        wait_until(lambda: all(path.exists() for path in paths))
        return [payload.parse_record(path.read_text()) for path in paths]


def test_workers_share_a_queue_until_it_is_empty(image: Image, tmp_path: Path) -> None:
    spool = Spool(tmp_path, idle=0)
    for number in range(8):
        spool.put(number, f"#!/bin/sh\necho job {number}; exit {number}\n")
    workers = [spool.start(image, name) for name in ("a", "b")]
    assert [int(record["exit"]) for record in spool.ended(range(8))] == list(range(8))
    assert [worker.process.wait(TIMEOUT) for worker in workers] == [0, 0]
    assert [(tmp_path / f"out-{number}").read_text() for number in range(8)] == [f"job {n}\n" for n in range(8)]
    takers = [path.name.rpartition(".")[2] for path in (spool.directory / "taken").iterdir()]
    assert len(takers) == 8


def test_one_task_of_a_worker_is_cancelled_alone_and_the_next_is_taken(image: Image, tmp_path: Path) -> None:
    spool = Spool(tmp_path, idle=60)
    first = spool.put(1, "#!/bin/sh\nsleep 1000\n")
    worker = spool.start(image, "a")
    wait_until((first / "leader").exists)
    second = spool.put(2, "#!/bin/sh\nsleep 1000\n", Guest(kill_wait=20, limit=1))
    Started(first, worker.process, worker.master).request("terminate 20\n")
    outcomes = [(record["signal"], record["reason"]) for record in spool.ended([1, 2])]
    assert outcomes == [("15", "terminated"), ("15", "timeout")]
    assert second.exists()
    (spool.directory / "stop").touch()
    assert worker.process.wait(TIMEOUT) == 0


def test_a_stopped_worker_ends_its_task_and_takes_no_other(image: Image, tmp_path: Path) -> None:
    spool = Spool(tmp_path, idle=60)
    first = spool.put(1, "#!/bin/sh\nsleep 1000\n")
    spool.put(2, "#!/bin/sh\ntrue\n")
    worker = spool.start(image, "a")
    wait_until((first / "leader").exists)
    os.write(worker.master, b"\x03")
    assert worker.process.wait(TIMEOUT) == 0
    assert [record["reason"] for record in spool.ended([1])] == ["stopped"]
    assert [path.name for path in (spool.directory / "queue").iterdir()] == ["000002"]


def test_a_killed_worker_leaves_no_end_behind(image: Image, tmp_path: Path) -> None:
    spool = Spool(tmp_path, idle=60)
    first = spool.put(1, "#!/bin/sh\nsleep 3\n")
    worker = spool.start(image, "a")
    wait_until((first / "leader").exists)
    os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait(TIMEOUT)
    assert not (first / "ended").exists()
