"""scontrol: shows and changes what the controller holds (scontrol man page)."""

from shim.commands.scontrol.main import run

__all__ = ["run"]
