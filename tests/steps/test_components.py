"""Steps of heterogeneous jobs, as a real cluster runs them: each component has its size, their tasks see one step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shim import FOUR_NODES, Shim, shim_in

TASK = "bash -c 'echo $SLURM_PROCID/$SLURM_NTASKS $SLURM_NODEID/$SLURM_NNODES $SLURM_JOB_ID $SLURM_GTIDS'"


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, FOUR_NODES) as it:
        yield it


@pytest.mark.parametrize(
    ("step", "seen"),
    [
        (f"srun --het-group=0,1 {TASK}", ["0/5 0/3 1 0", "1/5 1/3 1 1,2", "2/5 1/3 1 1,2", "3/5 2/3 1 3,4",
                                          "4/5 2/3 1 3,4"]),
        (f"srun {TASK} : {TASK}", ["0/5 0/3 1 0", "1/5 1/3 1 1,2", "2/5 1/3 1 1,2", "3/5 2/3 1 3,4", "4/5 2/3 1 3,4"]),
        (f"srun --het-group=1 {TASK}", ["0/4 0/2 1 0,1", "1/4 0/2 1 0,1", "2/4 1/2 1 2,3", "3/4 1/2 1 2,3"]),
        (f"srun --het-group=1 -n2 {TASK}", ["0/2 0/2 1 0", "1/2 1/2 1 1"]),
        (f"srun {TASK}", ["0/1 0/1 1 0"]),
    ],
)  # fmt: skip
def test_tasks_are_counted_through(shim: Shim, step: str, seen: list[str]) -> None:
    script = f"#!/bin/bash\n#SBATCH -N1 -n1\n#SBATCH hetjob\n#SBATCH -N2 --ntasks-per-node=2\n{step}\n"
    job = shim.submit(script=script)
    assert shim.wait(job) == "COMPLETED"
    assert sorted(shim.output(job).splitlines()) == seen


def test_the_id_of_the_first_component_names_all(shim: Shim) -> None:
    job = shim.submit("--hold", "-n1", ":", "-n1", script="#!/bin/sh\n")
    assert set(shim.run("squeue", "-h", "-j", str(job), "-o", "%i").out.split()) == {"1+0", "1+1"}
    assert shim.run("squeue", "-h", "-j", str(job + 1), "-o", "%i").out.split() == ["1+1"]
