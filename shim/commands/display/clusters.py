"""--clusters, where there is but one cluster."""

from shim.commands.call import Call


def reaches(call: Call, text: str, source: str = "--cluster") -> bool:
    """True if the one cluster there is is among those named (or ``all``); the others are complained about.

    ``source`` is the option or variable that names them.
    """
    own = call.queue.config.cluster_name
    names = [name for name in text.split(",") if name] or [""]
    unknown = [name for name in names if name not in (own, "all")]
    for name in unknown:
        call.error(f"No cluster '{name}' known by database.")
    if len(unknown) < len(names):
        return True
    call.error(
        f"'{text}' can't be reached now, or it is an invalid entry for {source}.  "
        "Use 'sacctmgr list clusters' to see available clusters."
    )
    return False


def own_cluster(call: Call, text: str, no_header: bool) -> bool:
    """True if the one cluster there is was asked for; its name goes above the table."""
    source = "SLURM_CLUSTERS" if text == call.env.get("SLURM_CLUSTERS") else "--cluster"
    if not reaches(call, text, source):
        return False
    if not no_header:
        call.out(f"CLUSTER: {call.queue.config.cluster_name}\n")
    return True
