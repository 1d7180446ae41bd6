"""--mpi: how tasks of an MPI program find one another (srun(1), --mpi)."""

from collections.abc import Mapping
from typing import Any

from shim.options.joboption import VALUE_ERROR, Complaint

HERE = ("none", "pmi2")
_LIST = """MPI plugin types are...
\tnone
\tpmi2
"""
_KNOWN = {
    "pmix": "PMIx needs its library, which is not here: use --mpi=pmi2, or mpirun inside the job",
    "openmpi": "a name that newer releases of Slurm have dropped: use mpirun inside the job",
    "cray_shasta": "for Cray machines",
}


def check_mpi(fields: Mapping[str, Any]) -> None:
    """Raises Complaint for a way that is not here, and for ``list``."""
    kind = str(fields.get("mpi") or "none")
    if kind == "list":
        raise Complaint(code=0, output=_LIST)
    if kind in HERE:
        return
    name = kind.split("_v")[0]
    first = (
        f"error: mpi/{kind} is not available: {_KNOWN[name]}"
        if name in _KNOWN
        else f"error: Couldn't find the specified plugin name for mpi/{kind} looking at all files"
    )
    raise Complaint(first, f"error: Invalid MPI type '{kind}', --mpi=list for acceptable types", code=VALUE_ERROR)
