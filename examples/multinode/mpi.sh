#!/bin/bash
#SBATCH --job-name=mpi
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=2
#SBATCH --time=5:00

# mpirun finds the nodes of the job by itself, and starts its daemons there with srun.
mpirun --oversubscribe sh -c 'echo "rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE"'
# With PMIx (libpmix) no mpirun is needed.
srun --mpi=pmix sh -c 'echo "PMIx rank $PMIX_RANK of $SLURM_NTASKS"'
