"""The details of an allocation (``scontrol -d show job``): CPUs, memory and generic resources on each node."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby

from shim.grammar.hostlist import fold_hostlist
from shim.grammar.indexset import IndexSet
from shim.job.record import Job, Share


def allocation_lines(job: Job, cpu_ids: dict[str, str]) -> list[str]:
    """JOB_GRES and a line for each group of neighbouring nodes that hold the same."""
    lines = [f"JOB_GRES={_job_gres(job.shares) or '(null)'}"]
    for text, group in groupby(job.shares, key=lambda share: _held(share, cpu_ids.get(share.node, ""))):
        nodes = fold_hostlist([share.node for share in group])
        lines.append(f"  Nodes={nodes} {text}")
    return lines


def _held(share: Share, cpu_ids: str) -> str:
    return f"CPU_IDs={cpu_ids} Mem={share.memory} GRES={share_gres(share)}"


def share_gres(share: Share) -> str:
    """The generic resources of one node that a job holds: ``gpu:a100:2(IDX:0-1)``."""
    words = [f"{name}:{count}" for name, count in share.gres]
    if share.gpus:
        kind = f":{share.gpu_type}" if share.gpu_type else ""
        indices = IndexSet.from_iterable(share.gpus).display(0)
        words.insert(0, f"gpu{kind}:{len(share.gpus)}(IDX:{indices})")
    return ",".join(words)


def _job_gres(shares: Iterable[Share]) -> str:
    """Generic resources over all nodes, by name and type."""
    counts: dict[str, int] = defaultdict(int)
    for share in shares:
        if share.gpus:
            counts[f"gpu:{share.gpu_type}" if share.gpu_type else "gpu"] += len(share.gpus)
        for name, count in share.gres:
            counts[name] += count
    return ",".join(f"{name}:{count}" for name, count in counts.items())


def cpu_ids(running: Iterable[Job]) -> dict[int, dict[str, str]]:
    """Return the CPUs of each running job on each of its nodes, by job id and node.

    The scheduler counts CPUs and does not number them. Where they must have numbers, each job has the lowest that
    those which started before it have left free.
    """
    free: dict[str, int] = defaultdict(int)
    numbered: dict[int, dict[str, str]] = {}
    for job in sorted(running, key=lambda job: (job.start_time, job.job_id)):
        numbered[job.job_id] = {}
        for share in job.shares:
            first = free[share.node]
            free[share.node] += share.cpus
            numbered[job.job_id][share.node] = IndexSet([range(first, first + share.cpus)]).display(0)
    return numbered
