"""Lightning Fabric: two srun tasks find size, ranks and master from SLURMEnvironment and reduce a tensor."""

from pathlib import Path

from support import environment, finish, nodes_resolve, script

PROGRAM = """
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import SLURMEnvironment

fabric = Fabric(accelerator="cpu", devices=2, num_nodes=1, strategy="ddp")
fabric.launch()
found = fabric.strategy.cluster_environment
assert type(found) is SLURMEnvironment, found
total = fabric.all_reduce(torch.tensor([float(fabric.global_rank + 1)]), reduce_op="sum")
if fabric.global_rank == 0:
    open("reduced", "w").write(f"{fabric.world_size} {int(total.item())} {found.job_id()} {found.job_name()}")
"""

Path("program.py").write_text(PROGRAM)
if not nodes_resolve():
    environment(MASTER_ADDR="127.0.0.1")
finish(
    script(
        "job.sh",
        "echo $SLURM_JOB_ID > job; srun python program.py",
        "-N 1 --ntasks-per-node=2 -J ddp --mem-per-cpu=1500M",
    )
)
job = Path("job").read_text().strip()
assert Path("reduced").read_text() == f"2 3 {job} ddp", Path("reduced").read_text()
