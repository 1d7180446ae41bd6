"""cluster_utils (MPI-IS): its Slurm submission: run scripts with srun, failures found by sacct, removal by scancel."""

import sys
from pathlib import Path

from cluster_utils.server.job import Job, JobStatus
from cluster_utils.server.slurm_cluster_system import SlurmClusterSubmission
from support import partition, state, until

WORK = Path.cwd()
PATHS = {
    "main_path": str(WORK),
    "script_to_run": "program.py",
    "current_result_dir": str(WORK),
    "jobs_dir": str(WORK / "jobs"),
    "custom_python_executable_path": sys.executable,
}
REQUIREMENTS = {
    "partition": partition(),
    "request_cpus": 1,
    "memory_in_mb": 100,
    "request_time": "0:03:00",
    "signal_seconds_to_timeout": 60,
}


def job(number: int, seconds: int, status: int) -> Job:
    made = Job(
        id=number,
        settings={"seconds": seconds, "status": status},
        other_params={},
        paths=PATHS,
        iteration=1,
        connection_info={"ip": "127.0.0.1", "port": 1},
        opt_procedure_name="client",
        singularity_settings=None,
    )
    made.cluster_id = cluster.submit_fn(made)
    return made


Path("jobs").mkdir()
Path("program.py").write_text(
    "import ast, sys, time\n"
    "given = ast.literal_eval(sys.argv[sys.argv.index('--parameter-dict') + 1])\n"
    "print('ran', given, flush=True)\n"
    "time.sleep(given['seconds'])\n"
    "sys.exit(given['status'])\n"
)
cluster = SlurmClusterSubmission(REQUIREMENTS, PATHS)
good, bad, long = job(1, 0, 0), job(2, 0, 4), job(3, 300, 0)
until(lambda: state(good.cluster_id) == "COMPLETED" and state(bad.cluster_id) == "FAILED")
until(lambda: state(long.cluster_id) == "RUNNING")


def judged() -> bool:
    cluster.mark_failed_jobs([good, bad, long])
    return bad.status == JobStatus.FAILED


until(judged)
assert "FAILED" in bad.error_info, bad.error_info
assert JobStatus.FAILED not in (good.status, long.status)
assert "ran" in Path(good.run_script_path).with_suffix(".out").read_text()
cluster.stop_fn(long.cluster_id)
until(lambda: state(long.cluster_id) == "CANCELLED")
