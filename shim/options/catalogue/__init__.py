"""Every option of sbatch, salloc and srun, one declaration each, by topic."""
