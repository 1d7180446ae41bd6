"""DataLad's Slurm extension: scheduled jobs are found finished by sacct, their logs by scontrol, and committed."""

from pathlib import Path

from support import BIN, environment, partition, run, run_client, until

environment(HOME=Path.cwd())
run("git", "config", "--global", "user.name", "a")
run("git", "config", "--global", "user.email", "a@b")
run_client("datalad", "create", "set")
SCRIPT = """#!/bin/bash
#SBATCH -p {partition} -t 3
{more}
echo $SLURM_JOB_ID >> result$SLURM_ARRAY_TASK_ID
"""


def datalad(*argv: object, status: int = 0) -> str:
    return run_client("datalad", "-C", "set", *argv, status=status)


for name, more in (("plain", ""), ("array", "#SBATCH --array=1-2")):
    Path("set", name).mkdir()
    Path("set", name, "job.sh").write_text(SCRIPT.format(partition=partition(), more=more))
datalad("save", "-m", "scripts")
for name in ("plain", "array"):
    run("env", "-C", f"set/{name}", BIN / "datalad", "slurm-schedule", "-o", ".", "sbatch", "job.sh")
until(lambda: datalad("slurm-finish", "--list-open-jobs").count("COMPLETED") == 2)
datalad("slurm-finish")
assert "[DATALAD SLURM RUN]" in run("git", "-C", "set", "log", "-3")
files = run("git", "-C", "set", "ls-files").split()
assert {"plain/result", "array/result1", "array/result2"} <= set(files), files
assert len([name for name in files if name.startswith("plain/slurm-") and name.endswith(".out")]) == 1, files
assert len([name for name in files if name.startswith("array/slurm-") and name.endswith(".out")]) == 2, files
