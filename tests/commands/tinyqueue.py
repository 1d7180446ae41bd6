"""A queue of hand-made records, for what commands print, and a call that collects what they print."""

import asyncio
from dataclasses import dataclass, field, replace

from shim.commands import call as calls
from shim.config.settings import Config, NodeConfig, PartitionConfig
from shim.executor.base import NodeState
from shim.grammar.hostlist import fold_hostlist
from shim.grammar.indexset import IndexSet
from shim.job.record import ArrayInfo, Job, Share, Step
from shim.job.request import UNLIMITED, Request
from shim.job.states import State
from shim.scheduler.forecast import Forecast
from shim.scheduler.need import Need, need_of
from shim.scheduler.nodes import Node

NOW = 1795546311.0
"""Tue Nov 24 18:51:51 2026 UTC, the moment of the recorded queue."""

NODES = tuple(NodeConfig(name=f"n{number}", cpus=8, memory=8000, host_name="vm") for number in (1, 2, 3, 4))
CONFIG = Config(
    cluster_name="oracle",
    def_mem_per_cpu=100,
    nodes=NODES,
    partitions=(
        PartitionConfig("debug", ("n1", "n2", "n3", "n4"), default=True),
        PartitionConfig("gpu", ("n3", "n4"), priority_tier=2),
    ),
)


@dataclass
class TinyQueue:
    """What squeue and scancel need of a queue."""

    jobs: dict[int, Job] = field(default_factory=dict)
    config: Config = field(default_factory=lambda: CONFIG)
    time: float = NOW
    user_id: int = 2003
    live_steps: dict[int, list[Step]] = field(default_factory=dict)
    forecasts: dict[Job, Forecast] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.partitions = {partition.name: partition for partition in self.config.partitions}
        self.nodes = [
            Node(NodeState(node.name, node.cpus, node.memory, host_name=node.host_name), "local")
            for node in self.config.nodes
        ]

    def now(self) -> float:
        return self.time

    @property
    def dispatcher(self) -> "TinyQueue":
        return self

    def forecast(self) -> dict[Job, Forecast]:
        return self.forecasts

    @property
    def running(self) -> set[Job]:
        return {job for job in self.jobs.values() if job.state.active}

    def job(self, job_id: int) -> Job | None:
        return self.jobs.get(job_id)

    def array_records(self, array_job_id: int) -> list[Job]:
        records = [job for job in self.jobs.values() if job.array_job_id == array_job_id]
        return sorted(records, key=lambda job: (job.tasks is None, -job.job_id))

    def find(self, job_id: int, task_id: int | None = None) -> list[Job]:
        records = self.array_records(job_id) or [job for job in [self.job(job_id)] if job]
        if task_id is None:
            return records
        return [job for job in records if job.task_id == task_id or (job.tasks is not None and task_id in job.tasks)]

    def need(self, job: Job) -> Need:
        return need_of(job.request, self.config)

    def steps(self, job: Job) -> list[Step]:
        return self.live_steps.get(job.job_id, [])

    def add(self, job_id: int, name: str = "wrap", **fields: object) -> Job:
        """Enter a record. ``ran`` is how many seconds ago it started, ``on`` the nodes it runs on."""
        job = make_job(job_id, name, self.time, **fields)
        self.jobs[job_id] = job
        return job


def make_job(job_id: int, name: str = "wrap", now: float = NOW, **fields: object) -> Job:
    """A record with sensible defaults; fields of Job and of Request, and the shorthands of `TinyQueue.add`."""
    ran = fields.pop("ran", None)
    nodes = fields.pop("on", ())
    cpus = fields.pop("cpus", 1)
    array = fields.pop("array", None)
    request_fields = {
        key: fields.pop(key)
        for key in list(fields)
        if key in Request.__dataclass_fields__ and key not in ("partition", "time_limit", "array", "priority")
    }
    request = Request(job_name=name, work_dir="/home/carol/w", submit_host="localhost", **request_fields)
    job = Job(
        job_id=job_id,
        request=request,
        user_id=2003,
        user_name="carol",
        group_id=2003,
        group_name="carol",
        submit_time=now - 20,
        partition="debug",
        time_limit=UNLIMITED,
    )
    if ran is not None:
        job.state = State.RUNNING
        job.start_time = now - ran
        job.shares = tuple(Share(node, cpus, 100) for node in nodes)
        job.node_list = fold_hostlist(nodes)
    if array is not None:
        indices = IndexSet.parse(array)
        job.array = ArrayInfo(fields.pop("array_job_id", job_id), indices.min, indices.max, 1, len(indices))
    for key, value in fields.items():
        setattr(job, key, value)
    return job


@dataclass
class Answer:
    """What a command printed and how it ended."""

    stdout: str
    stderr: str
    code: int


def ask(run, queue: TinyQueue, *argv: str, command: str = "squeue", stdin: bytes = b"", **env: str) -> Answer:
    """Run a command on the queue and collect its answer."""
    printed: dict[int, list[bytes]] = {1: [], 2: []}

    chunks = iter([stdin[:3], stdin[3:]])  # as a terminal, or a slow pipe, hands it over

    async def read_some() -> bytes:
        return next(chunks, b"")

    async def read_stdin() -> bytes:
        return stdin

    call = calls.Call(
        command=command,
        argv=list(argv),
        cwd="/home/carol/w",
        env={"TZ": "UTC", **env},
        pid=1,
        queue=queue,
        send=lambda stream, data: printed[stream].append(data),
        read_stdin=read_stdin,
        read_some=read_some,
    )
    code = asyncio.run(run(call))
    return Answer(*(b"".join(printed[stream]).decode("utf-8", "surrogateescape") for stream in (1, 2)), code)


__all__ = ["CONFIG", "NOW", "Answer", "TinyQueue", "ask", "make_job", "replace"]
