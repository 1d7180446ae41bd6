"""A real queue on four nodes with GPUs, as the recorded cluster had them, and a clock that tests own."""

import asyncio
import os
from dataclasses import dataclass, replace
from typing import Any

from shim.commands.call import Call
from shim.config.settings import NodeConfig, PartitionConfig
from shim.executor.base import Ended, NodeState
from shim.job.record import Job, Step
from shim.scheduler.stepplacement import Placed
from tests.controller.harness import HandExecutor, World

NOW = 1795547649.0
"""2026-11-24T19:14:09 UTC."""

GPUS = {"n3": "a100", "n4": "h100"}


class FourNodes(HandExecutor):
    """n1 and n2 are plain, n3 has four a100, n4 four h100."""

    def adapt(self, need, partition):
        return need

    def check(self, request, need, partition):
        pass

    def nodes(self) -> tuple[NodeState, ...]:
        return tuple(self._node(f"n{number}") for number in (1, 2, 3, 4))

    def end(self, job_id: int, status: int = 0, **more: Any) -> None:
        launch = self.running.pop(job_id)
        self.ending.discard(job_id)
        now = self.events.now()  # type: ignore[attr-defined]
        self.events.finished(Ended(job_id, launch.restarts, status, launch.job.start_time, now, **more))

    @staticmethod
    def _node(name: str) -> NodeState:
        kind = GPUS.get(name, "")
        return NodeState(
            name,
            8,
            8000,
            gpus=4 if kind else 0,
            gpu_type=kind,
            features=(kind,) if kind else (),
            cores_per_socket=8,
            gres=f"gpu:{kind}:4" if kind else "",
            address="127.0.0.1",
            host_name="vm",
        )


@dataclass
class Answer:
    """What a command printed and how it ended."""

    stdout: str
    stderr: str
    code: int


class Lab(World):
    """One user's queue; ``time`` stands still unless a test moves it."""

    def __init__(self, **settings: Any) -> None:
        self.time = NOW
        self.user_id = os.getuid()
        names = ("n1", "n2", "n3", "n4")
        settings.setdefault("def_mem_per_cpu", 100)
        settings.setdefault("cluster_name", "oracle")
        super().__init__(cpus=8, nodes=4, **settings)
        self.table.close()
        self.config = replace(
            self.config,
            nodes=tuple(NodeConfig(name, 8, 8000) for name in names),
            partitions=(
                PartitionConfig("debug", names, default=True),
                PartitionConfig("gpu", names[2:], max_time=2 * 1440, default_time=60),
            ),
        )
        self.executor = FourNodes(8, 4)
        self._open()

    def _open(self) -> None:
        super()._open()
        self.queue.now = lambda: self.time  # type: ignore[method-assign]

    def become(self, user_id: int) -> None:
        """From now on this user owns the queue, submits and calls; it need not exist."""
        self.user_id = self.queue.user_id = user_id

    def submit(self, **request: Any) -> Job:
        self.queue.user_id = os.getuid()
        job = super().submit(**request)
        for record in self.queue.find(job.job_id):
            record.user_id = self.user_id
        self.queue.user_id = self.user_id
        return job

    def begin_step(self, job: Job, step: Step) -> None:
        """A step of the job starts, as srun would have it."""
        self.do(lambda: self.queue.step_table.begin(job, Placed((), (), 0), step, lambda _kind, _data: None))

    def ask(self, run: Any, command: str, *argv: str, stdin: bytes = b"", **env: str) -> Answer:
        """Run a command as a client would and collect its answer."""
        printed: dict[int, list[bytes]] = {1: [], 2: []}

        rest = iter([stdin])

        async def read_stdin() -> bytes:
            return stdin

        async def read_some() -> bytes:
            return next(rest, b"")

        async def answer() -> int:
            call = Call(
                command=command,
                argv=list(argv),
                cwd=str(self.folder),
                env={"TZ": "UTC", **env},
                pid=1,
                queue=self.queue,
                send=lambda stream, data: printed[stream].append(data),
                read_stdin=read_stdin,
                read_some=read_some,
            )
            code: int = await run(call)
            await asyncio.sleep(0)
            return code

        code = self.run(answer())
        self.settle()
        return Answer(*(b"".join(printed[stream]).decode("utf-8", "surrogateescape") for stream in (1, 2)), code)
