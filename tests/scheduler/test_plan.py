"""Which waiting jobs start: the components of heterogeneous jobs together, on nodes that may hold one job."""

from collections.abc import Sequence

from shim.config.settings import PartitionConfig
from shim.executor.base import NodeState
from shim.job.record import Job
from shim.job.request import UNLIMITED
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node
from shim.scheduler.plan import Plan, View, make_plan
from tests.scheduler.jobs import make_job


def job_of(number: int, component: int = 0) -> Job:
    return make_job(number, submit_time=0.0, partition="gpu", time_limit=UNLIMITED, het_job_offset=component)


def plan(fleets: Sequence[str], components: list[Need], *others: Need, taken: str = "") -> tuple[Plan, list[Job]]:
    """A pass over one heterogeneous job and plain ones behind it; a node of two CPUs for each fleet named."""
    nodes = [Node(NodeState(f"n{n}", 2, 1000, fleet=fleet), "dstack", ("gpu",)) for n, fleet in enumerate(fleets)]
    for node in nodes:
        node.room.cpus -= 2 * (node.name in taken.split())
    parts = [job_of(number, number) for number in range(len(components))]
    jobs = [parts[0], *(job_of(10 + number) for number in range(len(others)))]
    needs = dict(zip(parts, components, strict=True)) | dict(zip(jobs[1:], others, strict=True))
    view = View(
        now=1.0,
        partitions={"gpu": PartitionConfig("gpu", ("ALL",))},
        nodes={"gpu": nodes},
        needs=needs.__getitem__,
        running_tasks=lambda array_id: 0,
        running=(),
        components=lambda job: parts if job in parts else (job,),
    )
    return make_plan(jobs, view), jobs


def nodes_of(made: Plan) -> list[str]:
    return [share.node for start in made.starts for share in start.shares]


WHOLE = Need(exclusive=True)


def test_components_start_on_the_nodes_of_one_fleet() -> None:
    made, _ = plan("abb", [WHOLE, WHOLE])
    assert nodes_of(made) == ["n1", "n2"]


def test_components_wait_where_only_two_fleets_together_have_room() -> None:
    made, (first,) = plan("aabb", [WHOLE, WHOLE], taken="n0 n3")
    assert not made.starts
    assert made.reasons == {first: "Resources"}


def test_what_kept_one_fleet_busy_holds_nobody_back_once_another_has_room() -> None:
    made, _ = plan("abbb", [WHOLE, WHOLE], WHOLE, WHOLE)
    assert nodes_of(made) == ["n1", "n2", "n0", "n3"]


def test_nodes_of_no_fleet_go_together() -> None:
    assert nodes_of(plan(["", ""], [WHOLE, WHOLE])[0]) == ["n0", "n1"]
