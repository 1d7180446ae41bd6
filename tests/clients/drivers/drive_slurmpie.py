"""slurmpie: a pipeline of jobs by dependencies, an array, and the memory of its own job in the job."""

import sys
from pathlib import Path

from slurmpie import slurmpie
from support import partition, until

COMMON = {"partition": partition(), "time": "00:03:00", "memory_size": "100M"}
INSIDE = "from slurmpie.slurmpie import System; print(System().get_job_memory())"


def job(name: str, body: str, **more: object) -> slurmpie.Job:
    path = Path(f"{name}.sh")
    path.write_text(f"#!/bin/bash\n{body}\n")
    return slurmpie.Job(str(path), name=name, output_file=f"{name}-%a.log", **COMMON, **more)


pipeline = slurmpie.Pipeline()
pipeline.add(job("first", "echo first > first"))
pipeline.add({"afterok": [job("array", "cat first > array$SLURM_ARRAY_TASK_ID", array="0-1")]})
pipeline.add({"afterany": [job("last", f"{sys.executable} -c '{INSIDE}' > last; cat array0 array1 >> last")]})
pipeline.submit()
until(lambda: Path("last").exists() and len(Path("last").read_text().splitlines()) == 3)
assert Path("last").read_text().splitlines()[1:] == ["first", "first"]
