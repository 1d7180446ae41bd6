"""NeMo-Run: an experiment with one script through SlurmExecutor and a local tunnel, followed until it has succeeded."""

import os
import subprocess
from pathlib import Path

from support import environment, partition, run, until

HERE = Path.cwd()


def account() -> str:
    """The user's account where the cluster keeps any; NeMo-Run insists on one."""
    question = ["sacctmgr", "-nP", "show", "user", os.environ["USER"], "format=DefaultAccount"]
    try:
        known = subprocess.run(question, capture_output=True, text=True, check=False).stdout.split()
    except FileNotFoundError:
        known = []
    return known[0] if known else "default"


def statuses() -> list[str]:
    said = nemo_run.Experiment.from_title("trial").status(return_dict=True)
    return [str(task.get("status")) for task in said.values()]


def main() -> None:
    executor = nemo_run.SlurmExecutor(
        account=account(),
        partition=partition(),
        nodes=1,
        ntasks_per_node=1,
        time="00:03:00",
        mem="200M",
        exclusive=None,
        tunnel=nemo_run.LocalTunnel(job_dir=""),
        packager=nemo_run.Packager(),
    )
    script = nemo_run.Script(inline=f"echo job $SLURM_JOB_ID rank $SLURM_PROCID > {HERE}/said")
    with nemo_run.Experiment("trial") as experiment:
        experiment.add(script, executor=executor, name="task")
        experiment.run(detach=True, tail_logs=False)
    until((HERE / "said").exists)
    until(lambda: all("SUCCEEDED" in status for status in statuses()))
    words = (HERE / "said").read_text().split()
    assert words[0] == "job" and words[1].isdigit() and words[2:] == ["rank", "0"], words


if __name__ == "__main__":
    environment(HOME=HERE, NEMORUN_HOME=HERE / "nemo")
    run("git", "init", "-q", ".")
    run("git", "-c", "user.email=a@b.c", "-c", "user.name=a", "commit", "-q", "--allow-empty", "-m", "start")
    import nemo_run

    main()
