"""submitit's checkpoint: USR2 by scancel, `scontrol requeue` from inside the step, and the job goes on where it was."""

import os
import time
from pathlib import Path

import submitit
from support import partition, until

HERE = Path.cwd()


class Resumable(submitit.helpers.Checkpointable):
    """Counts how often it was started; its first start does not end by itself."""

    def __init__(self) -> None:
        self.starts = 0

    def __call__(self) -> tuple[int, str, str]:
        self.starts += 1
        (HERE / f"start.{self.starts}").touch()
        if self.starts == 1:
            time.sleep(600)
        return self.starts, os.environ["SLURM_JOB_ID"], os.environ.get("SLURM_RESTART_COUNT", "0")


submitit.SlurmJob.watcher._delay_s = 1
executor = submitit.AutoExecutor(folder="logs/%j", cluster="slurm", slurm_max_num_timeout=2)
executor.update_parameters(timeout_min=60, slurm_partition=partition(), mem_gb=0.2, name="requeue")
job = executor.submit(Resumable())
until((HERE / "start.1").exists)
job._interrupt(timeout=False)
assert job.result() == (2, job.job_id, "1"), job.result()
