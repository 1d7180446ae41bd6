"""jax.distributed.initialize() finds coordinator, size and rank of a two-task step from the SLURM_ variables alone."""

from pathlib import Path

from support import environment, finish, nodes_resolve, script

PROGRAM = """
import os
import jax
import numpy
from jax.experimental import multihost_utils

jax.distributed.initialize(coordinator_address=os.environ.get("COORDINATOR"))
ranks = multihost_utils.process_allgather(numpy.array([jax.process_index() + 1]))
if jax.process_index() == 0:
    open("gathered", "w").write(f"{jax.process_count()} {int(ranks.sum())}")
"""

Path("program.py").write_text(PROGRAM)
environment(JAX_PLATFORMS="cpu")
if not nodes_resolve():
    environment(COORDINATOR="127.0.0.1:23457")
finish(
    script(
        "job.sh", "srun -n 2 python program.py", "--nodes=1 --ntasks-per-node=2 --cpus-per-task=1 --mem-per-cpu=800M"
    )
)
assert Path("gathered").read_text() == "2 3"
