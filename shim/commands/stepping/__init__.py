"""srun and salloc: allocations whose client is there, and steps."""
