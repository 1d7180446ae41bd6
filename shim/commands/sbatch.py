"""sbatch: take a batch script and queue it (sbatch(1))."""

import asyncio
import os
from pathlib import Path

from shim.commands.call import Call
from shim.commands.display.times import TimeFormat
from shim.commands.submission import Body, Submission, check, command_line, find_script, place, report, submissions
from shim.grammar.directives import DirectiveError, Script, ScriptError, check_script, parse_script
from shim.grammar.hostlist import expand_hostlist, fold_hostlist
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from shim.job.states import State
from shim.options.gather import Gathered, Inputs, gather, switched_on
from shim.options.getopt import OptionError
from shim.options.joboption import VALUE_ERROR, Complaint, Fields

RETRIES = 15
"""How often a submission is tried again while the queue is full; the n-th time after n seconds more."""

_WRAPPED = "#!/bin/sh\n# This script was created by sbatch --wrap.\n\n{}\n"


async def run(call: Call) -> int:
    """Submit the job that the caller describes. The exit code is sbatch's."""
    fields: Fields = {}
    try:
        early, operands = command_line(call).early(place(call))
        if early.fields.get("wrap") is not None and operands:
            raise _fault(call, "Script arguments not permitted with --wrap option")
        body = await _body(call, early.fields, operands)
        components = await _components(call, early, body)
        fields = components[0].fields
        jobs = await submissions(call, components, body)
    except (Complaint, OptionError) as error:
        return report(call, error)
    except SlurmError as error:
        return _refused(call, error, test_only=bool(fields.get("test_only")))
    return _test(call, jobs, fields) if fields.get("test_only") else await _submit(call, jobs, fields)


def _fault(call: Call, *lines: str) -> Complaint:
    return Complaint(*(f"error: {line}" for line in lines), code=call.failure)


# -- the script ------------------------------------------------------------------------------------------------------


async def _body(call: Call, fields: Fields, operands: list[str]) -> Body:
    """The script, from --wrap, a file or standard input. Raises Complaint."""
    wrap = fields.get("wrap")
    if wrap is not None:
        body = Body(os.fsencode(_WRAPPED.format(wrap)), "wrap")
    elif operands:
        path = find_script(operands[0], fields.get("work_dir") or call.cwd, call.env.get("PATH", ""))
        text = await _read_script(call, path)
        body = Body(text, os.path.basename(path), path, tuple(operands[1:]))
    else:
        body = Body(await _read_stdin(call), "sbatch")
    try:
        check_script(body.script)
    except ScriptError as error:
        raise _fault(call, *error.lines) from None
    return body


async def _read_stdin(call: Call) -> bytes:
    assert call.read_stdin is not None
    return await call.read_stdin()


async def _read_script(call: Call, path: str) -> bytes:
    """The content of a file of the caller, who may mean one of its own descriptors."""
    if not path:
        raise _fault(call, "Unable to open file ")
    name = {"/dev/stdin": "/dev/fd/0", "/proc/self/fd/0": "/dev/fd/0"}.get(path, path)
    if name == "/dev/fd/0":
        return await _read_stdin(call)
    if name.startswith("/dev/fd/"):
        name = f"/proc/{call.pid}/fd/{name.removeprefix('/dev/fd/')}"

    file = Path(call.path(name))

    def read() -> bytes:
        with file.open("rb") as script:
            return script.read(call.queue.config.max_script_size + 1)  # enough to see that it is too long

    try:
        return read() if file.is_file() else await asyncio.to_thread(read)  # a pipe may keep its reader waiting
    except IsADirectoryError:
        return b""
    except OSError:
        raise _fault(call, f"Unable to open file {path}") from None


async def _components(call: Call, early: Gathered, body: Body) -> list[Gathered]:
    """The components of the job, checked one after the other. Raises Complaint or OptionError."""
    try:
        script = parse_script(body.script, ignore_pbs=_ignores_pbs(call, early))
    except DirectiveError as error:
        name = body.command or "stdin"
        complaint = f"fatal: {os.path.basename(name)}: line {error.line}: {error.problem} in [{error.rest}]"
        raise Complaint(complaint, code=VALUE_ERROR) from None
    components = gather(Inputs(command_line(call), call.env, script, place(call)), early)
    for index, gathered in enumerate(components):
        if index == min(1, len(components) - 1):  # where Slurm comes to the first separator
            _warn(call, script)
        gathered.fields["submit_dir"] = call.cwd
        check(call, gathered)
    return components


def _warn(call: Call, script: Script) -> None:
    """What sbatch says of spellings of older releases."""
    if script.has_packjob:
        new = 'Please, use "hetjob" instead.'
        call.err(f'sbatch: Warning: the "packjob" component separator is being deprecated. {new}')
    if script.has_old_magic:
        call.error("Change from #SLURM to #SBATCH in your script and verify the options are valid in sbatch")


def _ignores_pbs(call: Call, early: Gathered) -> bool:
    return bool(early.fields.get("ignore_pbs")) or switched_on(call.env.get("SBATCH_IGNORE_PBS", "no"))


# -- the controller --------------------------------------------------------------------------------------------------


def _refused(call: Call, error: SlurmError, *, test_only: bool) -> int:
    """Say why the controller will not have the job."""
    for note in error.notes:
        if not (test_only and note.endswith("can not be satisfied")):  # Slurm keeps these to itself then
            call.error(note)
    if test_only:
        call.err(f"allocation failure: {error.text}")
    else:
        call.error(f"Batch job submission failed: {error.text}")
    return 1 if test_only else call.failure


def _test(call: Call, jobs: list[Submission], fields: Fields) -> int:
    """Tell when the job would start; of a heterogeneous one, when its last component would.

    With --verbose also what the engine would be told, on standard output.
    """
    try:
        estimates = call.queue.test(jobs)
    except SlurmError as error:
        return _refused(call, error, test_only=True)
    first = estimates[0]
    start = TimeFormat(call.env)(max(estimate.start_time for estimate in estimates))
    if len(estimates) == 1:
        where = f"on nodes {first.node_list} in partition {first.partition}"
    else:
        hosts = {host for estimate in estimates for host in expand_hostlist(estimate.node_list)}
        where = f"on {fold_hostlist(hosts, sort=True)}"
    cpus = sum(estimate.cpus for estimate in estimates)
    call.err(f"sbatch: Job {first.job_id} to start at {start} using {cpus} processors {where}")
    if fields.get("verbose"):
        call.out(call.queue.executor_of(first.job).describe([estimate.job for estimate in estimates]))
    return 0


async def _submit(call: Call, jobs: list[Submission], fields: Fields) -> int:
    try:
        job = await _accepted(call, jobs)
    except SlurmError as error:
        return _refused(call, error, test_only=False)
    cluster = call.queue.config.cluster_name if fields.get("clusters") else ""
    if fields.get("wait"):
        may_wait_on(call, job.job_id)
    if not fields.get("quiet"):
        call.out(_receipt(job.job_id, cluster, bool(fields.get("parsable"))))
    if not fields.get("wait"):
        return 0
    return await wait(call, job.job_id)


async def wait(call: Call, job_id: int) -> int:
    """Wait for the job, or all tasks of the array, to end; the exit code of --wait. It outlives this controller."""
    if call.drain:
        await call.drain()
    await call.queue.endings.wait(job_id)
    # They may have left the queue since, so they come from the table.
    records = call.queue.table.jobs("job_id = ? or array_job_id = ?", job_id, job_id)
    return max(map(exit_code, records), default=0)


def may_wait_on(call: Call, job_id: int) -> None:
    """From now on the client has only to wait, and does so with another controller should this one go away."""
    call.tell(b"W", b"%d" % job_id)


def _receipt(job_id: int, cluster: str, parsable: bool) -> str:
    if parsable:
        return f"{job_id};{cluster}\n" if cluster else f"{job_id}\n"
    return f"Submitted batch job {job_id} on cluster {cluster}\n" if cluster else f"Submitted batch job {job_id}\n"


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _accepted(call: Call, jobs: list[Submission]) -> Job:
    """Submit; while the queue is full try again for two minutes, as sbatch does. Raises SlurmError."""
    for attempt in range(1, RETRIES + 2):
        try:
            return await call.queue.submit(list(jobs))
        except SlurmError as error:
            if error.errno is not Errno.MAX_JOBS:
                raise
            if attempt > RETRIES or call.closed():
                break
            if attempt == 1:
                call.error(error.text)
                if call.drain:
                    await call.drain()
            await _pause(attempt)
    raise SlurmError(Errno.MAX_JOBS, text="Resource temporarily unavailable")


# -- the end of the job ------------------------------------------------------------------------------------------------


def exit_code(job: Job) -> int:
    """What --wait makes of a finished job: its exit code, 1 where a signal or Slurm ended it.

    A job that was cancelled before it began has no exit code: 0.
    """
    if job.exit_status & 0x7F:
        return 1
    code = job.exit_status >> 8
    if code == 0 and job.start_time and job.state is not State.COMPLETED:
        return 1
    return code
