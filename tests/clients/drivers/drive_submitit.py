"""submitit: a job, an array, a failing function, two ranks by srun, states by sacct, and a cancellation."""

import os
import time

import submitit
from submitit.core.utils import FailedJobError
from support import partition, until


def add(left: int, right: int) -> tuple[int, str, str | None]:
    task = submitit.JobEnvironment()
    return left + right, task.job_id, task.array_task_id


def fail() -> None:
    raise ValueError("failed on purpose")


def rank() -> tuple[int, int, int]:
    task = submitit.JobEnvironment()
    return task.global_rank, task.num_tasks, len(task.hostnames)


def executor(**parameters: object) -> submitit.AutoExecutor:
    made = submitit.AutoExecutor(folder="logs/%j", cluster="slurm")
    made.update_parameters(timeout_min=3, slurm_partition=partition(), cpus_per_task=1, mem_gb=0.2, **parameters)
    return made


def state(job: submitit.Job) -> str:
    return job.watcher.get_state(job.job_id, mode="force")


submitit.SlurmJob.watcher._delay_s = 1
serial = executor(slurm_array_parallelism=2, name="client")
single = serial.submit(add, 1, 2)
array = serial.map_array(add, [1, 2, 3, 4], [10, 20, 30, 40])
failing = serial.submit(fail)
ranks = executor(nodes=1, tasks_per_node=2, name="ranks").submit(rank)
sleeping = serial.submit(time.sleep, 600)

assert single.result() == (3, single.job_id, None), single.result()
expected = [(11 * n, job.job_id, str(index)) for index, (n, job) in enumerate(zip((1, 2, 3, 4), array, strict=True))]
assert [job.result() for job in array] == expected, [job.result() for job in array]
try:
    failing.result()
except FailedJobError as error:
    assert "failed on purpose" in str(error), error
else:
    raise AssertionError("the failure went unnoticed")
assert sorted(ranks.results()) == [(0, 2, 1), (1, 2, 1)], ranks.results()

until(lambda: state(sleeping) == "RUNNING")
sleeping.cancel()
until(lambda: state(sleeping) == f"CANCELLED by {os.getuid()}")
until(lambda: state(single) == "COMPLETED" and state(failing) in ("COMPLETED", "FAILED"))
until(lambda: {state(job) for job in array} == {"COMPLETED"})
