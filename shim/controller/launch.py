"""From a job record to the run an executor starts: environment, file names, limits."""

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from shim.executor.base import Launch
from shim.grammar.filename import expand_filename
from shim.job.environment import Environment, het_environment, job_environment
from shim.job.record import Job

if TYPE_CHECKING:
    from shim.controller.queue import Queue

ARRAY_OUTPUT = "slurm-%A_%a.out"
DEFAULT_OUTPUT = "slurm-%j.out"


@lru_cache(maxsize=64)
def parse_environment(block: bytes) -> dict[bytes, bytes]:
    """A stored environment (NAME=value, each ended by NUL) as a mapping; do not change it."""
    return dict(entry.split(b"=", 1) for entry in block.split(b"\0") if b"=" in entry)


@lru_cache(maxsize=64)
def _without(block: bytes, names: frozenset[str]) -> bytes:
    """A stored environment without some variables: all tasks of an array share what is left."""
    replaced = {os.fsencode(name) for name in names}
    kept = (entry for entry in parse_environment(block).items() if entry[0] not in replaced)
    return b"".join(name + b"=" + value + b"\0" for name, value in kept)


def _block(environment: Environment) -> bytes:
    """NAME=value, each ended by a NUL byte."""
    return os.fsencode("".join([f"{name}={value}\0" for name, value in environment.items()]))


def file_fields(job: Job) -> dict[str, int | str]:
    """The values of the letters in a batch job's file name patterns (sbatch man page, filename pattern)."""
    node = job.shares[0].node if job.shares else ""
    fields: dict[str, int | str] = {
        "j": job.job_id,
        "J": job.job_id,
        "A": job.array_job_id or job.job_id,
        "N": node,
        "n": 0,
        "t": 0,
        "s": "batch",
        "u": job.user_name,
        "x": job.request.job_name,
    }
    if job.task_id is not None:
        fields["a"] = job.task_id
    return fields


def output_path(job: Job, pattern: str, default: str = "") -> str:
    """The absolute path a pattern stands for; "" for none. ``none`` in any case means nowhere."""
    pattern = pattern or default
    if not pattern or pattern.lower() == "none":
        return "/dev/null" if pattern else ""
    return os.path.join(job.request.work_dir, expand_filename(pattern, file_fields(job)))


def output_paths(job: Job) -> tuple[str, str, str]:
    """The job's stdin, stdout and stderr files; stderr joins stdout unless --error says otherwise."""
    out = output_path(job, job.request.std_out, ARRAY_OUTPUT if job.array else DEFAULT_OUTPUT)
    err = output_path(job, job.request.std_err) or out
    return output_path(job, job.request.std_in) or "/dev/null", out, err


_HOLDER = b"#!/bin/sh\nexec sleep 2147483647\n"
"""The script of an allocation, which only lasts."""


def has_run(queue: "Queue", job: Job) -> bool:
    """Whether the engine has a run for the job: one for all components, and for an allocation where it is remote."""
    return not job.het_job_offset and (job.request.batch or queue.executor_of(job).remote)


def _components(queue: "Queue", job: Job) -> list[Job]:
    """The components of a heterogeneous job that have been placed, in their order."""
    parts = [part for part in queue.jobs.values() if part.het_job_id == job.het_job_id and part.shares]
    return sorted(parts, key=lambda part: part.het_job_offset)


def make_launch(queue: "Queue", job: Job) -> Launch:
    """The run of a job's batch script, with everything it needs."""
    request = job.request
    submitted = queue.table.content(job.environment_id)
    environment = job_environment(job, queue.config, parse_environment(submitted))
    components = _components(queue, job) if job.het_job_id else []
    if components:
        environment |= het_environment(components, queue.config)
    environment["SLURMSHIM_STATE"] = str(queue.state_dir)  # the commands in the job find this queue
    if queue.config.source:
        environment["SLURMSHIM_CONFIG"] = queue.config.source
    std_in, std_out, std_err = output_paths(job) if request.batch else ("/dev/null",) * 3
    share = job.shares[0]
    append = request.open_mode == "a" or (not request.open_mode and queue.config.job_file_append)
    return Launch(
        job_id=job.job_id,
        restarts=job.restarts,
        script=queue.table.content(job.script_id) if request.batch else _HOLDER,
        arguments=request.arguments,
        environment=_without(submitted, frozenset(environment)) + _block(environment),
        work_dir=request.work_dir,
        std_out=std_out,
        std_err=std_err,
        std_in=std_in,
        append=append,
        umask=request.umask,
        rlimits=request.rlimits,
        memory_limit=share.memory if queue.config.enforces_memory else 0,
        node=share.node,
        job=job,
        components=tuple(components),
    )
