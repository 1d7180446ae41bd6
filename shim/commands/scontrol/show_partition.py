"""``scontrol show partition`` (slurm_sprint_partition_info)."""

from collections.abc import Sequence
from dataclasses import dataclass

from shim.commands.display.nodes import NodeView
from shim.commands.display.tres import Tres
from shim.commands.scontrol.layout import Line, field, lay_out, or_null, record, yes_no
from shim.config.settings import PartitionConfig
from shim.grammar.hostlist import fold_hostlist
from shim.grammar.timelimit import format_dhms
from shim.job.request import UNLIMITED


@dataclass(frozen=True)
class ShownPartition:
    """A partition with its nodes."""

    partition: PartitionConfig
    nodes: Sequence[NodeView]
    oneliner: bool = False

    @property
    def tres(self) -> Tres:
        """All that its nodes have."""
        gres: dict[str, int] = {}
        for view in self.nodes:
            for name, count in view.tres.gres.items():
                gres[name] = gres.get(name, 0) + count
        return Tres(self.cpus, sum(view.node.base.memory for view in self.nodes), len(self.nodes), self.cpus, gres)

    @property
    def cpus(self) -> int:
        """CPUs of all its nodes."""
        return sum(view.node.base.cpus for view in self.nodes)


def show_partition(shown: ShownPartition) -> str:
    """Return the record as scontrol prints it."""
    return record(lay_out(shown, _LINES), shown.oneliner)


def _number(value: int) -> str:
    return "UNLIMITED" if value == UNLIMITED else str(value)


def _minutes(value: int | None) -> str:
    if value is None:
        return "NONE"
    return "UNLIMITED" if value == UNLIMITED else format_dhms(value * 60)


_LINES: tuple[Line[ShownPartition], ...] = (
    (field("PartitionName", lambda s: s.partition.name),),
    (
        field("AllowGroups", lambda _: "ALL"),
        field("AllowAccounts", lambda _: "ALL"),
        field("AllowQos", lambda _: "ALL"),
    ),
    (
        field("AllocNodes", lambda _: "ALL"),
        field("Default", lambda s: yes_no(s.partition.default)),
        field("QoS", lambda _: "N/A"),
    ),
    (
        field("DefaultTime", lambda s: _minutes(s.partition.default_time)),
        field("DisableRootJobs", lambda _: "NO"),
        field("ExclusiveUser", lambda _: "NO"),
        field("GraceTime", lambda _: 0),
        field("Hidden", lambda _: "NO"),
    ),
    (
        field("MaxNodes", lambda s: _number(s.partition.max_nodes)),
        field("MaxTime", lambda s: _minutes(s.partition.max_time)),
        field("MinNodes", lambda s: s.partition.min_nodes if s.partition.min_nodes > 1 else 0),
        field("LLN", lambda _: "NO"),
        field("MaxCPUsPerNode", lambda _: "UNLIMITED"),
    ),
    (field("Nodes", lambda s: or_null(fold_hostlist([view.name for view in s.nodes]))),),
    (
        field("PriorityJobFactor", lambda _: 1),
        field("PriorityTier", lambda s: s.partition.priority_tier),
        field("RootOnly", lambda _: "NO"),
        field("ReqResv", lambda _: "NO"),
        field("OverSubscribe", lambda _: "NO"),
    ),
    (field("OverTimeLimit", lambda _: "NONE"), field("PreemptMode", lambda _: "OFF")),
    (
        field("State", lambda s: s.partition.state),
        field("TotalCPUs", lambda s: s.cpus),
        field("TotalNodes", lambda s: len(s.nodes)),
        field("SelectTypeParameters", lambda _: "NONE"),
    ),
    (field("JobDefaults", lambda _: "(null)"),),
    (field("DefMemPerNode", lambda _: "UNLIMITED"), field("MaxMemPerNode", lambda _: "UNLIMITED")),
    (lambda s: f"TRES={tres}" if (tres := str(s.tres)) else None,),
)
