"""simple-slurm: a here-document on stdin, an array, a dependency, srun outside a job, squeue as a table, scancel."""

import datetime
from pathlib import Path

from simple_slurm import Slurm
from support import partition, until

COMMON = {"partition": partition(), "mem": "100M", "time": datetime.timedelta(minutes=2)}


def queued(job: int) -> bool:
    view = Slurm()
    view.squeue.update_squeue()
    return any(str(key).startswith(str(job)) for key in view.squeue.jobs)


pattern = f"{Slurm.JOB_ARRAY_MASTER_ID}_{Slurm.JOB_ARRAY_ID}.out"
array = Slurm(array=range(3, 6), cpus_per_task=1, job_name="array", output=pattern, **COMMON)
first = array.sbatch(f"echo task {Slurm.SLURM_ARRAY_TASK_ID} of $SLURM_ARRAY_TASK_COUNT")
after = Slurm("--parsable", "", job_name="after", output="after.out", dependency={"afterok": first}, **COMMON)
after.sbatch(f"cat {first}_3.out {first}_4.out {first}_5.out")
until(lambda: Path("after.out").exists() and Path("after.out").read_text() == "task 3 of 3\ntask 4 of 3\ntask 5 of 3\n")

assert Slurm(ntasks=2, job_name="step", **COMMON).srun("touch rank.$SLURM_PROCID") == 0

job = Slurm(job_name="cancelled", output="/dev/null", **COMMON).sbatch("sleep 300")
until(lambda: queued(job))
Slurm().scancel.cancel_job(job)
until(lambda: not queued(job))
