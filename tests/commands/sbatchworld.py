"""sbatch run in the process of the test, on a real queue over a real table: four nodes, two of them with GPUs."""

import asyncio
import os
import pwd
import re
from dataclasses import dataclass, replace
from pathlib import Path

from shim.commands import sbatch
from shim.commands.call import Call
from shim.config.settings import NodeConfig, PartitionConfig
from shim.executor.base import NodeState
from tests.controller import harness

NODES = tuple(
    NodeState(name, 8, 8000, cores_per_socket=8, gpus=gpus, gpu_type=kind, gres=gres, features=(kind,) if kind else ())
    for name, gpus, kind, gres in (
        ("n1", 0, "", ""),
        ("n2", 0, "", ""),
        ("n3", 4, "a100", "gpu:a100:4"),
        ("n4", 4, "h100", "gpu:h100:4"),
    )
)
NAMES = tuple(node.name for node in NODES)


@dataclass(frozen=True)
class Answer:
    rc: int
    stdout: str
    stderr: tuple[str, ...]


class SbatchWorld(harness.World):
    """Commands are those of an ordinary user, whoever runs the tests."""

    def __init__(self, user_id: int | None = None, **settings: object) -> None:
        super().__init__(8, 4)
        self.user_id = pwd.getpwnam("nobody").pw_uid if user_id is None else user_id
        self.settings = settings
        self.executor.nodes = lambda: NODES  # type: ignore[method-assign]
        self.run(self._configure())

    async def _configure(self) -> None:
        values: dict[str, object] = {
            "cluster_name": "oracle",
            "def_mem_per_cpu": 100,
            "max_array_size": 10001,
            "nodes": tuple(NodeConfig(n.name, n.cpus, n.memory, gres=n.gres, features=n.features) for n in NODES),
            "partitions": (
                PartitionConfig("debug", NAMES, default=True),
                PartitionConfig("gpu", NAMES[2:], max_time=2880, default_time=60),
            ),
        }
        self.queue.configure(replace(self.config, **{**values, **self.settings}))
        self.queue.user_id = self.user_id

    def sbatch(self, *argv: str, cwd: Path, stdin: bytes = b"", **env: str) -> Answer:
        printed: dict[int, list[bytes]] = {1: [], 2: []}

        async def read_stdin() -> bytes:
            return stdin

        call = Call(
            command="sbatch",
            argv=list(argv),
            cwd=str(cwd),
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **env},
            pid=os.getpid(),
            queue=self.queue,
            send=lambda stream, data: printed[stream].append(data),
            read_stdin=read_stdin,
        )
        rc = self.run(asyncio.wait_for(sbatch.run(call), 20))
        stdout, stderr = (os.fsdecode(b"".join(printed[stream])) for stream in (1, 2))
        return Answer(rc, stdout, tuple(stderr.splitlines()))


def normalised(answer: Answer, cwd: Path) -> Answer:
    """Without what differs from run to run: ids, times, folders, and what a job's start depends on."""
    lines = []
    for line in answer.stderr:
        if re.search(r"---|defined options|test-only  |wrap      ", line):
            continue
        line = re.sub(r"Job \d+ to start at .*", "Job N", line.replace(str(cwd), "{cwd}"))
        lines.append(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "T", line))
    stdout = re.sub(r"\b\d{1,6}\b(?=$|;| on cluster)", "N", answer.stdout.strip())
    return Answer(answer.rc, stdout, tuple(lines))
