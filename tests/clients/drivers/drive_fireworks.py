"""FireWorks' queue adapter: a script from its template is submitted, and the user's queued jobs are counted."""

import os
from pathlib import Path

from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter
from support import partition, run, unfinished, until

here = str(Path.cwd())
adapter = CommonAdapter(
    "SLURM",
    "client",
    rocket_launch="echo $SLURM_JOB_ID > said; exec sleep 300",
    nodes=1,
    ntasks=1,
    walltime="00:03:00",
    queue=partition(),
    mem="100M",
    logdir=here,
)
script = Path("FW_submit.script")
script.write_text(adapter.get_script_str(here))
before = adapter.get_njobs_in_queue(os.environ["USER"])
job = str(adapter.submit_to_queue(str(script)))
until(lambda: Path("said").exists() and Path("said").read_text() == f"{job}\n")
assert adapter.get_njobs_in_queue(os.environ["USER"]) == before + 1
run("scancel", job)
until(lambda: not unfinished(job))
until(lambda: adapter.get_njobs_in_queue(os.environ["USER"]) == before)
