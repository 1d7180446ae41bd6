"""signac-flow: operations of a project submitted as jobs, their states read from fixed columns of squeue."""

import sys
from pathlib import Path

from support import run, until

PROJECT = """
from flow import FlowProject
from flow.environment import DefaultSlurmEnvironment


class Here(DefaultSlurmEnvironment):
    template = "slurm.sh"
    hostname_pattern = ".*"


class Project(FlowProject):
    pass


@Project.post.isfile("done.txt")
@Project.operation(directives={"walltime": 0.05, "memory": 0.1})
def finish(job):
    with open(job.fn("done.txt"), "w") as file:
        file.write(str(job.sp.a))


if __name__ == "__main__":
    Project().main()
"""
SETUP = """
import signac

project = signac.init_project()
for a in (1, 2):
    project.open_job({"a": a}).init()
"""


def project(*argv: object) -> str:
    return run(sys.executable, "project.py", *argv)


def state() -> str:
    """The letters of the operations' states as `status` shows them: [Q]ueued, [A]ctive, [U]nsubmitted."""
    return project("status", "-d")


Path("project.py").write_text(PROJECT)
run(sys.executable, "-c", SETUP)
project("submit", "-n", "1", "--hold", "--job-output", "job.log")
held = run("squeue", "-h", "--me", "-o", "%A %j").split()
assert "[Q]" in state(), "a held job counts as queued"
project("submit", "--job-output", "job.log")
run("scontrol", "release", held[0])
until(lambda: len(list(Path("workspace").glob("*/done.txt"))) == 2)
assert sorted(path.read_text() for path in Path("workspace").glob("*/done.txt")) == ["1", "2"]
