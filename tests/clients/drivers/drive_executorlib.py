"""executorlib: SlurmClusterExecutor submits with sbatch; SlurmJobExecutor starts srun steps inside a job."""

import os
import sys
from pathlib import Path

from executorlib import SlurmClusterExecutor, SlurmJobExecutor
from support import finish, partition, script


def add(left: int, right: int) -> int:
    return left + right


def job() -> str:
    return os.environ["SLURM_JOB_ID"]


def by_jobs() -> None:
    resources = {"cores": 1, "partition": partition(), "run_time_max": 120}
    with SlurmClusterExecutor(resource_dict=resources, cache_directory="cache") as executor:
        sums = [executor.submit(add, number, 1) for number in range(3)]
        identity = executor.submit(job)
        assert [future.result() for future in sums] == [1, 2, 3]
        assert identity.result().isdigit(), identity.result()


def by_steps() -> None:
    with SlurmJobExecutor(max_workers=2, resource_dict={"cores": 1}, hostname_localhost=True) as executor:
        sums = [executor.submit(add, number, 10) for number in range(4)]
        Path("sums").write_text(" ".join(str(future.result()) for future in sums))


if __name__ == "__main__":
    if sys.argv[1:] == ["steps"]:
        by_steps()
    else:
        by_jobs()
        finish(script("steps.sh", f"python {Path(__file__)} steps", "-n 3 --mem-per-cpu=100M"))
        assert Path("sums").read_text() == "10 11 12 13"
