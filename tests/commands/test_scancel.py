"""scancel's answers and exit codes, against those of the real one; what it asks of the queue."""

import os
from dataclasses import dataclass, field

import pytest

from shim.commands.scancel import run
from shim.executor.base import Target
from shim.grammar.indexset import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.states import State
from tests.commands.tinyqueue import Answer, TinyQueue, ask


@dataclass
class Deeds(TinyQueue):
    """A queue that writes down what is asked of it, and refuses what a real one refuses."""

    done: list[str] = field(default_factory=list)
    user_id: int = field(default_factory=os.getuid)
    denied: set[int] = field(default_factory=set)

    def cancel(
        self, job: Job, tasks: IndexSet | None = None, *, user_id: int, signal: int = 9, target: Target | None = None
    ) -> None:
        assert user_id == self.user_id
        if job.job_id in self.denied:
            raise SlurmError(Errno.ACCESS_DENIED)
        if job.state.finished:
            raise SlurmError(Errno.ALREADY_DONE)
        if job.pending and signal != 9:
            raise SlurmError(Errno.TRANSITION_STATE_NO_UPDATE)
        part = "" if tasks is None else f"[{tasks}]"
        reach = f" {target.value}" if target else ""
        self.done.append(f"{job.job_id}{part}{'' if signal == 9 else f' {signal}'}{reach}")

    def signal_step(self, job: Job, step: Step, *, user_id: int, signal: int = 9) -> None:
        self.done.append(f"{job.job_id}.{step.step_id} {signal}")


@pytest.fixture
def queue() -> Deeds:
    queue = Deeds()
    queue.add(5, "five", priority=0)
    queue.add(6, "six", ran=5, on=("n1",))
    queue.add(7, "seven", state=State.COMPLETED)
    queue.add(10, "arr", array="1-9", tasks=IndexSet.parse("4-9"), throttle=2)
    queue.add(11, "arr", array="1-9", array_job_id=10, task_id=1, state=State.COMPLETED)
    queue.add(12, "arr", array="1-9", array_job_id=10, task_id=2, ran=5, on=("n2",))
    queue.add(13, "arr", array="1-9", array_job_id=10, task_id=3, ran=5, on=("n2",))
    queue.add(20, "whole", partition="gpu", qos="high", account="proj", wckey="w", reservation="r", user_id=7)
    queue.live_steps[6] = [Step(6, 0, "0", "sleep", node_list="n1")]
    for job in queue.jobs.values():
        if job.job_id != 20:
            job.user_id = queue.user_id
    return queue


def call(queue: Deeds, *argv: str, stdin: bytes = b"", **env: str) -> Answer:
    return ask(run, queue, *argv, command="scancel", stdin=stdin, **env)


OTHERS = ["5", "6", "10[4-9]", "12", "13"]


@pytest.mark.parametrize(
    ("argv", "done", "code", "stderr"),
    [
        (["5"], ["5"], 0, ""),
        (["7"], [], 0, ""),
        (["999999"], [], 0, ""),
        (["-Q", "999999"], [], 0, ""),
        (["5", "6", "999999"], ["5", "6"], 0, ""),
        (["5,6"], ["5", "6"], 0, ""),
        (["-v", "5"], ["5"], 0, "scancel: Terminating job 5\n"),
        (
            ["-v", "7"],
            [],
            0,
            "scancel: Terminating job 7\n"
            "scancel: error: Kill job error on job id 7: Job/step already completing or completed\n",
        ),
        (
            ["-v", "999999"],
            [],
            0,
            "scancel: Terminating job 999999\n"
            "scancel: error: Kill job error on job id 999999: Invalid job id specified\n",
        ),
        (["--ctld", "5"], ["5"], 0, ""),
        (["--hurry", "5"], ["5"], 0, ""),
        # arrays
        (["10"], ["10", "13", "12"], 0, ""),
        (["10_*"], ["10", "13", "12"], 0, ""),
        (["10_5"], ["10[5]"], 0, ""),
        (["10_2"], ["12"], 0, ""),
        (["10_1"], [], 0, ""),
        (["10_77"], [], 0, ""),
        (["10_[3-6,8]"], ["10[4-6,8]", "13"], 0, ""),
        (["10_[1]"], [], 0, ""),
        (
            ["-v", "10_[1,77]"],
            [],
            0,
            "scancel: Terminating job 10_[1,77]\nscancel: error: Kill job error on job id "
            "10_[1,77]: Job/step already completing or completed\n",
        ),
        (
            ["-v", "10_77"],
            [],
            0,
            "scancel: Terminating job 10_77\n"
            "scancel: error: Kill job error on job id 10_77: Invalid job id specified\n",
        ),
        (["12"], ["12"], 0, ""),
        (["5_1"], [], 0, ""),
        # signals
        (["-s", "USR1", "6"], ["6 10"], 0, ""),
        (["-s", "10", "6"], ["6 10"], 0, ""),
        (["--signal=SIGUSR1", "-b", "6"], ["6 10 batch"], 0, ""),
        (["-f", "-s", "usr1", "6"], ["6 10 full"], 0, ""),
        (["-b", "-f", "-s", "USR1", "6"], ["6 10 full"], 0, ""),
        (["-s", "KILL", "5"], ["5"], 0, ""),
        (["-b", "6"], ["6 batch"], 0, ""),
        (["-f", "6"], ["6 full"], 0, ""),
        (["-v", "-s", "USR1", "6"], ["6 10"], 0, "scancel: Signal 10 to job 6\n"),
        (["-v", "-b", "-s", "USR1", "6"], ["6 10 batch"], 0, "scancel: Signal 10 to batch job 6\n"),
        (["-v", "-f", "-s", "USR1", "6"], ["6 10 full"], 0, "scancel: Signal 10 to full job 6\n"),
        (
            ["-s", "USR1", "5"],
            [],
            228,
            "scancel: error: Kill job error on job id 5: Job can not be altered now, try again later\n",
        ),
        (["-s", "USR1", "7"], [], 1, "scancel: error: Kill job error on job id 7: Invalid job id specified\n"),
        (
            ["-s", "USR1", "5", "999999"],
            [],
            228,
            "scancel: error: Kill job error on job id 999999: Invalid job id specified\n"
            "scancel: error: Kill job error on job id 5: Job can not be altered now, try again later\n",
        ),
        # steps
        (["6.0"], ["6.0 9"], 0, ""),
        (["6."], ["6.0 9"], 0, ""),
        (["-v", "6.0"], ["6.0 9"], 0, "scancel: Terminating step 6.0\n"),
        (["-s", "USR2", "6.0"], ["6.0 12"], 0, ""),
        (["6.7"], [], 1, "scancel: error: Kill job error on job step id 6.7: Invalid job id specified\n"),
        (["999999.0"], [], 1, "scancel: error: Kill job error on job step id 999999.0: Invalid job id specified\n"),
        (["99."], [], 1, "scancel: error: Kill job error on job step id 99.0: Invalid job id specified\n"),
        # filters
        (["-n", "five"], ["5"], 0, ""),
        (["--name=nosuch"], [], 0, ""),
        (["-p", "gpu"], ["20"], 0, ""),
        (["-A", "proj"], ["20"], 0, ""),
        (["-q", "high"], ["20"], 0, ""),
        (["-R", "r"], ["20"], 0, ""),
        (["--wckey=w"], ["20"], 0, ""),
        (["-w", "n[1,3]"], ["6"], 0, ""),
        (["-u", "7"], ["20"], 0, ""),
        (["--me"], OTHERS, 0, ""),
        (["-t", "PD"], ["5", "10[4-9]", "20"], 0, ""),
        (["-t", "running"], ["6", "12", "13"], 0, ""),
        (["--state=SUSPENDED"], [], 0, ""),
        (["-n", "five", "6"], [], 0, ""),
        (["-t", "RUNNING", "5"], [], 0, ""),
        (["-t", "PENDING", "10"], ["10[4-9]"], 0, ""),
        (["-t", "PENDING", "10_[2-5]"], ["10[4-5]"], 0, ""),
        (["-t", "RUNNING", "10_[2-5]"], ["13", "12"], 0, ""),
        (["-n", "arr", "10_4", "10_6"], ["10[4-6:2]"], 0, ""),
        (["-n", "five", "7"], [], 1, "scancel: error: Kill job error on job id 7: Invalid job id specified\n"),
        (["-Q", "-n", "five", "999999"], [], 1, ""),
        (
            ["-v", "-n", "nosuch", "-p", "gpu"],
            [],
            0,
            "scancel: error: No active jobs match ALL job filters, including: job_name=nosuch partition=gpu \n",
        ),
        (["-v", "-n", "arr", "-t", "PD"], ["10[4-9]"], 0, "scancel: Terminating job 10_[4-9%2]\n"),
        # complaints
        (["abc"], [], 1, "scancel: error: Invalid job id abc\n"),
        (["0"], [], 1, "scancel: error: Invalid job id 0\n"),
        (["5", "10_x"], [], 1, "scancel: error: Invalid job id 10_x\n"),
        (["5 6"], [], 1, "scancel: error: Invalid job id 5 6\n"),
        (["6.batch"], [], 1, "scancel: error: Invalid job id 6.batch\n"),
        (["10_["], [], 1, "scancel: error: Invalid job id 10_[\n"),
        (["10_[1-3]x"], [], 1, "scancel: error: Invalid job id 10_[1-3]x\n"),
        (
            ["10_[5-1]"],
            [],
            1,
            "scancel: error: _parse_single_range: Invalid range: `5-1'\nscancel: error: Invalid job id 10_[5-1]\n",
        ),
        (
            ["10_[]"],
            [],
            1,
            "scancel: error: _parse_single_range: Invalid range: `'\nscancel: error: Invalid job id 10_[]\n",
        ),
        ([], [], 1, "scancel: error: No job identification provided\n"),
        (
            ["-t", "foo", "5"],
            [],
            1,
            "Invalid job state specified: foo\nValid job states are PENDING, RUNNING, and SUSPENDED\n",
        ),
        (
            ["-t", "COMPLETED", "5"],
            [],
            1,
            "Invalid job state specified: COMPLETED\nValid job states are PENDING, RUNNING, and SUSPENDED\n",
        ),
        (["-s", "FOO", "5"], [], 1, "Unknown job signal: FOO\n"),
        (["-s", "0", "5"], [], 1, "Unknown job signal: 0\n"),
        (["-u", "no-such-user"], [], 1, "scancel: error: Invalid user name: no-such-user\n"),
        (["-1"], [], 1, "scancel: invalid option -- '1'\nTry \"scancel --help\" for more information\n"),
        (["--foo"], [], 1, "scancel: unrecognized option '--foo'\nTry \"scancel --help\" for more information\n"),
        (
            ["--us", "x"],
            [],
            1,
            "scancel: option '--us' is ambiguous; possibilities: '--usage' '--user'\n"
            'Try "scancel --help" for more information\n',
        ),
        (
            ["-M", "nosuch", "5"],
            [],
            1,
            "scancel: error: No cluster 'nosuch' known by database.\n"
            "scancel: error: 'nosuch' can't be reached now, or it is an invalid entry for "
            "--cluster.  Use 'sacctmgr list clusters' to see available clusters.\n",
        ),
        (["5+0"], [], 58, "scancel: error: Kill job error on job id 5+0: Job not heterogeneous job\n"),
    ],
)
def test_answers(queue, argv, done, code, stderr):
    answer = call(queue, *argv)
    assert (queue.done, answer.code, answer.stdout, answer.stderr) == (done, code, "", stderr)


def test_other_peoples_jobs(queue):
    queue.denied = {5, 20}
    text = "scancel: error: Kill job error on job id {}: Access/permission denied\n"
    assert call(queue, "5") == Answer("", text.format(5), 210)
    assert call(queue, "-Q", "-p", "gpu") == Answer("", text.format(20), 210)
    assert call(queue, "5", "6") == Answer("", text.format(5), 210)
    assert queue.done == ["6"]


@pytest.mark.parametrize(
    ("stdin", "done", "prompts"),
    [
        (b"y\n", ["5"], 1),
        (b"Y\n", ["5"], 1),
        (b"n\n", [], 1),
        (b"x\nq\ny\n", ["5"], 3),
        (b"", [], 1),
    ],
)
def test_interactive(queue, stdin, done, prompts):
    answer = call(queue, "-i", "5", stdin=stdin)
    assert answer == Answer("Cancel job_id=5 name=five partition=debug [y/n]? " * prompts, "", 0)
    assert queue.done == done


def test_interactive_asks_for_each_job(queue):
    answer = call(queue, "-i", "-t", "PD", stdin=b"n\ny\nn\n")
    assert answer.stdout == (
        "Cancel job_id=5 name=five partition=debug [y/n]? Cancel job_id=10_[4-9%2] name=arr partition=debug [y/n]? "
        "Cancel job_id=20 name=whole partition=gpu [y/n]? "
    )
    assert queue.done == ["10[4-9]"]
    assert call(queue, "-i", "6.0", stdin=b"y\n").stdout == "Cancel step_id=6.0 name=six partition=debug [y/n]? "


@pytest.mark.parametrize(
    ("env", "argv", "done", "code", "stderr"),
    [
        ({"SCANCEL_NAME": "five"}, [], ["5"], 0, ""),
        ({"SCANCEL_PARTITION": "gpu"}, [], ["20"], 0, ""),
        ({"SCANCEL_USER": "7"}, [], ["20"], 0, ""),
        (
            {"SCANCEL_STATE": "RUNNING"},
            ["7"],
            [],
            1,
            "scancel: error: Kill job error on job id 7: Invalid job id specified\n",
        ),
        (
            {"SCANCEL_STATE": "foo"},
            ["5"],
            [],
            1,
            "Unrecognized SCANCEL_STATE value: foo\nValid job states are PENDING, RUNNING, and SUSPENDED\n",
        ),
        ({"SCANCEL_VERBOSE": "true"}, ["5"], ["5"], 0, "scancel: Terminating job 5\n"),
        ({"SCANCEL_VERBOSE": "1"}, ["5"], ["5"], 0, "scancel: error: Unrecognized SCANCEL_VERBOSE value: 1\n"),
        ({"SCANCEL_BATCH": "t"}, ["6"], ["6 batch"], 0, ""),
        ({"SCANCEL_FULL": "false"}, ["6"], ["6"], 0, ""),
        ({"SCANCEL_STATE": "PENDING"}, ["-t", "R"], ["6", "12", "13"], 0, ""),
    ],
)
def test_variables(queue, env, argv, done, code, stderr):
    answer = call(queue, *argv, **env)
    assert (queue.done, answer.code, answer.stderr) == (done, code, stderr)


def test_heterogeneous_jobs(queue):
    queue.add(30, het_job_id=30, het_job_offset=0)
    queue.add(31, het_job_id=30, het_job_offset=1)
    answer = call(queue, "30+1")
    assert answer.stderr == (
        "scancel: error: Kill job error on job id 30+1: Operation not permitted on individual component of "
        "heterogeneous job\n"
    )
    assert queue.done == []
    call(queue, "30")
    assert queue.done == ["30", "31"]


def test_hosts_from_a_file(queue, tmp_path):
    (tmp_path / "hosts").write_text("n3\nn1\n")
    assert call(queue, "-w", str(tmp_path / "hosts")).code == 0
    assert queue.done == ["6"]
    assert call(queue, "-w", str(tmp_path / "none")).code == 1
    assert call(queue, "-w", "n[1").stderr == "scancel: error: Invalid node list: n[1\n"


def test_help_usage_and_version(queue):
    assert call(queue, "--help").stdout.startswith("Usage: scancel [OPTIONS] [job_id[_array_id][.step_id]]\n")
    assert call(queue, "--usage").stdout.startswith("Usage: scancel [-A account] [--batch] [--full]")
    assert call(queue, "-V").stdout == "slurm 22.05.8\n"
