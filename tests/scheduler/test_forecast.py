"""When and where waiting jobs are expected to start: running jobs leave at their limits, jobs go in priority order."""

from collections.abc import Iterable, Sequence

from shim.config.settings import PartitionConfig
from shim.executor.base import NodeState
from shim.job.record import Job, Share
from shim.job.request import UNLIMITED
from shim.job.states import Reason, State
from shim.scheduler.forecast import Forecast, make_forecast
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node
from shim.scheduler.plan import View
from tests.scheduler.jobs import make_job

NOW = 1_000_000.0
HOUR = 3600
ALL = ("n1", "n2", "n3", "n4")


def job_of(number: int, limit: int, reason: str = Reason.RESOURCES) -> Job:
    return make_job(number, submit_time=NOW, partition="debug", time_limit=limit, reason=reason)


class Cluster:
    """Four nodes of two CPUs."""

    def __init__(self) -> None:
        self.nodes = {name: Node(NodeState(name, 2, 1000), "local", ("debug",)) for name in ALL}
        self.partition = PartitionConfig("debug", ALL)
        self.running: list[Job] = []
        self.needs: dict[Job, Need] = {}
        self.waiting: list[Job] = []

    def run(self, limit: int, *names: str, cpus: int = 2, ran: float = 0) -> Job:
        job = job_of(100 + len(self.running), limit)
        job.state, job.start_time = State.RUNNING, NOW - ran
        job.shares = tuple(Share(name, cpus, 0) for name in names)
        for share in job.shares:
            self.nodes[share.node].allocate(share)
        self.running.append(job)
        return job

    def wait(self, need: Need, limit: int, reason: str = Reason.RESOURCES) -> Job:
        job = job_of(len(self.waiting) + 1, limit, reason)
        self.needs[job] = need
        self.waiting.append(job)
        return job

    def forecast(self, max_tests: int = 500) -> dict[Job, Forecast]:
        view = View(
            now=NOW,
            partitions={"debug": self.partition},
            nodes={"debug": list(self.nodes.values())},
            needs=self.needs.__getitem__,
            running_tasks=lambda array_id: 0,
            running=self.running,
            max_tests=max_tests,
        )
        return make_forecast(self.waiting, view)


def hours(forecasts: dict[Job, Forecast], jobs: Iterable[Job]) -> Sequence[float | None]:
    return [(forecasts[job].start - NOW) / HOUR if job in forecasts else None for job in jobs]


def whole(count: int) -> Need:
    return Need(nodes_min=count, exclusive=True)


def test_a_blocked_job_starts_when_the_last_running_one_reaches_its_limit() -> None:
    cluster = Cluster()
    cluster.run(60, "n1")
    cluster.run(24 * 60, "n3", ran=HOUR)
    job = cluster.wait(whole(4), 10)
    assert cluster.forecast() == {job: Forecast(NOW + 23 * HOUR, ALL)}


def test_each_forecast_job_holds_its_rooms_for_its_limit() -> None:
    cluster = Cluster()
    cluster.run(60, *ALL)
    jobs = [cluster.wait(whole(4), 120), cluster.wait(whole(4), 60, Reason.PRIORITY), cluster.wait(whole(1), 60)]
    assert hours(cluster.forecast(), jobs) == [1, 3, 4]


def test_a_later_job_fills_a_hole_only_where_its_whole_limit_fits() -> None:
    cluster = Cluster()
    cluster.run(60, "n1")
    cluster.run(180, "n2", "n3", "n4")
    jobs = [cluster.wait(whole(4), 60), cluster.wait(whole(1), 120, Reason.PRIORITY), cluster.wait(whole(1), 180)]
    forecasts = cluster.forecast()
    assert hours(forecasts, jobs) == [3, 1, 4]
    assert forecasts[jobs[1]].nodes == ("n1",)


def test_two_jobs_share_a_node_one_after_the_other() -> None:
    """Of a node's two CPUs one is free for ever, whoever has the other."""
    cluster = Cluster()
    cluster.run(UNLIMITED, "n2", "n3", "n4")
    cluster.run(60, "n1", cpus=1)
    cluster.run(120, "n1", cpus=1)
    jobs = [cluster.wait(Need(), 60), cluster.wait(Need(), 300), cluster.wait(Need(), 60)]
    assert hours(cluster.forecast(), jobs) == [1, 2, 2]


def test_nothing_is_told_beyond_the_window_or_of_what_waits_for_something_else() -> None:
    cluster = Cluster()
    cluster.run(25 * 60, "n1")
    jobs = [
        cluster.wait(whole(4), 10),
        cluster.wait(whole(1), UNLIMITED, Reason.ARRAY_LIMIT),
        cluster.wait(whole(3), UNLIMITED, Reason.PRIORITY),
        cluster.wait(whole(1), 10, Reason.PRIORITY),
    ]
    assert hours(cluster.forecast(), jobs) == [None, None, 0, None]


def test_a_partition_that_is_down_and_a_drained_node_start_nothing() -> None:
    cluster = Cluster()
    cluster.run(60, "n1")
    cluster.nodes["n2"].drained = "DRAIN"
    jobs = [cluster.wait(whole(4), 10), cluster.wait(whole(3), 10)]
    assert hours(cluster.forecast(), jobs) == [None, 1]
    cluster.partition = PartitionConfig("debug", ALL, state="DOWN")
    assert cluster.forecast() == {}


def test_only_so_many_jobs_are_looked_at() -> None:
    cluster = Cluster()
    cluster.run(60, *ALL)
    jobs = [cluster.wait(whole(4), 60) for _ in range(4)]
    assert hours(cluster.forecast(max_tests=2), jobs) == [1, 2, None, None]
