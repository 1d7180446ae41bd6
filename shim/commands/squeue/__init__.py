"""squeue: the queue as a table (squeue man page)."""

from shim.commands.squeue.main import run

__all__ = ["run"]
