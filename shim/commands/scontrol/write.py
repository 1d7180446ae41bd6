"""``scontrol write``: a job's batch script, or the configuration, as a file."""

import os
import time
from pathlib import Path

from shim.commands.call import Call
from shim.commands.client import caller
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.targets import parse_job_id
from shim.job.errors import Errno


def write(session: Session, words: list[str]) -> None:
    """``write batch_script <job_id> [<file>|-]`` and ``write config [<file>]``."""
    what, *arguments = words
    if "batch_script".startswith(what.lower()) and len(what) >= 5:
        if len(arguments) == 0:
            return
        _write_script(session, arguments[0], arguments[1] if len(arguments) > 1 else "")
    elif what.lower() == "config" and len(arguments) < 2:
        _write_config(session, arguments[0] if arguments else "")
    else:
        session.fail(f"invalid write argument:{what}")


def _write_script(session: Session, text: str, name: str) -> None:
    """Failing is no reason for another exit code, as in Slurm."""
    job_id = parse_job_id(text)
    job = session.queue.job(job_id.job_id) if job_id else None
    if job is None or job_id is None:
        session.call.err(f"job script retrieval failed: {Errno.INVALID_JOB_ID.text}")
        return
    script = session.queue.script(job)
    if name == "-":
        session.call.send(1, script)
        return
    name = name or f"slurm-{job_id.job_id}.sh"
    try:
        _create(session.call.path(name), script, _umask(session.call))
    except OSError as error:
        session.call.err(f"failed to open file `{name}`: {error.strerror}")
        return
    session.out(f"batch script for job {job_id.job_id} written to {name}\n")


def _write_config(session: Session, name: str) -> None:
    source = session.queue.config.source
    name = (session.call.path(name) if name else source) + time.strftime(".%Y-%m-%dT%H:%M:%S")
    try:
        text = Path(source).read_bytes() if source else b""
        _create(name, text, _umask(session.call))
    except OSError as error:
        session.call.err(f"Could not create file {name}: {error.strerror}")


def _umask(call: Call) -> int:
    """The caller's umask; 022 where it has gone already."""
    try:
        return caller(call).umask
    except OSError:
        return 0o022


def _create(path: str, text: bytes, umask: int) -> None:
    """Write a file with the caller's umask; the controller's own must not matter."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o666 & ~umask)
        file.write(text)
