"""The line that --version prints."""

from shim.config.settings import Config


def version_line(config: Config) -> str:
    """``slurm 22.05.8``: the release that is imitated; clients parse it."""
    return f"slurm {config.version}"
