"""When and where waiting jobs are expected to start, as Slurm's backfill would book them (squeue man page, --start).

Jobs go in priority order. Each gets the first moment from which the rooms it needs stay free for its whole time limit,
and holds them then: jobs that run leave at their limits. Pure, and asked for by people only: no pass needs it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from shim.job.record import Job, Share
from shim.job.states import Reason, State
from shim.scheduler.need import Need
from shim.scheduler.nodes import Node, Room
from shim.scheduler.placement import candidates, place
from shim.scheduler.plan import WINDOW, View, expected_end, seconds

WAITING = frozenset({Reason.RESOURCES, Reason.PRIORITY})
"""The reasons of jobs that a start can be told for."""
MOST_LOOKS = 100_000
"""Looks at rooms after which jobs that come later stay unknown, as with Slurm's bf_max_time: nobody waits for long."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A job, or the next task of an array, is expected to start at ``start`` (seconds since 1970) on ``nodes``."""

    start: float
    nodes: tuple[str, ...]


class _Calendar:
    """What is free on one node: ``rooms[i]`` from ``times[i]`` until the next time, the last one for ever."""

    def __init__(self, room: Room, now: float) -> None:
        self.times = [now]
        self.rooms = [room]

    def _cut(self, moment: float) -> int:
        """Where the room from this moment on stands."""
        at = bisect_left(self.times, moment)
        if at == len(self.times) or self.times[at] != moment:
            self.times.insert(at, moment)
            self.rooms.insert(at, self.rooms[at - 1].copy())
        return at

    def leave(self, share: Share, moment: float) -> None:
        """What a running job holds is free from this moment on."""
        for room in self.rooms[self._cut(moment) :]:
            room.give(share)

    def book(self, share: Share, start: float, end: float) -> None:
        """A job takes its share for this time."""
        first, last = self._cut(start), self._cut(end)
        for room in self.rooms[first:last]:
            room.take(share)

    def free(self, start: float, end: float) -> tuple[Room, int]:
        """What stays free all this time, and how many rooms were looked at."""
        first, last = bisect_right(self.times, start) - 1, bisect_left(self.times, end)
        least = self.rooms[first].copy()
        for room in self.rooms[first + 1 : last]:
            least.narrow(room)
        return least, last - first


class _Forecaster:
    def __init__(self, view: View) -> None:
        self.view = view
        self.looks = 0
        self.calendars: dict[str, _Calendar] = {}
        self.earliest: dict[tuple[str, Need, int], float] = {}  # by kind of job: before this, none fits
        for nodes in view.nodes.values():
            for node in nodes:
                if node.usable and node.name not in self.calendars:
                    self.calendars[node.name] = _Calendar(node.copy_room(), view.now)
        moments = {view.now}
        for job in view.running:
            if job.state is State.SUSPENDED:  # it holds nothing that it could leave
                continue
            end = expected_end(job, view.now)
            moments.add(end)
            for share in job.shares:
                if share.node in self.calendars:
                    self.calendars[share.node].leave(share, end)
        self.moments = sorted(moments)

    def look(self, job: Job) -> Forecast | None:
        """Book the job at the first moment at which it fits; None: not within the window, or nobody knows."""
        kind = (job.partition, self.view.needs(job), job.time_limit)
        first = bisect_left(self.moments, self.earliest.get(kind, self.view.now))
        for moment in self.moments[first:]:
            self.earliest[kind] = moment
            if moment > self.view.now + WINDOW or self.looks > MOST_LOOKS:
                break
            for name in job.partition.split(","):
                if shares := self._fit(job, name, moment):
                    self._book(shares, moment, moment + seconds(job.time_limit))
                    return Forecast(moment, tuple(share.node for share in shares))
        return None

    def _fit(self, job: Job, name: str, moment: float) -> tuple[Share, ...] | None:
        partition, need = self.view.partitions.get(name), self.view.needs(job)
        if partition is None or partition.state != "UP":
            return None
        return place(need, self._rooms(candidates(need, self.view.nodes[name]), moment, seconds(job.time_limit)))

    def _rooms(self, nodes: Iterable[Node], moment: float, length: float) -> list[Room]:
        rooms = []
        for node in nodes:
            if node.name in self.calendars:
                room, looks = self.calendars[node.name].free(moment, moment + length)
                self.looks += looks
                rooms.append(room)
        return rooms

    def _book(self, shares: Sequence[Share], start: float, end: float) -> None:
        for share in shares:
            self.calendars[share.node].book(share, start, end)
        at = bisect_left(self.moments, end)
        if at == len(self.moments) or self.moments[at] != end:
            self.moments.insert(at, end)


def make_forecast(ready: Iterable[Job], view: View) -> dict[Job, Forecast]:
    """Return the expected start of jobs that wait for resources or for jobs before them; ``ready`` by priority.

    Components of a heterogeneous job start together or not at all, so nothing is told of them.
    """
    forecaster = _Forecaster(view)
    waiting = (job for job in ready if job.reason in WAITING and not job.het_job_id)
    found = ((job, forecaster.look(job)) for job in islice(waiting, view.max_tests))
    return {job: forecast for job, forecast in found if forecast}
