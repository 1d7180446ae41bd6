"""dask-jobqueue's SLURMRunner: scheduler, client and two workers are the tasks of one srun step."""

import sys
from pathlib import Path

from support import finish, script

PROGRAM = """
from dask.distributed import Client
from dask_jobqueue.slurm import SLURMRunner

with SLURMRunner(scheduler_file="scheduler-{job_id}.json") as runner:
    with Client(runner) as client:
        client.wait_for_workers(runner.n_workers)
        print("sum", sum(client.gather(client.map(abs, range(-10, 1)))), "workers", runner.n_workers, flush=True)
"""

Path("program.py").write_text(PROGRAM)
log = finish(script("job.sh", f"srun {sys.executable} program.py", "-n 4 -N 2"))
assert "sum 55 workers 2" in log, log
