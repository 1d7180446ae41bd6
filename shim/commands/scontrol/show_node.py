"""``scontrol show node`` (slurm_sprint_node_table)."""

from dataclasses import dataclass

from shim.commands.display.nodes import NodeView, architecture, operating_system
from shim.commands.display.times import TimeFormat
from shim.commands.scontrol.layout import Line, Word, field, lay_out, or_null, record


@dataclass(frozen=True)
class ShownNode:
    """A node and how it is to be shown."""

    view: NodeView
    time: TimeFormat
    version: str
    started: float  # when the controller, here also the node's daemon, began
    last_busy: float
    owner: str  # who drains nodes here: the controller's user
    details: bool = False
    oneliner: bool = False


def show_node(shown: ShownNode) -> str:
    """Return the record as scontrol prints it."""
    return record(lay_out(shown, _LINES), shown.oneliner)


def _tail(word: Word[ShownNode]) -> Word[ShownNode]:
    """A last word that Slurm follows with a blank."""
    return lambda shown: f"{word(shown)} "


def _of_details(name: str, value: Word[ShownNode]) -> Word[ShownNode]:
    return lambda shown: f"{name}={value(shown)}" if shown.details else None


def _load(shown: ShownNode) -> str:
    load = shown.view.load
    return "N/A" if load is None else f"{load:.2f}"


def _free_memory(shown: ShownNode) -> str:
    free = shown.view.free_memory
    return "N/A" if free is None else str(free)


def _reason(shown: ShownNode) -> str | None:
    view = shown.view
    if not view.reason:
        return None
    when = view.node.drain_time
    by = f" [{shown.owner}@{shown.time(when)}]" if when else ""
    return f"Reason={view.reason}{by}"


_LINES: tuple[Line[ShownNode], ...] = (
    (
        field("NodeName", lambda s: s.view.name),
        lambda s: f"Arch={architecture()}" if s.view.local else None,
        _tail(field("CoresPerSocket", lambda s: s.view.node.base.cores_per_socket)),
    ),
    (
        field("CPUAlloc", lambda s: s.view.node.alloc_cpus),
        field("CPUEfctv", lambda s: s.view.node.base.cpus),
        field("CPUTot", lambda s: s.view.node.base.cpus),
        field("CPULoad", _load),
    ),
    (field("AvailableFeatures", lambda s: or_null(",".join(s.view.node.base.features))),),
    (field("ActiveFeatures", lambda s: or_null(",".join(s.view.node.base.features))),),
    (field("Gres", lambda s: or_null(s.view.gres)),),
    (_of_details("GresDrain", lambda _: "N/A"),),
    (_of_details("GresUsed", lambda s: s.view.gres_used),),
    (
        field("NodeAddr", lambda s: s.view.address),
        field("NodeHostName", lambda s: s.view.host_name),
        field("Version", lambda s: s.version),
    ),
    (lambda s: f"OS={operating_system()} " if s.view.local else None,),
    (
        field("RealMemory", lambda s: s.view.node.base.memory),
        field("AllocMem", lambda s: s.view.node.alloc_memory),
        field("FreeMem", _free_memory),
        field("Sockets", lambda s: s.view.node.base.sockets),
        field("Boards", lambda _: 1),
    ),
    (
        field("State", lambda s: s.view.state),
        field("ThreadsPerCore", lambda s: s.view.node.base.threads_per_core),
        field("TmpDisk", lambda s: s.view.node.base.tmp_disk),
        field("Weight", lambda s: s.view.node.base.weight),
        field("Owner", lambda _: "N/A"),
        field("MCS_label", lambda _: "N/A"),
    ),
    (lambda s: f"Partitions={','.join(s.view.node.partitions)} " if s.view.node.partitions else None,),
    (
        field("BootTime", lambda s: s.time(s.view.boot_time, "None")),
        field("SlurmdStartTime", lambda s: s.time(s.started, "None")),
    ),
    (field("LastBusyTime", lambda s: s.time(s.last_busy)),),
    (field("CfgTRES", lambda s: s.view.tres),),
    (field("AllocTRES", lambda s: s.view.tres_used),),
    (field("CapWatts", lambda _: "n/a"),),
    (field("CurrentWatts", lambda _: 0), field("AveWatts", lambda _: 0)),
    (
        field("ExtSensorsJoules", lambda _: "n/s"),
        field("ExtSensorsWatts", lambda _: 0),
        field("ExtSensorsTemp", lambda _: "n/s"),
    ),
    (_reason,),
)
