"""scancel: cancels and signals jobs and steps (scancel man page)."""

from shim.commands.scancel.main import run

__all__ = ["run"]
