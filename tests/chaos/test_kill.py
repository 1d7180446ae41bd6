"""kill -9 of the controller at any moment: nothing is lost, nothing runs twice, ids only grow."""

import os
import random
import select
import threading
from pathlib import Path

from tests.shim import PATIENCE, Shim, kill, wait_until

TELL_SUPERVISOR = "echo $PPID > supervisor.new; mv supervisor.new supervisor"
"""The first words of a script: the process that watches it is its parent."""


def supervisor(shim: Shim) -> int:
    """The process that watches the run that has told it."""
    told = shim.work / "supervisor"
    wait_until(told.exists, "the start of the run")
    return int(told.read_text())


def test_runs_go_on_without_a_controller_and_their_ends_are_recorded(shim: Shim) -> None:
    gate = shim.work / "gate"
    os.mkfifo(gate)
    job = shim.submit("--wrap", f"{TELL_SUPERVISOR}; read x < {gate}; exit 5")
    shim.wait(job, "RUNNING")
    watched = os.pidfd_open(supervisor(shim))
    shim.kill_controller()
    gate.write_text("go\n")
    assert select.select([watched], [], [], PATIENCE)[0], "the run does not end"
    os.close(watched)
    assert shim.wait(job) == "FAILED"
    assert shim.run("squeue", "-h", "-t", "all", "-j", str(job), "-o", "%r").out == "NonZeroExitCode\n"


def test_who_waits_for_a_job_goes_on_waiting_and_gets_its_exit_code(shim: Shim) -> None:
    gate = shim.work / "gate"
    wrapped = f"until [ -e {gate} ]; do sleep 0.05; done; exit $((SLURM_ARRAY_TASK_ID + 3))"
    calls = []
    for words in ((), ("--array=0-1",)):
        call = shim.popen("sbatch", "--wait", *words, "--wrap", wrapped)
        assert call.stdout is not None
        calls.append((call, call.stdout.readline()))
    for _ in range(2):
        shim.kill_controller()
        shim.run("squeue")
    gate.touch()
    assert [printed.startswith(b"Submitted batch job") for _, printed in calls] == [True, True]
    assert [call.communicate(timeout=PATIENCE)[1] for call, _ in calls] == [b"", b""]
    assert [call.returncode for call, _ in calls] == [3, 4]


def test_a_submission_that_may_have_been_stored_is_not_made_again(shim: Shim) -> None:
    shim.submit("--hold", "--wrap", "true")
    calls = [shim.popen("sbatch", "--hold", "--comment", str(number), "--wrap", "true") for number in range(12)]
    shim.kill_controller()
    for call in calls:
        call.communicate(timeout=PATIENCE)
    comments = shim.run("squeue", "-h", "-o", "%k").out.split()
    assert len(comments) == len(set(comments)), "a job was submitted twice"


def test_a_submission_that_was_acknowledged_survives_the_kill_right_after_it(shim: Shim) -> None:
    known = []
    for _ in range(10):
        known.append(shim.submit("--hold", "--wrap", "true"))
        shim.kill_controller()
    assert known == sorted(set(known))
    assert shim.states() == {str(job): "PENDING" for job in known}


def test_kills_during_a_storm_of_jobs_lose_none_and_run_none_twice(shim: Shim) -> None:
    runs = shim.work / "runs"
    known: list[int] = []
    stop = threading.Event()

    def storm() -> None:
        for _ in range(200):
            answer = shim.run("sbatch", "--parsable", "-o", "/dev/null", "--wrap", f"echo $SLURM_JOB_ID >> {runs}")
            if answer.code == 0:
                known.append(int(answer.out))
            if len(known) == 15:
                break
        stop.set()

    thread = threading.Thread(target=storm)
    thread.start()
    chance = random.Random(1)
    while not stop.wait(chance.uniform(0.05, 0.8)):
        try:
            kill(shim.controller)
        except (OSError, IndexError):
            continue
    thread.join()
    assert len(known) == 15
    for job in known:
        assert shim.wait(job) == "COMPLETED"
    lines = runs.read_text().split()
    assert len(lines) == len(set(lines)), "a job ran twice"
    assert set(map(str, known)) <= set(lines)


def test_a_chain_runs_once_and_in_order_though_the_controller_dies_at_every_link(shim: Shim) -> None:
    order = shim.work / "order"
    shim.run("sbatch", "--hold", "-o", "/dev/null", "--wrap", f"echo 0 >> {order}")
    jobs = [1]
    for link in range(1, 6):
        jobs.append(shim.submit("-o", "/dev/null", "-d", f"afterok:{jobs[-1]}", "--wrap", f"echo {link} >> {order}"))
        shim.kill_controller()
    assert shim.run("scontrol", "release", "1").code == 0
    for job in jobs:
        shim.kill_controller()
        assert shim.wait(job) == "COMPLETED"
    assert order.read_text().split() == ["0", "1", "2", "3", "4", "5"]


def test_a_killed_starter_is_replaced(shim: Shim) -> None:
    shim.wait(shim.submit("--wrap", "true"))
    children = Path(f"/proc/{shim.controller}/task/{shim.controller}/children").read_text().split()
    for child in children:
        kill(int(child))
    assert shim.wait(shim.submit("--wrap", "exit 3")) == "FAILED"


def test_a_killed_supervisor_is_a_node_failure_and_its_job_runs_again(shim: Shim) -> None:
    runs = shim.work / "runs"
    job = shim.submit("--wrap", f"{TELL_SUPERVISOR}; echo x >> {runs}; [ $(wc -l < {runs}) -gt 1 ] || sleep 1000")
    kill(supervisor(shim))
    assert shim.wait(job) == "COMPLETED"
    assert runs.read_text() == "x\nx\n"


def test_several_first_commands_at_once_start_one_controller(shim: Shim) -> None:
    calls = [shim.popen("sbatch", "--parsable", "--wrap", "true") for _ in range(8)]
    ids = sorted(int(call.communicate()[0]) for call in calls)
    assert ids == list(range(1, 9))
    assert shim.log.count("process") == 1
