"""The submitter's soft resource limits, as far as a process may have them (slurm.conf, PropagateResourceLimits)."""

import resource

Limits = tuple[tuple[str, int, int], ...]
_met: dict[Limits, bool] = {}


def met(limits: Limits) -> bool:
    """True if this process has these limits already."""
    known = _met.get(limits)
    if known is None:
        known = _met[limits] = all(_now(name)[0] == soft for name, soft, _ in limits)
    return known


def adopt(limits: Limits) -> list[str]:
    """Take these limits on; the hard ones stay unless they must rise. Returns what slurmstepd says of each failure."""
    complaints = []
    for name, soft, _ in limits:
        now, hard = _now(name)
        if soft == now:
            continue
        higher = hard != resource.RLIM_INFINITY and (soft == resource.RLIM_INFINITY or soft > hard)
        try:
            resource.setrlimit(getattr(resource, name), (soft, soft if higher else hard))
        except (ValueError, OSError):
            text = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
            complaints.append(f"Can't propagate {name} of {text} from submit host: Operation not permitted")
    return complaints


def _now(name: str) -> tuple[int, int]:
    return resource.getrlimit(getattr(resource, name))
