"""slurm-pipeline: steps whose tasks depend on those of the step before, and their status from sacct."""

import json
from pathlib import Path

from support import partition, run_client, until

SPECIFICATION = {
    "steps": [{"name": "one", "script": "./one.sh"}, {"name": "two", "dependencies": ["one"], "script": "./two.sh"}]
}
ONE = """#!/bin/bash
for word in a b
do
    id=$(sbatch -n 1 -p {partition} -t 3 -o /dev/null $SP_NICE_ARG --wrap "echo $word > $word.one" | cut -f4 -d' ')
    echo "TASK: $word $id"
done
"""
TWO = """#!/bin/bash
id=$(sbatch -n1 -p {partition} -t3 -o /dev/null $SP_DEPENDENCY_ARG --wrap "cat $1.one > $1.two" | cut -f4 -d' ')
echo "TASK: $1 $id"
"""

Path("specification.json").write_text(json.dumps(SPECIFICATION))
for name, text in (("one.sh", ONE), ("two.sh", TWO)):
    Path(name).write_text(text.format(partition=partition()))
    Path(name).chmod(0o755)
status = run_client("slurm-pipeline.py", "-s", "specification.json", "--nice", "0")
Path("status.json").write_text(status)


def finished() -> bool:
    """Whether all four are: a status shows a task once in its step and again where it is depended upon."""
    report = run_client("slurm-pipeline-status.py", "-s", "status.json")
    return report.count("State=COMPLETED") == 6


until(finished)
assert Path("a.two").read_text() + Path("b.two").read_text() == "a\nb\n"
assert not run_client("slurm-pipeline-status.py", "-s", "status.json", "--printUnfinished").split()
