"""Mail about jobs: what the mail program is called with, against what was recorded on a real cluster."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shim.config.settings import Config
from shim.controller.arrays import Array
from shim.controller.mail import Mailer
from shim.job.record import ArrayInfo, Job
from shim.job.request import UNLIMITED, Request
from shim.job.states import State

NOW = 1_800_000_000.0


@dataclass
class MailQueue:
    """What a mailer needs of a queue; time passes when the test says so."""

    config: Config
    arrays: dict[int, Array] = field(default_factory=dict)
    running: set[Job] = field(default_factory=set)
    time: float = NOW
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    @property
    def loop(self) -> "MailQueue":
        return self

    def create_task(self, coroutine):
        return asyncio.get_running_loop().create_task(coroutine)

    def call_later(self, seconds, function, *arguments):
        self.later.append((self.time + seconds, lambda: function(*arguments)))

    def pass_time(self, seconds: float) -> None:
        """Move the clock on, and do on the way what was to be done later."""
        end = self.time + seconds
        while self.later and min(self.later, key=lambda one: one[0])[0] <= end:
            due = min(self.later, key=lambda one: one[0])
            self.later.remove(due)
            self.time = due[0]
            due[1]()
        self.time = end


@pytest.fixture
def mail(tmp_path: Path):
    """Play events to a mailer; returns what the mail program was called with, in order of the events."""
    program = tmp_path / "mail"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > {tmp_path}/$(printf %s "$2" | cksum | tr -d " ")\n')
    program.chmod(0o755)

    def play(events: Callable[[MailQueue, Mailer], None], prog: str = "") -> list[str]:
        async def playing() -> None:
            queue = MailQueue(Config(mail_prog=prog or str(program)))
            mailer = Mailer(queue)
            events(queue, mailer)
            await mailer.delivered()

        asyncio.run(playing())
        return sorted(path.read_text().removeprefix("-s|Slurm ") for path in tmp_path.iterdir() if path != program)

    return play


def job(job_id: int, *types: str, name: str = "wrap", **fields) -> Job:
    request = Request(job_name=name, mail_type=types, mail_user=fields.pop("mail_user", ""))
    made = Job(job_id, request, 2003, "carol", 2003, "carol", NOW - 3, time_limit=UNLIMITED, start_time=NOW)
    made.state = State.RUNNING
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def end(one: Job, state: State, status: int = 0, ran: float = 0) -> Job:
    one.state, one.exit_status, one.end_time = state, status, one.start_time + ran
    return one


ALL = ("INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT")


def test_a_job_that_fails(mail):
    def events(_queue, mailer):
        one = job(252, *ALL, name="mj")
        mailer.on_change(one, "BEGIN")
        mailer.on_change(end(one, State.FAILED, 2 << 8), "END")

    assert mail(events) == [
        "Job_id=252 Name=mj Began, Queued time 00:00:03|carol|",
        "Job_id=252 Name=mj Failed, Run time 00:00:00, FAILED, ExitCode 2|carol|",
    ]


def test_a_job_that_ends_well_and_an_address(mail):
    def events(_queue, mailer):
        one = job(253, "BEGIN", "END", "FAIL", mail_user="me@x.org")
        mailer.on_change(end(one, State.COMPLETED, ran=3661), "END")

    assert mail(events) == ["Job_id=253 Name=wrap Ended, Run time 01:01:01, COMPLETED, ExitCode 0|me@x.org|"]


@pytest.mark.parametrize(
    ("types", "state", "status", "subject"),
    [
        (("END",), State.FAILED, 2 << 8, "Ended, Run time 00:00:05, FAILED, ExitCode 2"),
        (("END", "FAIL"), State.CANCELLED, 15, "Ended, Run time 00:00:05, CANCELLED, ExitCode 0"),
        (("FAIL",), State.TIMEOUT, 15, "Failed, Run time 00:00:05, TIMEOUT, ExitCode 0"),
        (("FAIL",), State.FAILED, 15, "Failed, Run time 00:00:05, FAILED"),
        (("FAIL",), State.COMPLETED, 0, ""),
        (("BEGIN",), State.COMPLETED, 0, ""),
        ((), State.FAILED, 1 << 8, ""),
    ],
)
def test_how_a_job_ended(mail, types, state, status, subject):
    mails = mail(lambda _queue, mailer: mailer.on_change(end(job(7, *types), state, status, ran=5), "END"))
    assert mails == ([f"Job_id=7 Name=wrap {subject}|carol|"] if subject else [])


def array_of(queue: MailQueue, count: int, *types: str) -> list[Job]:
    info = ArrayInfo(254, 1, count, 1, count)
    tasks = [
        job(255 + index if index < count else 254, *types, array=info, task_id=index) for index in range(1, count + 1)
    ]
    queue.arrays[254] = Array(info, f"1-{count}", tasks={task.task_id: task for task in tasks}, unfinished=count)
    return tasks


def end_task(queue: MailQueue, mailer: Mailer, task: Job, status: int) -> None:
    queue.arrays[254].unfinished -= 1
    mailer.on_change(end(task, State.FAILED if status else State.COMPLETED, status), "END")


@pytest.mark.parametrize(
    ("types", "statuses", "subject"),
    [
        (("END",), [1 << 8, 2 << 8, 3 << 8], "Ended, FAILED, ExitCode [1-3]"),
        (("END", "FAIL"), [0, 0, 1 << 8], "Failed, Mixed, ExitCode [0-1]"),
        (("END",), [0, 0, 0], "Ended, COMPLETED, ExitCode [0-0]"),
        (("END",), [15, 15, 15], "Ended, Mixed, MaxSignal [15]"),
        (("END",), [9, 0, 1 << 8], "Ended, Mixed, ExitCode [0-1]"),
    ],
)
def test_one_summary_for_an_array(mail, types, statuses, subject):
    def events(queue, mailer):
        for task, status in zip(array_of(queue, 3, *types), statuses, strict=True):
            end_task(queue, mailer, task, status)

    assert mail(events) == [f"Array Summary Job_id=254_* (254) Name=wrap {subject}|carol|"]


def test_an_array_begins_once(mail):
    def events(queue, mailer):
        for task in array_of(queue, 3, "BEGIN"):
            mailer.on_change(task, "BEGIN")

    assert mail(events) == ["Array Summary Job_id=254_* (254) Name=wrap Began|carol|"]


def test_mail_for_each_task(mail):
    def events(queue, mailer):
        for task in array_of(queue, 2, "BEGIN", "END", "ARRAY_TASKS"):
            mailer.on_change(task, "BEGIN")
            end_task(queue, mailer, task, 0)

    assert mail(events) == [
        "Array Task Job_id=254_1 (256) Name=wrap Began, Queued time 00:00:03|carol|",
        "Array Task Job_id=254_1 (256) Name=wrap Ended, Run time 00:00:00, COMPLETED, ExitCode 0|carol|",
        "Array Task Job_id=254_2 (254) Name=wrap Began, Queued time 00:00:03|carol|",
        "Array Task Job_id=254_2 (254) Name=wrap Ended, Run time 00:00:00, COMPLETED, ExitCode 0|carol|",
    ]


def test_a_requeued_task_shows_in_the_summary(mail):
    def events(queue, mailer):
        (task,) = array_of(queue, 1, "END")
        mailer.on_change(end(task, State.REQUEUED), "REQUEUE")
        end_task(queue, mailer, task, 0)

    assert mail(events) == [
        "Array Summary Job_id=254_* (254) Name=wrap Ended, COMPLETED, ExitCode [0-0], with requeued tasks|carol|"
    ]


def test_requeue_and_a_dependency_that_fails(mail):
    def events(_queue, mailer):
        mailer.on_change(end(job(7, *ALL), State.REQUEUED, ran=7), "REQUEUE")
        mailer.on_change(job(8, *ALL, state=State.PENDING), "INVALID_DEPEND")

    assert mail(events) == [
        "Job_id=7 Name=wrap Requeued, Run time 00:00:07|carol|",
        "Job_id=8 Name=wrap Invalid dependency|carol|",
    ]


LIMITS = ("TIME_LIMIT_50", "TIME_LIMIT_80", "TIME_LIMIT_90", "TIME_LIMIT")


def test_time_limits_are_reported_when_they_are_reached(mail):
    def events(queue, mailer):
        one = job(9, *LIMITS, "FAIL", time_limit=10)
        mailer.on_change(one, "BEGIN")
        queue.pass_time(550)
        mailer.on_change(end(one, State.TIMEOUT, ran=600), "END")
        queue.pass_time(600)

    assert mail(events) == [
        "Job_id=9 Name=wrap Failed, Run time 00:10:00, TIMEOUT, ExitCode 0|carol|",
        "Job_id=9 Name=wrap Reached 50% of time limit, Run time 00:05:00|carol|",
        "Job_id=9 Name=wrap Reached 80% of time limit, Run time 00:08:00|carol|",
        "Job_id=9 Name=wrap Reached 90% of time limit, Run time 00:09:00|carol|",
        "Job_id=9 Name=wrap Reached time limit, Run time 00:10:00|carol|",
    ]


def test_a_time_limit_that_changes(mail):
    def events(queue, mailer):
        one = job(9, "TIME_LIMIT_50", time_limit=100)
        mailer.on_change(one, "BEGIN")
        queue.pass_time(300)
        one.time_limit = 12
        queue.pass_time(3000)

    assert mail(events) == ["Job_id=9 Name=wrap Reached 50% of time limit, Run time 00:06:00|carol|"]


def test_jobs_without_a_limit_or_that_ended_are_let_be(mail):
    def events(queue, mailer):
        mailer.on_change(job(8, *LIMITS), "BEGIN")
        one = job(9, *LIMITS, time_limit=10)
        mailer.on_change(one, "BEGIN")
        mailer.on_change(end(one, State.COMPLETED, ran=5), "END")
        queue.pass_time(3000)

    assert mail(events) == []


def test_after_a_restart_limits_still_to_come_are_reported(mail):
    def events(queue, mailer):
        queue.running = {job(9, *LIMITS, time_limit=10, start_time=NOW - 420)}
        mailer.resume()
        queue.pass_time(70)

    assert mail(events) == ["Job_id=9 Name=wrap Reached 80% of time limit, Run time 00:08:00|carol|"]


def test_a_mail_program_that_is_missing_harms_nobody(mail, caplog):
    def events(_queue, mailer):
        mailer.on_change(job(252, "BEGIN"), "BEGIN")

    assert mail(events, prog="/nowhere/mail") == []
    assert "mail about job 252 not sent: /nowhere/mail: No such file or directory" in caplog.text


def test_the_mail_program_learns_about_the_job(tmp_path, monkeypatch):
    program = tmp_path / "mail"
    program.write_text(f"#!/bin/sh\nenv | grep ^SLURM_ | sort > {tmp_path}/env\n")
    program.chmod(0o755)

    async def playing() -> None:
        mailer = Mailer(MailQueue(Config(mail_prog=str(program))))
        mailer.on_change(end(job(7, "FAIL"), State.FAILED, 3 << 8), "END")
        await mailer.delivered()

    asyncio.run(playing())
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert found["SLURM_JOB_ID"] == "7"
    assert found["SLURM_JOB_STATE"] == "FAILED"
    assert found["SLURM_JOB_MAIL_TYPE"] == "Failed"
    assert found["SLURM_JOB_EXIT_CODE2"] == "3:0"
