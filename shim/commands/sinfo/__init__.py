"""sinfo: partitions and nodes as a table (sinfo man page)."""

from shim.commands.sinfo.main import run

__all__ = ["run"]
