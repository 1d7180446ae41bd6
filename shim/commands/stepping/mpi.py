"""--mpi: how tasks of an MPI program find one another (srun(1), --mpi)."""

from collections.abc import Mapping
from typing import Any

from shim.options.joboption import VALUE_ERROR, Complaint

HERE = ("none", "pmi2", "openmpi")
"""openmpi is an older word for none, which srun of 22.05 still takes."""

_LIST = """MPI plugin types are...
\tnone
\tpmi2
"""


def check_mpi(fields: Mapping[str, Any]) -> None:
    """Raises Complaint for a way that is not here, in Slurm's words for a plugin that is not, and for ``list``."""
    kind = str(fields.get("mpi") or "none")
    if kind == "list":
        raise Complaint(code=0, output=_LIST)
    if kind not in HERE:
        raise Complaint(
            f"error: Couldn't find the specified plugin name for mpi/{kind} looking at all files",
            f"error: cannot find mpi plugin for mpi/{kind}",
            f"error: MPI: Cannot create context for mpi/{kind}",
            "error: MPI: Unable to load any plugin",
            f"error: Invalid MPI type '{kind}', --mpi=list for acceptable types",
            code=VALUE_ERROR,
        )
