"""The rows of sinfo: nodes of a partition that look alike in every column shown stand together."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from shim.commands.display.nodes import NodeView
from shim.config.settings import PartitionConfig

PartitionKey = Callable[[PartitionConfig], Hashable]
NodeKey = Callable[[NodeView], Hashable]


@dataclass
class Row:
    """One line: a partition and some of its nodes. ``position`` is the partition's place in the configuration."""

    partition: PartitionConfig
    position: int
    nodes: list[NodeView] = field(default_factory=list)

    @property
    def first(self) -> NodeView | None:
        """The node that speaks for all of them."""
        return self.nodes[0] if self.nodes else None


@dataclass(frozen=True)
class Grouping:
    """What keeps rows apart: values of partitions and of nodes, or each node for itself (``by_node``, -N)."""

    partition_keys: Sequence[PartitionKey] = ()
    node_keys: Sequence[NodeKey] = ()
    by_node: bool = False
    show_empty: bool = False  # a row for a partition without nodes

    def rows(self, partitions: Iterable[PartitionConfig], nodes_of: Callable[[str], list[NodeView]]) -> list[Row]:
        """Return the rows, in the order in which partitions and nodes are met."""
        rows: dict[Hashable, Row] = {}
        for position, partition in enumerate(partitions):
            of_partition = (position,) if self.by_node else tuple(key(partition) for key in self.partition_keys)
            nodes = nodes_of(partition.name)
            for view in nodes:
                of_node = (view.name,) if self.by_node else tuple(key(view) for key in self.node_keys)
                row = rows.setdefault((of_partition, of_node), Row(partition, position))
                if all(known is not view for known in row.nodes):
                    row.nodes.append(view)
            if not nodes and self.show_empty:
                rows.setdefault((of_partition, None), Row(partition, position))
        return list(rows.values())
