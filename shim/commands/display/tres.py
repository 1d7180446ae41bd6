"""Trackable resources (TRES) as Slurm writes them: ``cpu=2,mem=200M,node=1,billing=2,gres/gpu=1``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shim.grammar.memory import format_memory
from shim.job.record import Share


@dataclass(frozen=True, slots=True)
class Tres:
    """Amounts of trackable resources. Memory in MB. ``gres`` maps ``gpu`` and ``gpu:a100`` to counts."""

    cpus: int = 0
    memory: int = 0
    nodes: int = 0
    billing: int = 0
    gres: Mapping[str, int] = field(default_factory=dict)

    def items(self, memory: str = "") -> list[tuple[str, str]]:
        """Name and amount of each in Slurm's order of ids, those of nothing left out.

        ``memory`` is the text for the memory where it is not to be in the largest unit that fits.
        """
        amounts = [
            ("cpu", str(self.cpus), self.cpus),
            ("mem", memory or format_memory(self.memory), self.memory),
            ("node", str(self.nodes), self.nodes),
            ("billing", str(self.billing), self.billing),
            *((f"gres/{name}", str(count), count) for name, count in sorted(self.gres.items())),
        ]
        return [(name, text) for name, text, amount in amounts if amount]

    def __str__(self) -> str:
        """As ``scontrol show`` writes it."""
        return ",".join(f"{name}={text}" for name, text in self.items())

    def sorted(self, memory: str = "") -> str:
        """As sacct writes it: sorted by text."""
        return ",".join(sorted(f"{name}={text}" for name, text in self.items(memory)))


def gres_of(types: Iterable[str], others: Iterable[tuple[str, int]] = ()) -> dict[str, int]:
    """Count GPUs, given by the type of each ("" where it has none), in all and by type, and add other resources."""
    counts: dict[str, int] = {}
    for kind in types:
        counts["gpu"] = counts.get("gpu", 0) + 1
        if kind:
            counts[f"gpu:{kind}"] = counts.get(f"gpu:{kind}", 0) + 1
    for name, count in others:
        counts[name] = counts.get(name, 0) + count
    return counts


def tres_of_shares(shares: Iterable[Share]) -> Tres:
    """What a job that has started holds."""
    shares = tuple(shares)
    cpus = sum(share.cpus for share in shares)
    types = (share.gpu_type for share in shares for _ in share.gpus)
    others = (gres for share in shares for gres in share.gres)
    memory = sum(share.memory for share in shares)
    return Tres(cpus, memory, len(shares), cpus, gres_of(types, others))
