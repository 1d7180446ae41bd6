"""From the options of sbatch, salloc and srun to what the controller takes in."""

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.commands.call import Call
from shim.commands.client import LIMITS, Process, caller
from shim.commands.display.clusters import reaches
from shim.commands.display.times import zone_named
from shim.commands.display.version import version_line
from shim.commands.help import help_text, usage_text
from shim.commands.login import TIMEOUT, LoginError, login_environment
from shim.config.settings import Config
from shim.grammar.array import ArraySpec, parse_array
from shim.grammar.dependency import parse_dependency
from shim.grammar.environment_file import parse_environment_file
from shim.grammar.errors import GrammarError
from shim.job.errors import Errno, SlurmError
from shim.job.request import Request
from shim.options.dump import dump
from shim.options.environment import block, echoed, origin, with_login
from shim.options.gather import CommandLine, Gathered
from shim.options.getopt import OptionError, usage_error
from shim.options.grescheck import check_gres
from shim.options.joboption import OPTION_ERROR, VALUE_ERROR, Complaint, Place
from shim.options.option import Effect
from shim.options.request import make_request
from shim.options.table import options_of, plugin_options
from shim.options.verify import verify, verify_after

if TYPE_CHECKING:
    from shim.controller.queue import Queue


FILE_LIMIT = 16 << 20
"""Bytes that are read of a file an option names."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One job, or one component of a heterogeneous job, as the controller takes it."""

    request: Request
    script: bytes = b""
    environment: bytes = b""  # NAME=value, each ended by a NUL byte: what the job starts from
    array: ArraySpec | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What a job runs."""

    script: bytes = b""
    name: str = ""  # the job's name where no option gives one
    command: str = ""  # the script's path; empty for --wrap and standard input
    arguments: tuple[str, ...] = ()


# -- the caller ----------------------------------------------------------------------------------------------------


def command_line(call: Call) -> CommandLine:
    """The caller's words."""
    return CommandLine(call.command, tuple(call.argv), call.queue.config.known_spank_options)


def place(call: Call) -> Place:
    """Where and when the options were written. Raises Complaint where there is no such place any more."""
    if call.cwd_is_gone:
        raise Complaint(f"error: getcwd failed: {os.strerror(errno.ENOENT)}", code=OPTION_ERROR)

    def read_file(name: str) -> bytes:
        path = Path(call.path(name))
        if path.exists() and not path.is_file():  # nothing that might never end, or keep everybody waiting
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        with path.open("rb") as file:
            return file.read(FILE_LIMIT)

    def about(what: str) -> str:
        if what == "version":
            return version_line(call.queue.config) + "\n"
        return help_text(call.command) if what == "help" else usage_text(call.command)

    return Place(
        command=call.command,
        cwd=call.cwd,
        now=call.queue.now(),
        zone=zone_named(call.env.get("TZ", "")),
        about=about,
        root=call.queue.user_id == 0,
        read_file=read_file,
    )


def report(call: Call, error: Complaint | OptionError) -> int:
    """Print what is wrong with a call; the exit code."""
    if isinstance(error, OptionError):
        call.err(usage_error(call.command, error))
        return 255
    call.out(error.output)
    for line in error.bare:
        call.err(line)
    for line in error.lines:
        call.err(f"{call.command}: {line}")
    return error.code


# -- one component -------------------------------------------------------------------------------------------------


def check(call: Call, gathered: Gathered) -> None:
    """Check the options of one component against one another, and list them if -v asks. Raises Complaint."""
    notes = verify(gathered)
    verbose = gathered.fields.get("verbose", 0)
    for line in (*(notes.verbose if verbose else ()), *notes.lines, *_plugin_notes(call.queue.config, gathered)):
        call.err(f"{call.command}: {line}")
    if verbose:
        for line in dump(gathered, call.command):
            call.err(f"{call.command}: {line}")


def _plugin_notes(config: Config, gathered: Gathered) -> Iterable[str]:
    for option in plugin_options(config.known_spank_options):
        if gathered.asked(option.name):
            yield f"Warning: --{option.name} belongs to a plug-in that is not here: it has no effect"


async def submissions(call: Call, components: Iterable[Gathered], body: Body) -> list[Submission]:
    """What the components ask for, with the caller's environment, directory and limits.

    Raises Complaint for what Slurm's commands find themselves, SlurmError for what its controller does.
    """
    process = caller(call)
    made = []
    login: dict[str, str] | None = None
    for gathered in components:
        fields = gathered.fields
        limits = chosen_limits(fields, process)
        verify_after(gathered, place(call))
        if "clusters" in fields and not reaches(call, fields["clusters"]):
            raise Complaint(code=VALUE_ERROR)
        check_gres(fields, known_gres(call.queue))
        refuse(gathered, call.command, call.queue)
        _check_dependency(fields.get("dependency", ""))
        source = origin(fields, call.env, _environment_file(call, fields))
        if source.login and login is None:
            login = await _login(call, fields)
        job_name = fields.get("job_name", body.name)
        base = {**source.base, **echoed(fields), "SLURM_JOB_NAME": job_name}
        request = make_request(
            fields,
            **_facts(call, fields, process),
            job_name=job_name,
            rlimits=limits,
            command=body.command,
            arguments=body.arguments,
            batch=call.command == "sbatch",
        )
        variables = with_login(base, login) if source.login and login else base
        made.append(Submission(request, body.script, block(variables), _array(request.array)))
    return made


def _facts(call: Call, fields: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """What a request says besides its options."""
    work_dir = fields.get("work_dir") or call.cwd
    partitions = [name for name in fields.get("partition", "").split(",") if name]
    export = fields.get("export")
    streams = {name: f"{work_dir}/" for name in ("std_out", "std_err", "std_in") if fields.get(name) == ""}
    return {
        **streams,  # an empty name is the folder itself: the job fails when it opens it, as in Slurm
        "work_dir": work_dir,
        "partition": ",".join(partitions),
        "export": None if export is None or export.upper() == "ALL" else export,
        "umask": _umask(call.env, process),
        "hold": bool(fields.get("hold")) or fields.get("priority") == 0,
        "submit_dir": call.cwd,
        "submit_host": socket.gethostname(),
        "submit_line": " ".join((call.command, *call.argv)),
        "alloc_sid": process.session,
    }


def _umask(env: Mapping[str, str], process: Process) -> int:
    """SLURM_UMASK counts before the caller's own (sbatch(1), INPUT ENVIRONMENT VARIABLES)."""
    try:
        return int(env["SLURM_UMASK"], 8) & 0o777
    except (KeyError, ValueError):
        return process.umask


def chosen_limits(fields: Mapping[str, Any], process: Process) -> tuple[tuple[str, int, int], ...]:
    """The limits that go along with a job: all, none, or those named by --propagate; with --get-user-env none."""
    wanted = fields.get("propagate", "ALL")
    names = LIMITS if wanted == "ALL" else () if wanted == "NONE" else _limit_names(wanted)
    if "get_user_env" in fields and "propagate" not in fields:
        names = ()
    return tuple((f"RLIMIT_{name}", *process.limits[name]) for name in names if name in process.limits)


def check_limit_names(fields: Mapping[str, Any]) -> None:
    """Raise Complaint for a limit that there is not."""
    if fields.get("propagate", "ALL") not in ("ALL", "NONE"):
        _limit_names(fields["propagate"])


def _limit_names(wanted: str) -> tuple[str, ...]:
    names = tuple(name.removeprefix("RLIMIT_") for name in wanted.split(","))
    for name, given in zip(names, wanted.split(","), strict=True):
        if name not in LIMITS:
            raise Complaint(
                f"error: Bad rlimit name: {given}", f"error: --propagate={wanted} is not valid.", code=VALUE_ERROR
            )
    return names


def known_gres(queue: "Queue") -> set[str]:
    """The names of generic resources that may be asked for; gpu always, since nodes of dstack come and go."""
    configured = ",".join(node.base.gres for node in queue.nodes).split(",")
    return {"gpu"} | {item.partition(":")[0] for item in configured if item}


def refuse(gathered: Gathered, command: str, queue: "Queue") -> None:
    """Refuse what the executor of the job's partition cannot do, and what Slurm lets administrators do only.

    Raises Complaint or SlurmError.
    """
    fields = gathered.fields
    executors = _executors(queue, fields.get("partition", ""))
    for option in options_of(command):
        if option.refusal and gathered.asked(option.name):
            effects = {"local": option.local, "dstack": option.dstack}
            if any(effects.get(name) is Effect.REFUSED for name in executors):
                raise Complaint(f"error: --{option.name} cannot be used: {option.refusal}", code=VALUE_ERROR)
    if fields.get("partition") == "":
        raise SlurmError(Errno.INVALID_PARTITION_NAME, "invalid partition specified: (null)")
    if fields.get("reboot"):
        raise SlurmError(Errno.ACCESS_DENIED, "rebooting of nodes is only allowed for admins")
    if fields.get("acctg_freq") in ("0", "task=0"):
        raise SlurmError(Errno.INVALID_TIME_VALUE, text="Invalid accounting frequency requested")
    if fields.get("batch") and fields["batch"] not in fields.get("constraint", "").replace("|", "&").split("&"):
        raise SlurmError(Errno.INVALID_FEATURE, text="Job --batch option is invalid or not a subset of --constraints")


def _executors(queue: "Queue", partitions: str) -> set[str]:
    names = partitions.split(",") if partitions else [p.name for p in queue.partitions.values() if p.default]
    return {queue.partitions[name].executor for name in names if name in queue.partitions}


def _environment_file(call: Call, fields: Mapping[str, Any]) -> dict[str, str] | None:
    name = fields.get("export_file")
    if name is None:
        return None
    try:
        content = place(call).read_file(name)
    except OSError:
        raise Complaint(f"error: Could not open user environment file {name}", code=VALUE_ERROR) from None
    if fields.get("verbose"):
        call.err(f"{call.command}: Getting environment variables from {name}")
    return parse_environment_file(content)


async def _login(call: Call, fields: Mapping[str, Any]) -> dict[str, str]:
    seconds = int(fields.get("get_user_env", "0").rstrip("SL") or 0)
    try:
        return await login_environment(call.queue.user_id, float(seconds) if seconds > 0 else TIMEOUT)
    except LoginError as error:
        raise Complaint(f"error: Unable to get the login environment: {error}", code=VALUE_ERROR) from None


def _check_dependency(text: str) -> None:
    try:
        parse_dependency(text)
    except GrammarError:
        raise SlurmError(Errno.INVALID_DEPENDENCY) from None


def _array(text: str) -> ArraySpec | None:
    try:
        return parse_array(text) if text else None
    except GrammarError:
        raise SlurmError(Errno.INVALID_ARRAY) from None


def find_script(name: str, folder: str, path: str) -> str:
    """The path of a script as Slurm resolves it (sbatch(1), SCRIPT PATH RESOLUTION), or the name where it does not."""
    if name.startswith((".", "/")):
        return name
    if name and os.access(f"{folder}/{name}", os.F_OK):
        return f"{folder}/{name}"
    if name and "/" not in name:
        for directory in path.split(":"):
            candidate = Path(directory, name)
            if os.access(candidate, os.R_OK) and candidate.is_file():
                return str(candidate)
    return name
