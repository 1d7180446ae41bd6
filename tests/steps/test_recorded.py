"""srun in a job against what real Slurm answered; the order of lines of different tasks is left open."""

import re

import pytest

from shim.grammar.indexset import IndexSet
from tests.steps.conftest import Job

CASES = [
    ("-n1", "srun hostname >/dev/null; echo rc=$?", "rc=0"),
    (
        "-n3",
        'srun -l bash -c "echo out \\$SLURM_PROCID; echo err \\$SLURM_PROCID >&2"; echo rc=$?',
        "0: out 0\n1: out 1\n2: out 2\n0: err 0\n1: err 1\n2: err 2\nrc=0",
    ),
    ("-N2 -n4", 'srun -n 2 bash -c "echo \\$SLURM_PROCID/\\$SLURM_NTASKS \\$SLURMD_NODENAME"', "0/2 n1\n1/2 n2"),
    ("-N2 -n4", 'srun bash -c "echo \\$SLURM_PROCID \\$SLURMD_NODENAME"', "0 n1\n1 n1\n2 n1\n3 n2"),
    (
        "-N2 -n4",
        'srun --ntasks-per-node=1 bash -c "echo \\$SLURM_PROCID \\$SLURMD_NODENAME"',
        "srun: Warning: can't honor --ntasks-per-node set to 1 which doesn't match the requested tasks 4 with the "
        "number of requested nodes 2. Ignoring --ntasks-per-node.\n0 n1\n1 n1\n2 n1\n3 n2",
    ),
    ("-N2 -n4", 'srun -m cyclic bash -c "echo \\$SLURM_PROCID \\$SLURMD_NODENAME"', "0 n1\n1 n2\n2 n1\n3 n1"),
    ("-N2 -n5", 'srun -n4 -m plane=2 bash -c "echo \\$SLURM_PROCID \\$SLURMD_NODENAME"', "0 n1\n1 n1\n2 n2\n3 n1"),
    (
        "-N2 -n5",
        'srun -n4 -m arbitrary -w n2,n1,n2,n2 -O bash -c "echo \\$SLURM_PROCID \\$SLURMD_NODENAME"',
        "0 n2\n1 n1\n2 n2\n3 n2",
    ),
    ("-N2 -n5", "srun -N1 -n1 -r1 printenv SLURMD_NODENAME", "n2"),
    (
        "-N2 -n5",
        "srun -N1 -n1 -r2 true",
        "srun: error: --relative and --nodes option incompatible with count of allocated nodes (2+1>2)",
    ),
    ("-N2 -n5", "srun -x n1 -N1 -n1 printenv SLURMD_NODENAME", "n2"),
    (
        "-N2 -n5",
        "srun -n1 -w n2 printenv SLURMD_NODENAME",
        "srun: Warning: can't run 1 processes on 2 nodes, setting nnodes to 1\nn2",
    ),
    (
        "-N2 -n5",
        "srun -N1 true",
        "srun: error: Unable to create step for job J: More processors requested than permitted",
    ),
    ("-n3", "srun bash -c 'exit 255'; echo rc=$?", "srun: error: n1: tasks 0-2: Exited with exit code 255\nrc=255"),
    (
        "-n3",
        "srun bash -c 'kill -9 $$'; echo rc=$?",
        "srun: error: n1: tasks 0-2: Killed\nsrun: Force Terminated StepId=J.0\nrc=137",
    ),
    ("-n3", "srun bash -c 'kill -SEGV $$'; echo rc=$?", "srun: error: n1: tasks 0-2: Segmentation fault\nrc=139"),
    (
        "-n2",
        "srun nosuchcmd; echo rc=$?",
        "slurmstepd: error: execve(): nosuchcmd: No such file or directory\n" * 2
        + "srun: error: n1: tasks 0-1: Exited with exit code 2\nrc=2",
    ),
    (
        "-n1",
        "srun /etc/passwd; echo rc=$?",
        "slurmstepd: error: execve(): /etc/passwd: Permission denied\n"
        "srun: error: n1: task 0: Exited with exit code 13\nrc=13",
    ),
    (
        "-n2",
        'srun -n2 -K bash -c "if [ \\$SLURM_PROCID = 1 ]; then exit 9; fi; sleep 50"; echo rc=$?',
        "srun: error: n1: task 1: Exited with exit code 9\nsrun: launch/slurm: _step_signal: Terminating StepId=J.0\n"
        "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***\nsrun: error: n1: task 0: Terminated\n"
        "srun: Force Terminated StepId=J.0\nrc=143",
    ),
    (
        "-n2",
        'srun -W 1 -n2 bash -c "if [ \\$SLURM_PROCID = 0 ]; then exit 0; fi; sleep 60"; echo rc=$?',
        "srun: First task exited 1s ago\nsrun: StepId=J.0 task 1: running\nsrun: StepId=J.0 task 0: exited\n"
        "srun: launch/slurm: _step_signal: Terminating StepId=J.0\n"
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
        "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***\nsrun: error: n1: task 1: Killed\nrc=137",
    ),
    (
        "-n2 -N1",
        "srun -n 5 true; srun -N 2 true; srun -c 4 true; srun -n1 --mem=5000 true; srun -w n9 true",
        "srun: error: Unable to create step for job J: More processors requested than permitted\n"
        "srun: error: Only allocated 1 nodes asked for 2\n"
        "srun: error: Unable to create step for job J: More processors requested than permitted\n"
        "srun: error: Unable to create step for job J: Memory required by task is not available\n"
        "srun: error: Unable to create step for job J: Requested node configuration is not available",
    ),
    (
        "-n2 -N1",
        "srun --foo; echo rc=$?; srun; echo rc=$?",
        "srun: unrecognized option '--foo'\nTry \"srun --help\" for more information\nrc=255\n"
        "srun: fatal: No command given to execute.\nrc=1",
    ),
    ("-n2", 'srun -O -n 5 bash -c "echo \\$SLURM_PROCID"', "0\n1\n2\n3\n4"),
    ("-n2", "echo input | srun -l cat; echo 'a b' | srun --input=0 -l cat", "0: input\n1: input\n0: a b"),
    ("-n2", "srun -l --input=none cat; printf '1\\n2\\n' > in.txt; srun -l -i in.txt cat", "0: 1\n0: 2\n1: 1\n1: 2"),
    ("-n1", "while read l; do echo line $l; srun true; done <<< $(printf 'a\\nb\\nc')", "line a"),
    (
        "-n1",
        'srun --export=NONE bash -c true; srun --export=ALL,X=1 bash -c "echo X=\\$X"',
        "slurmstepd: error: execve(): bash: No such file or directory\n"
        "srun: error: n1: task 0: Exited with exit code 2\nX=1",
    ),
    ("-n1", "srun -D /tmp pwd; srun -u echo unbuffered; srun -Q false; echo rc=$?",
     "/tmp\nunbuffered\nsrun: error: n1: task 0: Exited with exit code 1\nrc=1"),
    ("-n1", "srun --chdir=/nosuch pwd",
     "slurmstepd: error: couldn't chdir to `/nosuch': No such file or directory: going to /tmp instead\n" * 2 + "/tmp"),
    ("-n2", 'srun -l bash -c "printf \\$SLURM_PROCID; sleep 0.1; printf \\"x\\n\\""; srun -l printf "no newline"',
     "0: 0x\n1: 1x\n0: no newline\n1: no newline"),
    ("-n1", "srun --jobid=99999 true; echo rc=$?",
     "srun: error: Unable to confirm allocation for job 99999: Invalid job id specified\n"
     "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 99999\nrc=1"),
    ("-n1", "srun --gres=gpu:1 true",
     "srun: error: Step requested GRES but job doesn't have GRES\n"
     "srun: error: Unable to create step for job J: Invalid generic resource (gres) specification"),
    ("-n1", "srun -o missing/x echo hi; echo rc=$?; srun -o missing/%t echo hi; echo rc=$?",
     "srun: error: Could not open stdout file: No such file or directory\nrc=1\n"
     "srun: error: task 0 launch failed: Slurmd could not connect IO\nrc=0"),
    ("-n1", "srun -i missing cat; echo rc=$?",
     "srun: error: Could not open stdin file: No such file or directory\nrc=1"),
    ("-n1", "srun -i missing-%t cat; echo rc=$?; srun -o x-%5J true; ls x-?????.1 | wc -l",
     "srun: error: task 0 launch failed: Slurmd could not connect IO\nrc=0\n1"),
    ("-N2 -n2", "srun -n2 : -n1 echo hi", "hi\nhi\nhi"),
    ("-n1", "srun --het-group=0 true; srun --het-group=1 true",
     "srun: error: No directives to start application on any available hetjob components\n"
     "srun: error: Requested het-group offset exceeds highest hetjob index (1 > 0)"),
    ("-n1", "srun --prolog=/nonexist --task-prolog=/nonexist true",
     "srun: Access denied for /nonexist: No such file or directory\n"
     "slurmstepd: error: run_command: user task_prolog can not be executed (/nonexist) No such file or directory\n"
     "slurmstepd: error: user task_prolog did not exit normally. reason: Run command failed - configuration error\n"
     "slurmstepd: error: --task-prolog failed status=1\nsrun: error: n1: task 0: Exited with exit code 1"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "script", "expected"), CASES)
def test_srun_answers_as_recorded(job: Job, options: str, script: str, expected: str) -> None:
    assert sorted(plain(job(script, *options.split()))) == sorted(plain(expected))


def plain(output: str) -> list[str]:
    """The lines without what differs from run to run."""
    output = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+", "TIME", output)
    output = re.sub(r"(StepId=|STEP |step for job )\d+", r"\1J", output)
    return [line for one in output.splitlines() for line in by_task(one)]


def by_task(line: str) -> list[str]:
    """What a line says of several tasks, task by task: a slow machine tells of them one after the other."""
    match = re.fullmatch(r"(srun: error: \w+: )tasks ([\d,-]+)(: .*)", line)
    if not match:
        return [line]
    before, ranks, after = match.groups()
    return [f"{before}task {rank}{after}" for rank in IndexSet.parse(ranks)]


def test_files_of_steps_and_tasks(job: Job) -> None:
    """Names with patterns, ``all``, ``none``, a number, and both streams in one file."""
    output = job(
        "rm -f *.txt\n"
        "srun -o step-%J-%t.txt -l echo hi\n"
        "srun -o all.txt bash -c 'echo t$SLURM_PROCID'\n"
        "srun -o n-%N-%n-%s-%x.txt echo hi\n"
        "srun -e err-%2t.txt bash -c 'echo E >&2'\n"
        "srun -o none echo nothing\n"
        "srun -o 1 bash -c 'echo from $SLURM_PROCID'\n"
        "srun -o both.txt bash -c 'echo out; echo err >&2'; srun -n1 --open-mode=append -o both.txt echo more\n"
        "ls *.txt; cat step-*-1.txt both.txt n-*.txt\n",
        "-n2", "-J", "files",
    )  # fmt: skip
    written = ["t0", "t1", "from 1", "1: hi", "out", "out", "err", "err", "more", "hi", "hi"]
    files = ["both.txt", "err-00.txt", "err-01.txt", "n-n1-0-2-files.txt", "step-J.0-0.txt", "step-J.0-1.txt"]
    assert sorted(re.sub(r"step-\d+", "step-J", output).splitlines()) == sorted([*written, *files])


def test_several_programs(job: Job) -> None:
    output = job(
        "printf '# who\\n0 echo %%t at %%o\\n1-2 echo %%t at %%o and more\\n' > a.conf; srun --multi-prog a.conf\n"
        "echo '0 echo hi' > b.conf; srun --multi-prog b.conf; echo rc=$?\n"
        "echo 'x echo hi' > c.conf; srun --multi-prog c.conf\n"
        "echo '0-5 echo hi' > d.conf; srun --multi-prog d.conf\n"
        "srun --multi-prog nosuch.conf\n",
        "-n3",
    )
    lines = output.splitlines()
    assert sorted(lines[:3]) == ["0 at 0", "1 at 0 and more", "2 at 1 and more"]
    assert lines[3:] == [
        "srun: error: Configuration file b.conf invalid, no record for task id 1",
        "rc=1",
        "srun: error: Invalid task range specification (x)",
        "srun: error: Line 1 of configuration file c.conf invalid",
        "srun: error: Invalid task id, 5 >= ntasks",
        "srun: error: Line 1 of configuration file d.conf invalid",
        "srun: error: Could not open multi_prog config file nosuch.conf",
    ]
