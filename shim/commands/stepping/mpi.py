"""--mpi: how tasks of an MPI program find one another (srun(1), --mpi; slurm.conf(5), MpiDefault)."""

from collections.abc import Mapping
from typing import Any

from shim.options.joboption import VALUE_ERROR, Complaint


def mpi_kind(fields: Mapping[str, Any], default: str) -> str:
    """The way of a step, empty where its tasks are left to themselves. openmpi is an older word for none."""
    kind = str(fields.get("mpi") or default)
    return "" if kind in ("none", "openmpi") else kind


def check_mpi(fields: Mapping[str, Any], default: str) -> None:
    """Raises Complaint for a way that is not here, in Slurm's words for a plugin that is not, and for ``list``."""
    kind = mpi_kind(fields, default)
    if kind == "list":
        raise Complaint(code=0, output=_list())
    if kind.startswith("pmix"):
        from shim.guest.pmix_library import Unknown

        try:
            if kind in _pmix():
                return
        except Unknown as version:
            raise Complaint(f"error: --mpi={kind}: {version}", code=VALUE_ERROR) from None
    if kind not in ("", "pmi2"):
        raise Complaint(
            f"error: Couldn't find the specified plugin name for mpi/{kind} looking at all files",
            f"error: cannot find mpi plugin for mpi/{kind}",
            f"error: MPI: Cannot create context for mpi/{kind}",
            "error: MPI: Unable to load any plugin",
            f"error: Invalid MPI type '{kind}', --mpi=list for acceptable types",
            code=VALUE_ERROR,
        )


def _list() -> str:
    from shim.guest.pmix_library import Unknown

    try:
        versions = _pmix()
    except Unknown:
        versions = ()
    lines = ["MPI plugin types are...", *(f"\t{kind}" for kind in (*versions[:1], "none", "pmi2"))]
    lines += [f"specific pmix plugin versions available: {version}" for version in versions[1:]]
    return "\n".join(lines) + "\n"


def _pmix() -> tuple[str, ...]:
    """What PMIx goes by where libpmix is installed: pmix, pmix_v4. Raises Unknown."""
    from shim.guest.pmix_library import Missing, library, version

    try:
        return "pmix", f"pmix_v{version(library())}"
    except Missing:
        return ()
