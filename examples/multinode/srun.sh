#!/bin/bash
#SBATCH --job-name=reduce
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --time=5:00

# One rank for each task of srun.
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
srun bash -c 'RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS exec python3 reduce.py'
