"""sbcast: a file for all nodes of a job (sbcast man page).

Nodes that are this machine share their files, so one copy serves them all.
"""

import asyncio
import errno
import marshal
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from shim.commands.arguments import Arguments, read_arguments, refuse
from shim.commands.call import Call, Exit
from shim.commands.scontrol.targets import parse_job_id
from shim.commands.stepping.order import FORMAT
from shim.job.errors import Errno
from shim.job.record import Job
from shim.options.accounting import SBCAST

_FAILED = 255


async def run(call: Call) -> int:
    """Run one call of sbcast."""
    try:
        arguments = read_arguments(call, SBCAST)
        if len(arguments.operands) != 2:
            call.err(f"Need two file names, have {len(arguments.operands)} names")
            call.err('Try "sbcast --help" for more information')
            return 1
        if "send-libs" in arguments.flags or arguments.given.get("send-libs", "no").lower() != "no":
            raise refuse(call, "sending shared libraries")
        await _send(call, arguments)
    except Exit as end:
        return end.code
    return 0


async def _send(call: Call, arguments: Arguments) -> None:
    name, target = arguments.operands
    source, target = call.path(name), call.path(target)
    job_text = arguments.given.get("jobid") or call.env.get("SLURM_JOB_ID") or call.env.get("SLURM_JOBID")
    if not job_text:
        call.error("Need a job id to run this command.  Run from within a Slurm job or use the --jobid option.")
        raise Exit(1)
    if call.umask is not None:
        raise Exit(await _send_from_job(call, _job(call, job_text), name, target, arguments.flags))
    try:
        with open(source, "rb"):
            pass
    except OSError as error:
        call.error(f"Can't open `{name}`: {error.strerror}")
        raise Exit(_FAILED) from None
    job = _job(call, job_text)
    if call.queue.executor_of(job).name != "local":
        raise refuse(call, "copying files to the nodes of a job on dstack from outside of the job")
    if Path(target).is_dir():
        target = os.path.join(target, os.path.basename(source))
    try:
        await asyncio.to_thread(
            _copy, source, target, force="force" in arguments.flags, preserve="preserve" in arguments.flags
        )
    except OSError as error:
        call.error(f"REQUEST_FILE_BCAST({job.shares[0].node}): {error.strerror}")
        raise Exit(error.errno or 1) from None


_COPY = """\
target=$1
[ -f "$SBCAST_FILE" ] || { echo "sbcast: error: Can't open \\`$4': No such file or directory" >&2; exit 255; }
[ ! -d "$target" ] || target=$target/${4##*/}
[ -z "$2" ] || rm -f -- "$target"
[ ! -e "$target" ] || { echo "sbcast: error: REQUEST_FILE_BCAST($SLURMD_NODENAME): File exists" >&2; exit 17; }
cp $3 -- "$SBCAST_FILE" "$target"
"""


async def _send_from_job(call: Call, job: Job, name: str, target: str, flags: Collection[str]) -> int:
    """Have every node of the caller's job copy what the caller has left beside its call. The exit code."""
    assert call.hear is not None
    force, preserve = ("force" if "force" in flags else ""), ("-p" if "preserve" in flags else "")
    words = [os.fsencode(word) for word in ("sh", "-c", _COPY, "sbcast", target, force, preserve, name)]
    names = [share.node for share in job.shares]
    order: dict[str, Any] = {
        "do": "step", "names": names, "steps": [f"{job.job_id}.sbcast"], "environment": None, "drop": [],
        "common": [{}], "cwd": os.fsencode(call.cwd), "umask": call.umask or 0, "label": False, "quiet": 1,
        "file": b"SBCAST_FILE", "pty": False,
        "tasks": [
            (rank, rank, 0, words, {b"SLURMD_NODENAME": node.encode()}, (b"/dev/null", 1, 2), {})
            for rank, node in enumerate(names)
        ],
    }  # fmt: skip
    call.tell(b"S", marshal.dumps(order, FORMAT))
    kind, payload = await call.hear()
    while kind != b"S":
        kind, payload = await call.hear()
    return int(marshal.loads(payload)["code"])


def _job(call: Call, text: str) -> Job:
    """The running job of that id; a step of it that is named does not matter."""
    job_id = parse_job_id(text.partition(".")[0])
    found = call.queue.find(job_id.job_id, job_id.tasks.first() if job_id.tasks else None) if job_id else []
    running = [job for job in found if job.state.active]
    if not running:
        errno = Errno.INVALID_JOB_ID
        if found:
            errno = Errno.JOB_PENDING if found[0].pending else Errno.JOB_FINISHED
        call.error(f"Slurm job {text} lookup error: {errno.text}")
        raise Exit(_FAILED)
    return running[0]


def _copy(source: str, target: str, *, force: bool, preserve: bool) -> None:
    """Copy, with the permissions of the source, and its times to ``preserve``. Raises OSError."""
    if os.path.lexists(target):
        if not force:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        Path(target).unlink()
    shutil.copyfile(source, target)
    (shutil.copystat if preserve else shutil.copymode)(source, target)
