"""--clusters, where there is but one cluster."""

from shim.commands.call import Call


def own_cluster(call: Call, text: str, no_header: bool) -> bool:
    """True if the one cluster there is was asked for; its name goes above the table."""
    own = call.queue.config.cluster_name
    names = [name for name in text.split(",") if name]
    others = [name for name in names if name not in (own, "all")]
    for name in others:
        call.error(f"No cluster '{name}' known by database.")
    if others and len(others) == len(names):
        call.error(
            f"'{text}' can't be reached now, or it is an invalid entry for --cluster.  "
            "Use 'sacctmgr list clusters' to see available clusters."
        )
        return False
    if not no_header:
        call.out(f"CLUSTER: {own}\n")
    return True
