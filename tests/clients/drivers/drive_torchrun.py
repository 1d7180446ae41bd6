"""torchrun as user scripts start it: one agent on each node, rendezvous at the first of `scontrol show hostnames`."""

from pathlib import Path

from support import environment, finish, nodes_resolve, script

PROGRAM = """
import torch
import torch.distributed as distributed

distributed.init_process_group("gloo")
total = torch.tensor([distributed.get_rank() + 1.0])
distributed.all_reduce(total)
if distributed.get_rank() == 0:
    open("reduced", "w").write(f"{distributed.get_world_size()} {int(total.item())}")
distributed.destroy_process_group()
"""
HEAD = "$(scontrol show hostnames $SLURM_JOB_NODELIST | head -n 1)" if nodes_resolve() else "127.0.0.1"
COMMAND = f"""
srun --label sh -c 'exec torchrun --nnodes=2 --node_rank=$SLURM_NODEID --nproc_per_node=1 --master_addr={HEAD} \\
    --master_port=$((20000 + SLURM_JOB_ID % 20000)) program.py'
"""

Path("program.py").write_text(PROGRAM)
environment(OMP_NUM_THREADS=1)
finish(script("job.sh", COMMAND, "-N 2 --ntasks-per-node=1 --mem-per-cpu=1500M"))
assert Path("reduced").read_text() == "2 3"
