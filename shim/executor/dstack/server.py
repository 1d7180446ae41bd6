"""The project on the server as the executor last saw it: its fleets, and whether it can be talked to at all."""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from shim.config.dstack import PartitionSettings
from shim.executor.base import NodeState
from shim.executor.dstack.client import Client
from shim.executor.dstack.errors import BadRequest, DstackError
from shim.executor.dstack.fleet import never_seen, node_states, provisioned_later
from shim.executor.dstack.model import Fleet

_LOG = logging.getLogger(__name__)
T = TypeVar("T")

CLOUD_PAUSE = 30.0
"""Seconds until a cloud that had no capacity is asked again."""

NO_FLEETS = "no fleet of the dstack project has instances"

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between attempts to reach a server that does not answer; each is twice the one before."""


class Server:
    """Asks the server, remembers the nodes across restarts of both, and backs off while it is away."""

    def __init__(self, client: Client, partitions: Mapping[str, PartitionSettings], memory: Path, window: int) -> None:
        self.client = client
        self._window = window
        self._exhausted: dict[str, float] = {}  # nodes to be that dstack had no offer for lately
        self.fleets: list[Fleet] = []
        self.trouble = ""  # why it cannot be used now
        self._partitions, self._memory = partitions, memory
        self._checked = False
        self._pause = 0.0
        self._next_attempt = 0.0
        self._nodes = self._seen = self._remembered()

    @property
    def nodes(self) -> tuple[NodeState, ...]:
        """The instances of all fleets; all of them down while the server is away, and none but one while none exist."""
        if self._nodes and not self.trouble:
            return self._nodes
        known = self._nodes or (never_seen(self._partitions),)
        return tuple(replace(node, state="DOWN", reason=self.trouble or NO_FLEETS) for node in known)

    @property
    def free_blocks(self) -> dict[str, int]:
        """Blocks that nobody held when the fleets were looked at last."""
        instances = [instance for fleet in self.fleets for instance in fleet.instances]
        return {instance.name: instance.total_blocks - instance.busy_blocks for instance in instances}

    def room(self, held: Mapping[str, int]) -> dict[str, int]:
        """Blocks that nobody else held; ``held`` are those of this queue's own runs, which it will have again."""
        instances = [instance for fleet in self.fleets for instance in fleet.instances]
        others = {instance.name: max(0, instance.busy_blocks - held.get(instance.name, 0)) for instance in instances}
        return {instance.name: instance.total_blocks - others[instance.name] for instance in instances}

    @property
    def wait(self) -> float:
        """Seconds until the server may be asked again."""
        return max(0.0, self._next_attempt - time.monotonic())

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, or None where the server cannot be used; a refusal of the request itself is raised."""
        if self.wait:
            return None
        try:
            if not self._checked:
                await self.client.check_server()
                self._checked = True
            answer = await question()
        except BadRequest:
            self._works()
            raise
        except DstackError as error:
            self._fails(str(error))
            return None
        self._works()
        return answer

    async def look_at_fleets(self, held: Mapping[str, int]) -> bool:
        """Learn what the fleets have now; True if that differs from what the last look found."""
        fleets = await self.ask(self.client.fleets)
        if fleets is not None:
            self.fleets = fleets
            later = provisioned_later(fleets, self._partitions, self._window)
            self._nodes = node_states(fleets, self._partitions, held) + tuple(map(self._unless_exhausted, later))
            if self._nodes != self._seen:
                self._memory.write_text(json.dumps([asdict(node) for node in self._nodes]))
        before, self._seen = self._seen, self.nodes
        return self._seen != before

    def exhausted(self, names: Iterable[str]) -> None:
        """dstack had no capacity for a run on these nodes: those that do not exist yet rest for a while."""
        self._exhausted |= dict.fromkeys(names, time.monotonic() + CLOUD_PAUSE)

    def _unless_exhausted(self, node: NodeState) -> NodeState:
        rests = self._exhausted.get(node.name, 0.0) > time.monotonic()
        return replace(node, state="DOWN", reason="no capacity") if rests else node

    def _works(self) -> None:
        if self.trouble:
            _LOG.info("dstack server answers again")
        self.trouble, self._pause, self._next_attempt = "", 0.0, 0.0

    def _fails(self, why: str) -> None:
        if why != self.trouble:
            _LOG.warning("%s", why)
        self.trouble, self._checked = why, False
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        self._next_attempt = time.monotonic() + self._pause

    def _remembered(self) -> tuple[NodeState, ...]:
        try:
            kept = json.loads(self._memory.read_text())
            lists = ("features", "partitions")
            return tuple(NodeState(**node | {key: tuple(node[key] or ()) for key in lists}) for node in kept)
        except (OSError, ValueError, TypeError, KeyError):
            return ()
