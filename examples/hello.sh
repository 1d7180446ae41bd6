#!/bin/bash
#SBATCH --job-name=hello
#SBATCH --ntasks=1
#SBATCH --time=5:00

echo "job $SLURM_JOB_ID on $(hostname): hello from $SLURM_SUBMIT_DIR"
