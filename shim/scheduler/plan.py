"""One pass of the scheduler: which waiting jobs may start now, and why the others may not.

Jobs go in priority order; behind the first job of a partition that does not fit, later ones may start only where they
do not delay it (EASY backfill, by time limits). Pure: it changes nothing but its own copies of the rooms.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shim.config.settings import PartitionConfig
from shim.job.record import Job, Share
from shim.job.request import UNLIMITED
from shim.job.states import Reason
from shim.scheduler.dependencies import MINUTE
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node, Room
from shim.scheduler.placement import candidates, exceeds_partition, place

YEAR = 365 * 86400
"""Seconds that a job without a time limit counts as, as for Slurm's backfill."""
WINDOW = 86400
"""Seconds ahead that a start is planned for; later ones hold nobody back (slurm.conf man page, bf_window)."""

NODES_DOWN = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"


@dataclass(frozen=True, slots=True)
class Start:
    """A decision: this job (or the next task of this array) starts, there."""

    job: Job
    partition: str
    shares: tuple[Share, ...]


@dataclass(slots=True)
class Plan:
    """The decisions of one pass."""

    starts: list[Start] = field(default_factory=list)
    reasons: dict[Job, str] = field(default_factory=dict)


@dataclass(slots=True)
class View:
    """What a pass looks at. ``needs`` and ``running_tasks`` answer for a job and an array id."""

    now: float
    partitions: Mapping[str, PartitionConfig]
    nodes: Mapping[str, Sequence[Node]]  # by partition
    needs: Callable[[Job], Need]
    running_tasks: Callable[[int], int]
    running: Iterable[Job]
    components: Callable[[Job], Sequence[Job]] = lambda job: (job,)
    max_tests: int = 500


@dataclass(slots=True)
class _Reservation:
    """The promise to a job that does not fit yet: from ``time`` on it would, in these rooms."""

    need: Need
    time: float
    rooms: dict[str, Room]
    order: list[str]


def expected_end(job: Job, now: float) -> float:
    """When a running job must have ended, by its limit."""
    return max(now, job.start_time + seconds(job.time_limit))


def seconds(limit: int) -> float:
    """A time limit in minutes as seconds; UNLIMITED counts as a year."""
    return YEAR if limit >= UNLIMITED else limit * MINUTE


class _Pass:
    def __init__(self, view: View) -> None:
        self.view = view
        self.plan = Plan()
        self.rooms: dict[str, Room] = {}
        self.full: set[tuple[str, Need]] = set()  # what has been found not to fit any more
        self.promises: dict[str, _Reservation | None] = {}  # by partition, once its first job is blocked
        self.started_tasks: dict[int, int] = {}
        self.fleet: str | None = None  # the only one whose nodes may be used, while components must share it
        for nodes in view.nodes.values():
            for node in nodes:
                if node.name not in self.rooms and node.usable:
                    self.rooms[node.name] = node.copy_room()

    def exhausted(self) -> bool:
        return all(room.cpus < 1 for room in self.rooms.values())

    def consider(self, job: Job) -> bool:
        """Start what can start of the job; False if it (or the rest of its array) must wait."""
        reason = ""
        parts = self.view.components(job)
        if len(parts) > 1:
            reason = self._together(parts)
            if reason:
                self.plan.reasons[job] = reason
            return not reason
        for name in job.partition.split(","):
            partition = self.view.partitions.get(name)
            reason = self._in_partition(job, name, partition) if partition else Reason.PART_DOWN
            if not reason:
                return True
        self.plan.reasons[job] = reason
        return False

    def _together(self, parts: Sequence[Job]) -> str:
        """Start all components of a heterogeneous job on the nodes of one fleet, or none of them."""
        before = self.promises
        blocked: tuple[str, dict[str, _Reservation | None]] | None = None
        nodes = [node for part in parts for node in self.view.nodes.get(part.partition.split(",")[0], ())]
        fleets: list[str | None] = list(dict.fromkeys(node.base.fleet for node in nodes))
        for fleet in fleets or [None]:
            self.fleet, self.promises = fleet, dict(before)
            reason = self._all_of(parts)
            if not reason:
                break
            blocked = blocked or (reason, self.promises)
        else:
            assert blocked
            reason, self.promises = blocked
        self.fleet = None
        return reason

    def _all_of(self, parts: Sequence[Job]) -> str:
        before = len(self.plan.starts)
        for part in parts:
            name = part.partition.split(",")[0]
            partition = self.view.partitions.get(name)
            reason = self._in_partition(part, name, partition) if partition else Reason.PART_DOWN
            if reason:
                for start in self.plan.starts[before:]:
                    for share in start.shares:
                        self.rooms[share.node].give(share)
                del self.plan.starts[before:]
                self.full.clear()  # what did not fit beside the parts that are taken back may fit again
                return reason
        return ""

    def _in_partition(self, job: Job, name: str, partition: PartitionConfig) -> str:
        if partition.state in ("DOWN", "INACTIVE", "DRAIN"):
            return Reason.PART_INACTIVE if partition.state == "INACTIVE" else Reason.PART_DOWN
        need, nodes = self.view.needs(job), self.view.nodes[name]
        if exceeds_partition(need, nodes) or not partition.min_nodes <= (need.nodes_max or need.nodes_min):
            enough = need.ntasks is not None and need.nodes_min <= len(nodes)
            return Reason.PART_CONFIG if enough else Reason.PART_NODE_LIMIT
        if need.nodes_min > partition.max_nodes:
            return Reason.PART_NODE_LIMIT
        if partition.max_time < UNLIMITED and job.time_limit > partition.max_time:
            return Reason.PART_TIME_LIMIT
        left = len(job.tasks) if job.tasks is not None else 1
        while left:
            if job.throttle and job.array and self._running_tasks(job.array.job_id) >= job.throttle:
                return Reason.ARRAY_LIMIT
            shares = self._fit(job, name, need)
            if shares is None:
                return self._blocked(need, name, nodes)
            self._take(job, name, shares)
            left -= 1
        return ""

    def _running_tasks(self, array_id: int) -> int:
        return self.view.running_tasks(array_id) + self.started_tasks.get(array_id, 0)

    def _fit(self, job: Job, partition: str, need: Need) -> tuple[Share, ...] | None:
        if (partition, need) in self.full:
            return None
        fit = candidates(need, self.view.nodes[partition])
        if self.fleet is not None:
            fit = [node for node in fit if node.base.fleet == self.fleet]
        rooms = [self.rooms[node.name] for node in fit if node.name in self.rooms]
        shares = place(need, rooms)
        if shares is None:
            self.full.add((partition, need))
            return None
        promise = self.promises.get(partition)
        return shares if promise is None or self._keeps(promise, job, shares) else None

    def _keeps(self, promise: _Reservation, job: Job, shares: tuple[Share, ...]) -> bool:
        """True if the job, started now, does not delay the one that was promised its turn."""
        if self.view.now + seconds(job.time_limit) <= promise.time:
            return True
        taken = [share for share in shares if share.node in promise.rooms]
        for share in taken:
            promise.rooms[share.node].take(share)
        if place(promise.need, [promise.rooms[name] for name in promise.order]) is not None:
            return True
        for share in taken:
            promise.rooms[share.node].give(share)
        return False

    def _blocked(self, need: Need, partition: str, nodes: Sequence[Node]) -> str:
        if partition in self.promises:
            return Reason.PRIORITY
        usable = [node for node in candidates(need, nodes) if node.usable]
        if place(need, [node.whole() for node in usable]) is None:
            wanted = [node.name for node in nodes if node.name in need.nodelist and not node.usable]
            return f"ReqNodeNotAvail, UnavailableNodes:{','.join(wanted)}" if wanted else NODES_DOWN
        self.promises[partition] = self._reserve(need, usable)
        return Reason.RESOURCES

    def _reserve(self, need: Need, nodes: Sequence[Node]) -> _Reservation | None:
        rooms = {node.name: self.rooms[node.name].copy() for node in nodes}
        order = [node.name for node in nodes]
        now = self.view.now
        for job in sorted(self.view.running, key=lambda job: expected_end(job, now)):
            mine = [share for share in job.shares if share.node in rooms]
            for share in mine:
                rooms[share.node].give(share)
            end = expected_end(job, now)
            if end > now + WINDOW:
                break
            if mine and place(need, [rooms[name] for name in order]) is not None:
                return _Reservation(need, end, rooms, order)
        return None

    def _take(self, job: Job, partition: str, shares: tuple[Share, ...]) -> None:
        for share in shares:
            self.rooms[share.node].take(share)
        if job.array:
            self.started_tasks[job.array.job_id] = self.started_tasks.get(job.array.job_id, 0) + 1
        self.plan.starts.append(Start(job, partition, shares))


def make_plan(ready: Sequence[Job], view: View) -> Plan:
    """Decide over the waiting jobs that nothing but resources holds back, in priority order."""
    this = _Pass(view)
    misses = 0
    for job in ready:
        if not this.consider(job):
            misses += 1
            if misses >= view.max_tests or this.exhausted():
                break
    return this.plan
