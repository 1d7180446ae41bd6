"""Which nodes a job gets where some of them may not hold one job together."""

from shim.executor.base import NodeState
from shim.job.record import Share
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node, Room
from shim.scheduler.placement import place


def rooms(*fleets: str, cpus: int = 4) -> list[Room]:
    nodes = [NodeState(f"n{number}", cpus, 1000, fleet=fleet) for number, fleet in enumerate(fleets)]
    return [Node(node, "dstack").whole() for node in nodes]


def names(shares: tuple[Share, ...] | None) -> list[str] | None:
    return shares and [share.node for share in shares]


def test_nodes_of_one_fleet_are_enough_for_a_job() -> None:
    assert names(place(Need(nodes_min=2), rooms("a", "b", "b"))) == ["n1", "n2"]


def test_nodes_of_two_fleets_do_not_hold_one_job() -> None:
    assert place(Need(nodes_min=2), rooms("a", "b")) is None
    assert place(Need(ntasks=8), rooms("a", "b")) is None


def test_a_job_on_one_node_takes_the_first_that_will_do_of_any_fleet() -> None:
    assert names(place(Need(), rooms("a", "b"))) == ["n0"]
    assert names(place(Need(nodelist=("n1",)), list(reversed(rooms("a", "b"))))) == ["n1"]


def test_nodes_of_no_fleet_go_together() -> None:
    assert names(place(Need(nodes_min=2), rooms("", ""))) == ["n0", "n1"]
