"""psij-python: states, output, an exit code, two processes by srun, the list of jobs, and a cancellation."""

from datetime import timedelta
from pathlib import Path

from psij import Job, JobAttributes, JobExecutor, JobSpec, JobState, JobStatus, ResourceSpecV1
from support import partition, until

LIMIT = timedelta(seconds=60)


def job(command: str, output: str | None = None, processes: int = 1, launcher: str | None = None) -> Job:
    return Job(
        JobSpec(
            executable="/bin/bash",
            arguments=["-c", command],
            directory=Path.cwd(),
            stdout_path=Path.cwd() / output if output else None,
            launcher=launcher,
            resources=ResourceSpecV1(process_count=processes, cpu_cores_per_process=1),
            attributes=JobAttributes(duration=timedelta(minutes=2), queue_name=partition()),
        )
    )


def end(waited: Job) -> JobStatus:
    status = waited.wait(timeout=LIMIT)
    assert status is not None, f"{waited.native_id} did not end in time"
    return status


executor = JobExecutor.get_instance("slurm")
executor.config.initial_queue_polling_delay = 1
executor.config.queue_polling_interval = 1
good = job("echo hi $SLURM_JOB_ID", output="good.out")
bad = job("exit 7")
long = job("exec sleep 600")
ranks = job("echo rank $SLURM_PROCID of $SLURM_NTASKS", output="ranks.out", processes=2, launcher="srun")
for submitted in (good, bad, long, ranks):
    executor.submit(submitted)

assert (end(good).state, end(good).exit_code) == (JobState.COMPLETED, 0), end(good)
assert (end(bad).state, end(bad).exit_code) == (JobState.FAILED, 7), end(bad)
assert end(ranks).state == JobState.COMPLETED, end(ranks)
assert Path("good.out").read_text() == f"hi {good.native_id}\n"
assert sorted(Path("ranks.out").read_text().splitlines()) == ["rank 0 of 2", "rank 1 of 2"]
until(lambda: long.status.state == JobState.ACTIVE)
assert long.native_id in executor.list(), executor.list()
long.cancel()
assert end(long).state == JobState.CANCELED, end(long)
