"""The little languages Slurm users write: one grammar and one small module each. Text in, frozen values out."""
