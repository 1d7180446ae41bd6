"""qtoolkit: submit, list with squeue, one job with `scontrol show job -o`, cancel with `scancel -v`."""

from pathlib import Path

from qtoolkit.core.data_objects import CancelStatus, QJob, QResources, QState, SubmissionStatus
from qtoolkit.host.local import LocalHost
from qtoolkit.io.slurm import SlurmIO
from qtoolkit.manager import QueueManager
from support import partition, until

manager = QueueManager(scheduler_io=SlurmIO(), host=LocalHost())


def submit(command: str, file: str) -> str:
    resources = QResources(
        queue_name=partition(),
        job_name="client",
        time_limit=120,
        memory_per_thread=100,
        processes=1,
        output_filepath="%j.out",
        error_filepath="%j.err",
    )
    submitted = manager.submit(command, options=resources, work_dir=str(Path.cwd()), script_fname=file)
    assert submitted.status == SubmissionStatus.SUCCESSFUL, submitted
    return submitted.job_id


def listed(job: str) -> list[QJob]:
    return manager.get_jobs_list([job])


short = submit("echo hello $SLURM_JOB_ID", "short.sh")
long = submit("sleep 300", "long.sh")
until(lambda: Path(f"{short}.out").exists() and Path(f"{short}.out").read_text() == f"hello {short}\n")
until(lambda: manager.get_job(long).state == QState.RUNNING)
found = manager.get_job(long)
assert (found.name, found.info.cpus, found.info.nodes, found.info.time_limit) == ("client", 1, 1, 120), found
assert [(job.job_id, job.state) for job in listed(long)] == [(long, QState.RUNNING)], listed(long)
cancelled = manager.cancel(long)
assert (cancelled.status, cancelled.job_id) == (CancelStatus.SUCCESSFUL, long), cancelled
until(lambda: not listed(long))
assert manager.get_job(long).sub_state.name == "CANCELLED", manager.get_job(long)
