"""canine: its Slurm back end reads the default tables of squeue, sacct and sinfo by the columns' positions."""

import sys
import types
from pathlib import Path

sys.modules["dalmatian"] = types.ModuleType("dalmatian")  # of another back end, and no longer importable

from canine.backends.local import LocalSlurmBackend  # noqa: E402
from support import partition, until  # noqa: E402

Path("job.sh").write_text(
    '#!/bin/bash\necho task $SLURM_ARRAY_TASK_ID "$@"\nexit $((SLURM_ARRAY_TASK_ID == 1 ? 3 : 0))\n'
)
Path("job.sh").chmod(0o755)
with LocalSlurmBackend() as slurm:
    nodes = slurm.sinfo()
    assert f"{partition()}*" in set(nodes.index), nodes
    assert {"AVAIL", "TIMELIMIT", "NODES", "STATE", "NODELIST"} <= set(nodes.columns), nodes
    job = slurm.sbatch(
        "job.sh", array="0-2", output="task-%a.log", partition=partition(), mem="100M", job_name="canine", time="3"
    )

    def states() -> dict[str, str]:
        table = slurm.sacct(job=job, format="JobId,State,ExitCode,CPUTimeRAW")
        print(table, flush=True)
        return {str(name): row.State.strip() for name, row in table.iterrows() if "." not in str(name)}

    until(lambda: states() == {f"{job}_0": "COMPLETED", f"{job}_1": "FAILED", f"{job}_2": "COMPLETED"})
    assert slurm.sacct(job=job, format="JobId,State,ExitCode").ExitCode[f"{job}_1"] == "3:0"
    assert Path("task-2.log").read_text() == "task 2\n"

    Path("long.sh").write_text("#!/bin/bash\nsleep 300\n")
    long = slurm.sbatch("long.sh", "hold", job_name="waiting", partition=partition())
    queue = slurm.squeue("all", jobs=long)
    print(queue)
    row = queue.loc[int(long)] if int(long) in queue.index else queue.loc[long]
    assert (row.NAME, row.ST, row["NODELIST(REASON)"]) == ("waiting", "PD", "(JobHeldUser)"), row
    slurm.scancel(long)
