#!/bin/bash
#SBATCH --job-name=hyperparameter-sweep
#SBATCH --array=1-100
#SBATCH --nodes=1
#SBATCH --gres=gpu:1
#SBATCH --time=4:00:00

# Each task runs training with different hyperparameters
config_file="configs/hp_config_${SLURM_ARRAY_TASK_ID}.yaml"
srun python train.py --config $config_file
