"""sluurp (ESRF): scripts as futures, watched by scontrol show job, logs collected, one cancelled."""

from pathlib import Path

from sluurp.executor import submit
from sluurp.job import SBatchScriptJob, cancel_slurm_job, get_my_jobs
from sluurp.utils import get_partitions
from support import partition, state, until


def job(name: str, *lines: str) -> SBatchScriptJob:
    settings = {"partition": partition(), "memory": 1, "job_name": name, "n_tasks": 1, "walltime": "00:03:00"}
    return SBatchScriptJob(
        slurm_config=settings,
        script=lines,
        script_path=str(Path(f"{name}.sh").absolute()),
        clean_script=False,
        clean_job_artefacts=False,
        working_directory=str(Path.cwd()),
    )


assert partition() in list(get_partitions())
good = submit(job("good", "echo hello > result; echo to the log"))
assert good.result(timeout=60) == "completed"
assert Path("result").read_text() == "hello\n"
assert good.collect_logs() == ["to the log\n"]
bad = submit(job("bad", "exit 3"))
assert bad.result(timeout=60) == "failed"
long = submit(job("long", "sleep 300"))
until(lambda: state(str(long.job_id)) == "RUNNING")
assert long.job_id in get_my_jobs()
cancel_slurm_job(long.job_id)
assert long.result(timeout=60) == "cancelled"
