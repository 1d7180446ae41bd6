"""What --help and --usage print, word for word as Slurm's own commands do."""

from functools import cache
from pathlib import Path


@cache
def help_text(command: str) -> str:
    """The text of ``command --help``."""
    return (Path(__file__).parent / f"{command}.txt").read_text(encoding="utf-8")


@cache
def usage_text(command: str) -> str:
    """The text of ``command --usage``."""
    return help_text(f"{command}-usage")
