"""The parts of dstack's answers that the shim uses, as values. Field names in the docstrings are dstack's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]

ENDED = frozenset({"done", "failed", "terminated", "aborted"})
"""States of a run or job submission that nothing follows."""


@dataclass(frozen=True, slots=True)
class NodeRun:
    """The latest submission of one job of a run: what happens on one node (``job_submissions[-1]``)."""

    number: int  # job_spec.job_num: the node's rank
    submission_id: str
    status: str
    exit_status: int | None
    reason: str  # termination_reason
    message: str  # termination_reason_message
    hostname: str

    @classmethod
    def parse(cls, job: Json) -> "NodeRun":
        """Read one element of ``run.jobs``."""
        last = job["job_submissions"][-1]
        placed = last.get("job_provisioning_data") or {}
        return cls(
            number=job["job_spec"]["job_num"],
            submission_id=last["id"],
            status=last["status"],
            exit_status=last.get("exit_status"),
            reason=last.get("termination_reason") or "",
            message=last.get("termination_reason_message") or "",
            hostname=placed.get("hostname") or "",
        )

    @property
    def over(self) -> bool:
        """True once the node's end is decided, which is long before its status says so."""
        return self.exit_status is not None or bool(self.reason) or self.status in ENDED


@dataclass(frozen=True, slots=True)
class Run:
    """One run: ``nodes`` in the order of their rank."""

    id: str
    name: str
    status: str
    status_message: str
    reason: str  # termination_reason
    submitted: float  # epoch seconds
    tags: Mapping[str, str]
    nodes: tuple[NodeRun, ...]

    @classmethod
    def parse(cls, run: Json) -> "Run":
        """Read one run as ``runs/get``, ``runs/list`` and ``runs/apply`` answer it."""
        jobs = [job for job in run.get("jobs") or () if job.get("job_submissions")]
        return cls(
            id=run["id"],
            name=run["run_spec"]["run_name"],
            status=run["status"],
            status_message=run.get("status_message") or "",
            reason=run.get("termination_reason") or "",
            submitted=_epoch(run["submitted_at"]),
            tags=run["run_spec"]["configuration"].get("tags") or {},
            nodes=tuple(sorted((NodeRun.parse(job) for job in jobs), key=lambda node: node.number)),
        )

    @property
    def ended(self) -> bool:
        """True once the run itself has reached a final state."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a fleet. Memory and disk in MB; blocks are the equal parts that jobs may take of it."""

    name: str
    fleet: str
    hostname: str
    status: str  # pending provisioning idle busy terminating terminated
    unreachable: bool
    cpus: int
    memory: int
    disk: int
    gpus: int
    gpu_name: str
    gpu_memory: int
    total_blocks: int
    busy_blocks: int

    @classmethod
    def parse(cls, instance: Json, fleet: str) -> "Instance":
        """Read one element of ``fleet.instances``; sizes are 0 until the host has told them."""
        resources = (instance.get("instance_type") or {}).get("resources") or {}
        gpus = resources.get("gpus") or []
        return cls(
            name=instance["name"],
            fleet=fleet,
            hostname=instance.get("hostname") or "",
            status=instance["status"],
            unreachable=bool(instance.get("unreachable")),
            cpus=resources.get("cpus") or 0,
            memory=resources.get("memory_mib") or 0,
            disk=(resources.get("disk") or {}).get("size_mib") or 0,
            gpus=len(gpus),
            gpu_name=gpus[0]["name"] if gpus else "",
            gpu_memory=int(gpus[0].get("memory_mib") or 0) if gpus else 0,
            total_blocks=instance.get("total_blocks") or 1,
            busy_blocks=instance.get("busy_blocks") or 0,
        )


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet with the instances it has now; ``most_nodes`` is how many it may provision, None for no limit."""

    name: str
    status: str
    ssh: bool
    most_nodes: int | None
    instances: tuple[Instance, ...]

    @classmethod
    def parse(cls, fleet: Json) -> "Fleet":
        """Read one fleet as ``fleets/list`` answers it."""
        configuration = fleet["spec"]["configuration"]
        nodes = configuration.get("nodes") or {}
        return cls(
            name=fleet["name"],
            status=fleet["status"],
            ssh=configuration.get("ssh_config") is not None,
            most_nodes=nodes.get("max"),
            instances=tuple(Instance.parse(instance, fleet["name"]) for instance in fleet["instances"]),
        )


@dataclass(frozen=True, slots=True)
class LogPage:
    """A piece of a job's log; ``next_token`` is where the next page begins, None at the end of what there is."""

    pieces: tuple[bytes, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of dstack's history; ``when`` is when the server saw it, in epoch seconds."""

    when: float
    message: str


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def parse_event(event: Json) -> Event:
    """Read one element of ``events/list``."""
    return Event(_epoch(event["recorded_at"]), event["message"])
