"""sacct: accounting of jobs and steps, finished ones included (sacct man page)."""

from shim.commands.sacct.main import run

__all__ = ["run"]
