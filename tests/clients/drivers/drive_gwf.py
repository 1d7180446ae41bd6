"""gwf: three targets, one behind the two others, submitted on stdin and followed with squeue."""

from pathlib import Path

from support import partition, run_client, until

WORKFLOW = f"""
from gwf import Workflow

gwf = Workflow(defaults={{"cores": 1, "memory": "100m", "walltime": "00:03:00", "queue": "{partition()}"}})
for name in ("one", "two"):
    gwf.target(name, inputs=[], outputs=[name]) << f"echo {{name}} > {{name}}"
gwf.target("all", inputs=["one", "two"], outputs=["all"]) << "cat one two > all"
"""

Path("workflow.py").write_text(WORKFLOW)
run_client("gwf", "config", "set", "backend", "slurm")
run_client("gwf", "run")
until(lambda: run_client("gwf", "status").count("completed") == 3)
assert Path("all").read_text() == "one\ntwo\n"
