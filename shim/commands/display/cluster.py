"""What commands say about clusters: there is one."""


def unknown_cluster(names: str) -> str:
    """The complaint about a --clusters list that names no cluster there is."""
    return (
        f"'{names}' can't be reached now, or it is an invalid entry for --cluster.  "
        "Use 'sacctmgr list clusters' to see available clusters."
    )
