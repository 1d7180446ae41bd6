"""The instances of dstack's fleets as Slurm's nodes, and what a job needs in their words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shim.config.dstack import PartitionSettings
from shim.executor.base import NodeState
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.gpu_names import MEMORY_SIZES, gpu_type
from shim.executor.dstack.model import Fleet, Instance, Run
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node
from shim.scheduler.placement import candidates, place


def node_states(
    fleets: Iterable[Fleet], partitions: Mapping[str, PartitionSettings], held: Mapping[str, int]
) -> tuple[NodeState, ...]:
    """Every instance that has told its size; ``held`` are the blocks of each that this queue's own runs hold."""
    instances = [instance for fleet in fleets for instance in fleet.instances if instance.cpus]
    return tuple(_node(instance, partitions, held.get(instance.name, 0)) for instance in instances)


ANY_GPU = "any"
"""The type of the GPUs of instances that are yet to be provisioned: whatever a job asks for."""

_ANY = NodeState(
    name="",
    cpus=256,
    memory=4 << 20,
    gpus=16,
    gpu_type=ANY_GPU,
    gres=f"gpu:{ANY_GPU}:16",
    tmp_disk=16 << 20,
    cores_per_socket=256,
    weight=1000,
    blocks=1,
)
"""The size of an instance that dstack chooses when a job asks for it, as large as it may come; the last to be used."""


def provisioned_later(
    fleets: Iterable[Fleet], partitions: Mapping[str, PartitionSettings], window: int
) -> tuple[NodeState, ...]:
    """Instances that fleets in clouds may still get, at most ``window`` of each: a job gets one by asking for it."""
    return tuple(
        replace(
            _ANY,
            name=f"{fleet.name}-new-{number}",
            features=tuple(sorted({fleet.name} | _named_features(fleet.name, partitions))),
            partitions=tuple(_partitions_of(fleet.name, partitions)),
            fleet=fleet.name,
        )
        for fleet in fleets
        if not fleet.ssh and fleet.status == "active"
        for number in range(window if fleet.most_nodes is None else min(window, fleet.most_nodes))
    )


def never_seen(partitions: Mapping[str, PartitionSettings]) -> NodeState:
    """What stands for all instances while the server has never been reached: jobs wait for what it will offer."""
    features = {feature for one in partitions.values() for feature in one.features}
    return replace(_ANY, name="dstack", features=tuple(sorted(features)), partitions=tuple(partitions))


def _partitions_of(fleet: str, partitions: Mapping[str, PartitionSettings]) -> list[str]:
    return [name for name, one in partitions.items() if not one.fleets or fleet in one.fleets]


def _named_features(fleet: str, partitions: Mapping[str, PartitionSettings]) -> set[str]:
    """The features that the configuration gives to a fleet."""
    mine = [partitions[name] for name in _partitions_of(fleet, partitions)]
    tables = [item for one in mine for item in one.features.items()]
    return {feature for feature, table in tables if fleet in table.get("fleets", ())}


def _node(instance: Instance, partitions: Mapping[str, PartitionSettings], held: int) -> NodeState:
    label = gpu_label(instance.gpu_name, instance.gpu_memory) if instance.gpus else ""
    usable = instance.status in ("idle", "busy") and not instance.unreachable
    taken = max(0, instance.busy_blocks - held)
    named = _named_features(instance.fleet, partitions)
    gpu_words = {instance.gpu_name.lower(), label} if label else set()
    return NodeState(
        name=instance.name,
        cpus=instance.cpus,
        memory=instance.memory,
        gpus=instance.gpus,
        gpu_type=label,
        features=tuple(sorted({instance.fleet} | named | gpu_words)),
        tmp_disk=instance.disk,
        state="IDLE" if usable else "DOWN",
        reason="" if usable else "unreachable" if instance.unreachable else instance.status,
        cores_per_socket=instance.cpus,
        gres=f"gpu:{label}:{instance.gpus}" if label else "",
        address=instance.hostname,
        host_name=instance.hostname,
        blocks=instance.total_blocks,
        taken_cpus=taken * instance.cpus // instance.total_blocks,
        partitions=tuple(_partitions_of(instance.fleet, partitions)),
        fleet=instance.fleet,
    )


def names_by_rank(nodes: Iterable[NodeState], groups: Sequence[Sequence[str]], run: Run) -> list[str]:
    """What the nodes of a run are called; the batch script's environment says already who is the first.

    ``groups`` are the planned nodes of each component. dstack chooses the ranks among them: the instances of one
    component are alike, so two that differ from the plan swap names.
    """
    by_address = {node.host_name: node.name for node in nodes}
    found = iter([by_address.get(node.hostname, "") for node in run.nodes])
    names: list[str] = []
    for planned in groups:
        here = [name for _, name in zip(planned, found, strict=False)]
        names += here if set(here) == set(planned) else planned
    first = names.index(groups[0][0])
    names[0], names[first] = names[first], names[0]
    return names


def gpu_label(name: str, memory: int) -> str:
    """A GPU as users may ask for it: ``h100``, and ``a100-80g`` where the model comes in several sizes (MB)."""
    gigabytes = round(memory / 1024)
    return f"{name.lower()}-{gigabytes}g" if len(MEMORY_SIZES.get(name, ())) > 1 else name.lower()


def adapt(need: Need, nodes: Iterable[NodeState], synonyms: Mapping[str, str]) -> Need:
    """A need in the words of these nodes: every GPU type that will do, and the way dstack gives out nodes.

    A run on one instance takes blocks of it; the nodes of a run on several are whole instances, be it for one job or
    for the components of a heterogeneous one.
    """
    nodes = tuple(nodes)
    largest = max((node.cpus for node in nodes), default=0)
    if need.component or need.nodes_min > 1 or need.least_tasks * need.cpus_per_task > largest:
        need = replace(need, exclusive=True)
    elif need.nodes_max is None:
        need = replace(need, nodes_max=1)
    if need.gpu_type:
        need = replace(need, gpu_type=_labels(need.gpu_type, nodes, synonyms) or need.gpu_type)
    return need


def holds_together(components: Iterable[tuple[Need, Sequence[NodeState]]]) -> bool:
    """Whether one fleet has nodes for each of these components among those of its partition: they share a run."""
    fleets = [_possible(need, [Node(node, "dstack") for node in nodes]) for need, nodes in components]
    return bool(set.intersection(*fleets))


def _possible(need: Need, nodes: Sequence[Node]) -> set[str]:
    rooms = [node.whole() for node in candidates(need, nodes)]
    fleets = {node.base.fleet for node in nodes}
    return {fleet for fleet in fleets if place(need, [room for room in rooms if room.node.base.fleet == fleet])}


def _labels(asked: str, nodes: Iterable[NodeState], synonyms: Mapping[str, str]) -> str:
    offers = {node.gpu_type for node in nodes if node.gpu_type}
    labels = offers - {ANY_GPU}
    try:
        wanted = gpu_type(asked, synonyms, known=labels)
    except NotExpressible:
        return ""
    fitting = []
    for label in sorted(labels):
        offered = gpu_type(label, known=[label])
        if _same(offered.name, wanted.name) and (not wanted.memory or offered.memory >= wanted.memory):
            fitting.append(label)
    return "|".join(fitting + [ANY_GPU] * (ANY_GPU in offers))


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
