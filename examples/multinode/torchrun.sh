#!/bin/bash
#SBATCH --job-name=reduce
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --time=5:00

# As with torchrun, one agent on each node starts the ranks of that node:
#   srun torchrun --nnodes=$SLURM_NNODES --nproc-per-node=2 --rdzv-endpoint=$MASTER_ADDR:$MASTER_PORT train.py
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
export PER_NODE=2
srun bash -c '
    for local in $(seq 0 $((PER_NODE - 1))); do
        RANK=$((SLURM_NODEID * PER_NODE + local)) LOCAL_RANK=$local WORLD_SIZE=$((SLURM_NNODES * PER_NODE)) \
            python3 reduce.py &
    done
    wait'
