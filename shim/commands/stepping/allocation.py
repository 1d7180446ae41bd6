"""A job for a client that waits for it: srun without a job, and salloc."""

import asyncio
from collections.abc import Container, Mapping, Sequence
from datetime import datetime

from shim.commands.call import Call, Exit
from shim.commands.stepping import immediate
from shim.commands.stepping.attend import Interrupted, attended, expect_signals
from shim.commands.submission import Body, Submission, submissions
from shim.controller.queue import Queue
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from shim.job.states import WAITING, Reason, State
from shim.options.gather import Gathered

_FAILURE = {"srun": "Unable to allocate resources", "salloc": "Job submit/allocate failed"}
_BEYOND_PARTITION = (Reason.PART_CONFIG, Reason.PART_NODE_LIMIT, Reason.PART_TIME_LIMIT)
NOT_THERE = WAITING | {State.CONFIGURING}
"""States of an allocation whose nodes cannot be used yet."""


async def allocate(call: Call, components: Sequence[Gathered], name: str) -> list[Job]:
    """The job, or the components of a heterogeneous one, once it runs. Raises Exit, Complaint or OptionError."""
    fields = components[0].fields
    jobs = _resumed(call) if call.resumed else await _submitted(call, components, name)
    if call.resumed or any(one.pending for one in jobs):
        await _wait(call, jobs, fields)
    for one in jobs:
        if not one.state.active:
            raise _revoked(call, one, bool(fields.get("quiet")))
    return jobs


def _resumed(call: Call) -> list[Job]:
    """The jobs that the call had been given by an earlier controller. Raises Exit."""
    jobs = [job for job_id in call.resumed or () if (job := call.queue.job(job_id))]
    if jobs:
        return jobs
    call.error(f"{_FAILURE[call.command]}: {Errno.INVALID_JOB_ID.text}")
    raise Exit(call.failure)


async def _submitted(call: Call, components: Sequence[Gathered], name: str) -> list[Job]:
    """The jobs as the scheduler has looked at them for the first time."""
    fields = components[0].fields
    try:
        wanted = await submissions(call, components, Body(name=name))
        if fields.get("test_only"):
            raise _tested(call, wanted)
        job = await call.queue.submit(list(wanted))
    except SlurmError as error:
        for note in error.notes:
            call.error(note)
        call.error(f"{_FAILURE[call.command]}: {error.text}")
        raise Exit(call.failure) from None
    await call.queue.flushed()  # by then the scheduler has looked at it
    return [one for one in call.queue.jobs.values() if one.het_job_id == job.job_id] if job.het_job_id else [job]


def _tested(call: Call, wanted: Sequence[Submission]) -> Exit:
    """--test-only: when and where the job would start."""
    try:
        estimate = call.queue.test(wanted)[0]
    except SlurmError as error:
        for note in error.notes:
            call.error(note)
        call.err(f"allocation failure: {error.text}")
        return Exit(1)
    start = datetime.fromtimestamp(estimate.start_time).strftime("%Y-%m-%dT%H:%M:%S")
    call.err(
        f"{call.command}: Job {estimate.job_id} to start at {start} using {estimate.cpus} processors "
        f"on nodes {estimate.node_list} in partition {estimate.partition}"
    )
    return Exit(0)


async def _wait(call: Call, jobs: Sequence[Job], fields: dict[str, object]) -> None:
    """Wait for the start of a job that the scheduler could not start at once. Raises Exit."""
    job, patience = jobs[0], immediate.patience(fields)
    if patience == immediate.AT_ONCE and not call.resumed:
        refusal = immediate.refused(call, jobs, _FAILURE[call.command])
        _tell_revoked(call, job)
        raise refusal
    quiet = fields.get("quiet")
    expect_signals(call, jobs)
    for one in jobs:
        call.queue.allocations.own(one, call.tell, by_step=True)
    if not quiet and not call.resumed:
        if job.held:
            call.err(f"{call.command}: {Errno.JOB_HELD.text}")
        elif job.reason in _BEYOND_PARTITION:
            call.err(f"{call.command}: {Errno.REQUESTED_PART_CONFIG_UNAVAILABLE.text}")
        if call.command == "salloc":
            call.err(f"salloc: Pending job allocation {job.job_id}")
        call.err(f"{call.command}: job {job.job_id} queued and waiting for resources")
    try:
        async with asyncio.timeout(patience or None):
            await _attend(call, jobs, WAITING)
    except TimeoutError:
        cancel_all(call.queue, jobs)
        refusal = immediate.late(call)
        _tell_revoked(call, job)
        raise refusal from None
    if not quiet and all(one.state.active for one in jobs):
        call.err(f"{call.command}: job {job.job_id} has been allocated resources")


async def configured(call: Call, jobs: Sequence[Job], fields: Mapping[str, object]) -> None:
    """Wait for nodes that take a while to be there (salloc(1), --wait-all-nodes). Raises Exit where they never are."""
    if not any(job.state in NOT_THERE for job in jobs):
        return
    told = not fields.get("quiet") if call.command == "salloc" else bool(fields.get("verbose"))
    expect_signals(call, jobs)
    if told:
        call.err(f"{call.command}: Waiting for resource configuration")
    await _attend(call, jobs, NOT_THERE)
    for job in jobs:
        if not job.state.active:
            raise _revoked(call, job, bool(fields.get("quiet")))
        if told:
            call.err(f"{call.command}: Nodes {job.node_list} are ready for job")


async def _attend(call: Call, jobs: Sequence[Job], states: Container[State]) -> None:
    """Wait until none of the jobs is in one of these states. Raises Exit where the client ends that."""
    try:
        await attended(call, _started(call.queue, jobs, states))
    except Interrupted:
        cancel_all(call.queue, jobs)
        if call.command == "salloc":
            call.err("salloc: Job aborted due to signal")
            _tell_revoked(call, jobs[0])
        else:
            call.err(f"srun: Job allocation {jobs[0].job_id} has been revoked")
        raise Exit(call.failure) from None
    except (ConnectionError, asyncio.IncompleteReadError):
        cancel_all(call.queue, jobs)
        raise


async def _started(queue: Queue, jobs: Sequence[Job], states: Container[State]) -> None:
    """Return when none of these is in such a state any more, or one is over."""
    for job in jobs:
        while job.state in states:
            began = queue.loop.create_future()
            queue.start_waiters.setdefault(job.job_id, []).append(began)
            over = asyncio.ensure_future(queue.endings.wait(job.job_id))
            await asyncio.wait({began, over}, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
        if job.state.finished:
            return


def cancel_all(queue: Queue, jobs: Sequence[Job]) -> None:
    """Nobody wants these any more."""
    for job in jobs:
        if not job.state.finished:
            queue.cancel(job, user_id=queue.user_id)


def _revoked(call: Call, job: Job, quiet: bool) -> Exit:
    """The job was cancelled before it could be used."""
    if not quiet:
        call.err(f"{call.command}: Job has been cancelled")
        _tell_revoked(call, job)
    call.error(f"{_FAILURE[call.command]}: {Errno.ALREADY_DONE.text}")
    return Exit(call.failure)


def _tell_revoked(call: Call, job: Job) -> None:
    """What salloc says of an allocation that it will not have; srun keeps that to itself."""
    if call.command == "salloc":
        call.err(f"salloc: Job allocation {job.job_id} has been revoked.")
