"""The regular names of input environment variables."""


def inputs(suffix: str, commands: str = "sbatch salloc srun") -> tuple[str, ...]:
    """``SBATCH_<suffix>``, ``SALLOC_<suffix>`` and srun's ``SLURM_<suffix>``, for the commands that read them."""
    prefixes = {"sbatch": "SBATCH", "salloc": "SALLOC", "srun": "SLURM"}
    return tuple(f"{prefixes[command]}_{suffix}" for command in commands.split())
