"""Steps as srun makes them in a running job: asked for, waited for, run by the client, recorded."""

import marshal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from shim.commands.call import Call, Exit
from shim.commands.stepping.attend import Interrupted, attended, expect_signals
from shim.commands.stepping.binding import CpuBind, bind_gpus, cpus_of_tasks, parse_cpu_bind
from shim.commands.stepping.order import Component, make_order
from shim.executor.base import StepClient
from shim.grammar.hostlist import fold_hostlist
from shim.grammar.indexset import IndexSet
from shim.job.errors import Errno, SlurmError
from shim.job.layout import StepLayout
from shim.job.record import Job, Step
from shim.job.request import UNLIMITED
from shim.scheduler.stepplacement import Placed, StepRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """One step to be made: its size, its options and its command."""

    job: Job
    request: StepRequest
    fields: Mapping[str, Any]
    programs: Sequence[Sequence[str]]
    name: str


async def run_steps(call: Call, wanted: Sequence[Wanted], umask: int) -> tuple[int, list[Step]]:
    """Make the steps, have the client run them, record them. The exit code and the steps; raises Exit for none."""
    components: list[Component] = []
    line = _line(call, wanted[0].job)
    try:
        for want in wanted:
            components.append(await _begin(call, line, want, umask))
    except BaseException:
        for component in components:
            call.queue.step_table.end(component.step, call.queue.now())
        raise
    line.tell(b"S", make_order(call, components))
    steps = [component.step for component in components]
    return await serve(call, line, steps), steps


def _line(call: Call, job: Job) -> StepClient:
    """What leads to the tasks: the client itself, unless they are elsewhere and it is not. Raises Exit."""
    if call.umask is not None:
        return call
    try:
        return call.queue.executor_of(job).reach(job, call)
    except SlurmError as error:
        call.error(f"Unable to create step for job {job.job_id}: {error.text}")
        raise Exit(call.failure) from None


async def serve(call: Call, line: StepClient, steps: Sequence[Step]) -> int:
    """Listen to the client until it says how the steps went. The exit code."""
    assert line.hear is not None
    try:
        while True:
            kind, payload = await line.hear()
            if kind == b"P":
                for step, pids in zip(steps, marshal.loads(payload), strict=True):
                    step.pids = tuple(pids)
            elif kind == b"S":
                return record(call, steps, marshal.loads(payload))
    except Exception:  # above all: the client has gone
        for step in steps:
            call.queue.step_table.abandon(step)
        raise


def record(call: Call, steps: Sequence[Step], result: Mapping[str, Any]) -> int:
    """Note how the steps went. The exit code."""
    for number, step in enumerate(steps):
        call.queue.step_table.account(step, [task for task in result["tasks"] if task[0] == number])
        call.queue.step_table.end(step, result["end"])
    return int(result["code"])


async def _begin(call: Call, line: StepClient, want: Wanted, umask: int) -> Component:
    """Find room for one step and let it begin. Raises Exit."""
    job, fields = want.job, want.fields
    try:
        placed = await _placed(call, want)
    except SlurmError as error:
        for note in error.notes:
            call.error(note)
        call.error(f"Unable to create step for job {job.job_id}: {error.text}")
        raise Exit(call.failure) from None
    step = _step(call, want, placed)
    layout = StepLayout(
        step_id=step.step_id,
        nodes=bind_gpus(placed.nodes, fields),
        distribution="plane" if want.request.plane else want.request.distribution,
        plane=want.request.plane,
        cpus_per_task=want.request.cpus_per_task,
        labelled=bool(fields.get("label")),
        umask=umask,
    )
    call.queue.step_table.begin(job, placed, step, line.tell)
    bind = parse_cpu_bind(fields.get("cpu_bind") or "")
    if fields.get("verbose"):
        _describe(call, job, step, layout, bind)
    return Component(job, step, layout, fields, want.programs, cpus_of_tasks(bind, layout, call.pid))


def _describe(call: Call, job: Job, step: Step, layout: StepLayout, bind: CpuBind) -> None:
    """What srun -v says before the tasks start."""
    counts = [(share, len(list(run))) for share, run in groupby(share.cpus for share in job.shares)]
    cpus = ",".join(f"{count}(x{length})" for count, length in counts)
    call.err(f"srun: jobid {job.job_id}: nodes({len(job.shares)}):`{job.node_list}', cpu counts: {cpus}")
    kind = "(null type)" if bind.kind == "none" else bind.kind
    call.err(f"srun: launch/slurm: launch_p_step_launch: CpuBindType={kind}")
    for node in layout.nodes:
        ranks = IndexSet.from_iterable(node.ranks).display()
        ranks = f"[{ranks}]" if len(node.ranks) > 1 else ranks
        where = f"on host {node.name}, {len(node.ranks)} tasks: {ranks}"
        call.err(f"srun: launching StepId={job.job_id}.{step.step_id} {where}")


async def _placed(call: Call, want: Wanted) -> Placed:
    """Room for the step, now or when others have ended. Raises SlurmError or Exit."""
    steps, job, quiet = call.queue.step_table, want.job, want.fields.get("quiet")
    if not want.request.exclude <= {node.name for node in call.queue.nodes}:
        raise SlurmError(Errno.INVALID_NODE_NAME)
    waited = call.resumed == ()  # for room, under an earlier controller
    placed = steps.place(job, want.request)
    if placed is None:
        if "immediate" in want.fields:
            raise SlurmError(Errno.NODES_BUSY)
        expect_signals(call)
        if not quiet and not waited:
            call.err(f"srun: Job {job.job_id} step creation temporarily disabled, retrying (Requested nodes are busy)")
        waited = True
    try:
        while placed is None:
            await attended(call, steps.wait_for_room(job, want.request))
            placed = steps.place(job, want.request)
    except Interrupted as signal:
        call.err(f"srun: Cancelled pending job step with signal {signal.signal}")
        raise SlurmError(Errno.ALREADY_DONE) from None
    if waited and not quiet:
        call.err(f"srun: Step created for job {job.job_id}")
    return placed


def _step(call: Call, want: Wanted, placed: Placed) -> Step:
    job = want.job
    number = job.next_step_id
    job.next_step_id += 1
    return Step(
        job_id=job.job_id,
        restarts=job.restarts,
        step_id=str(number),
        name=want.name,
        start_time=call.queue.now(),
        ntasks=want.request.ntasks,
        cpus=sum(node.cpus for node in placed.nodes),
        memory=placed.memory,
        node_list=fold_hostlist([node.name for node in placed.nodes]),
        nodes=len(placed.nodes),
        submit_line=" ".join((call.command, *call.argv)),
        gpus=sum(len(node.gpus) for node in placed.nodes),
        time_limit=want.fields.get("time_limit") or UNLIMITED,
        client=f"{socket.gethostname()}:{call.pid}",
    )
