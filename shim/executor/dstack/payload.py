"""What a job takes along: its script and environment as files, and how they get to where it runs.

With shared files they are written to a directory that the hosts see. Without, they travel in the command line of the
run, packed, or as a file archive when they are too long for that.
"""

import base64
import gzip
import io
import re
import shlex
import tarfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from shim.executor.base import Launch
from shim.executor.dstack.errors import NotExpressible

ARGUMENT_LIMIT = 128 * 1024 - 1
"""Bytes of one argument (Linux, MAX_ARG_STRLEN, with the final NUL)."""

ARCHIVE_LIMIT = 2 * 1024 * 1024
"""Bytes of a file archive (dstack, DSTACK_SERVER_CODE_UPLOAD_LIMIT's default)."""

ARCHIVE_PATH = ".slurm-shim"
"""Where an archive is extracted, below the run's working directory."""

MARK = "#slurm-shim"
"""Begins the lines in the log of a run without shared files that are not the job's."""

GPU_INDICES = {b"CUDA_VISIBLE_DEVICES", b"ROCR_VISIBLE_DEVICES", b"GPU_DEVICE_ORDINAL", b"ZE_AFFINITY_MASK"}

_UNPACK = """\
[ "${{DSTACK_NODE_RANK:-0}}" -eq 0 ] || exec sleep 2147483647 # the batch script is the first node's
directory=${{TMPDIR:-/tmp}}/slurm-shim-$$
mkdir -p "$directory" || exit 1
{source} | base64 -d | gzip -dc >"$directory/unpack.sh" || exit 1
(cd "$directory" && . ./unpack.sh) || exit 1
exec /bin/sh "$directory/job.sh" "$directory"
"""


@dataclass(frozen=True, slots=True)
class Guest:
    """How the guest treats a job. Times in seconds, 0 for none."""

    kill_wait: int  # from SIGTERM to SIGKILL
    limit: int = 0  # after which the guest itself ends the job
    warn_signal: str = ""  # --signal, where nobody else sends it
    warn_before: int = 0
    warn_target: str = "steps"
    terminal: bool = False  # output goes to the run's log instead of files
    folder: str = ""  # the job's directory, where it is not that on the submit host
    prolog: str = ""


def carried(environment: bytes, drop: Collection[str], keep: Collection[str] = ()) -> list[tuple[bytes, bytes]]:
    """The variables of a NUL separated environment that travel, in order: not those of ``drop``, unless in ``keep``."""
    stay = {name.encode() for name in drop} - {name.encode() for name in keep}
    pairs = (entry.partition(b"=") for entry in environment.split(b"\0") if entry)
    return [(name, value) for name, _, value in pairs if name not in stay]


def renumber_gpus(entries: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """GPU indices as a container sees them: it has only its own, and they count from 0."""
    return [
        (name, b",".join(b"%d" % index for index in range(value.count(b",") + 1)))
        if name in GPU_INDICES and value
        else (name, value)
        for name, value in entries
    ]


def job_files(launch: Launch, entries: Sequence[tuple[bytes, bytes]], guest: Guest) -> Mapping[str, bytes]:
    """The files of a job's directory (see guest/job.sh), by name."""
    content: dict[str, bytes] = {
        "slurm_script": launch.script,
        "launch.sh": _launch_script(launch, entries, bool(guest.prolog), guest.folder),
        "job.conf": _settings(launch, guest),
    }
    if not launch.job.request.batch:
        content["hold"] = b""
    # Only the batch script itself sources the prolog, not every bash that it starts.
    return content | ({"prolog.sh": f"unset BASH_ENV\n{guest.prolog}\n".encode()} if guest.prolog else {})


def guest_files() -> Mapping[str, bytes]:
    """The scripts of shim/guest by name."""
    found = [file for file in files("shim.guest").iterdir() if file.name.endswith((".sh", ".awk"))]
    return {file.name: file.read_bytes() for file in sorted(found, key=lambda file: file.name)}


_QUEUE = "sbatch squeue scancel srun salloc scontrol sinfo sbcast sattach strigger sprio sdiag"
COMMANDS = (*_QUEUE.split(), "sacct", "sstat", "sshare", "sacctmgr")
"""What a job finds on its PATH; all of them are guest/command.sh."""


def inline_command(content: Mapping[str, bytes]) -> list[str] | None:
    """A command that carries the files in its last argument and runs the job; None if they are too many."""
    packed = base64.b64encode(_pack(content)).decode()
    if len(packed) > ARGUMENT_LIMIT:
        return None
    return ["/bin/sh", "-c", _UNPACK.format(source='printf %s "$1"'), "slurm", packed]


def archive(content: Mapping[str, bytes]) -> bytes:
    """The files as a tar for dstack to extract at `ARCHIVE_PATH`. Raises NotExpressible beyond the limit."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        packed = base64.b64encode(_pack(content))
        member = tarfile.TarInfo(f"{ARCHIVE_PATH}/payload")
        member.size = len(packed)
        tar.addfile(member, io.BytesIO(packed))
    if len(buffer.getvalue()) > ARCHIVE_LIMIT:
        raise NotExpressible(
            f"The script and its environment take {len(packed):,} bytes packed; dstack carries {ARCHIVE_LIMIT:,}"
        )
    return buffer.getvalue()


def archive_command() -> list[str]:
    """The command that runs the job of an archive."""
    return ["/bin/sh", "-c", _UNPACK.format(source=f"cat {ARCHIVE_PATH}/payload")]


def parse_record(text: str) -> dict[str, str]:
    """``exit=0 signal=15 … failure=the rest of the line`` of a ``started`` or ``ended`` file."""
    found = re.match(r"(?P<fields>.*?)(?: failure=(?P<failure>.*))?$", text.strip())
    assert found
    record = dict(field.partition("=")[::2] for field in found["fields"].split())
    return record | {"failure": found["failure"] or ""}


def seconds(clock: str) -> float:
    """Seconds of ``1m2.50s``, as the shell's ``times`` prints them."""
    minutes, _, rest = clock.rstrip("s").partition("m")
    return int(minutes or 0) * 60 + float(rest.replace(",", ".") or 0)


def _pack(content: Mapping[str, bytes]) -> bytes:
    """A gzipped shell script that writes the files: an image without tar has a shell."""
    lines = [b"printf %%s %s >%s\n" % (quote(data), shlex.quote(name).encode()) for name, data in content.items()]
    links = " ".join(COMMANDS)
    link = f"mkdir bin\nfor one in {links}; do ln -s ../command.sh bin/$one; done\n"
    return gzip.compress(b"".join([*lines, b"chmod 700 slurm_script command.sh\n", link.encode()]), mtime=0)


def _launch_script(launch: Launch, entries: Sequence[tuple[bytes, bytes]], prolog: bool, folder: str) -> bytes:
    """A shell script that becomes the batch script.

    env sets what no shell could, names such as ``BASH_FUNC_f%%``; it takes a path with an equals sign for one more
    variable, where nice does not.
    A prolog is sourced by the script's own bash (BASH_ENV), so that functions it defines are there; for a script of
    another interpreter it is sourced here, and what it exports is there.
    """
    words = [quote(name + b"=" + value) for name, value in entries]
    path = next((value for name, value in reversed(list(entries)) if name == b"PATH"), None)
    words.append(b'"PATH=$bin":' + (b'"$PATH"' if path is None else quote(path)))
    words.append(b'"SLURM_TASK_PID=$$"')
    if folder:
        words.append(b'"SLURM_SUBMIT_DIR=$PWD" "PWD=$PWD"')
    source = b""
    if prolog and b"bash" in launch.script.partition(b"\n")[0]:
        words.append(b'"BASH_ENV=$directory/prolog.sh"')
    elif prolog:
        source = b'. "$directory/prolog.sh"\n'
    command = [b'$nice "$directory/slurm_script"', *(quote(word.encode()) for word in launch.arguments)]
    return b"".join([_LAUNCH, source, b"exec env ", b" \\\n".join([*words, b" ".join(command)]), b"\n"])


_LAUNCH = b"""\
directory=$SHIM_DIRECTORY
bin=$SHIM_BIN
unset SHIM_DIRECTORY SHIM_BIN SHIM_SETSID SHIM_EXACT
read -r line </proc/self/stat
set -- ${line##*) }
echo "$$ $PPID $3" >"$directory/leader"
case $directory in *=*) nice="nice -n 0" ;; *) nice= ;; esac
"""


def _settings(launch: Launch, guest: Guest) -> bytes:
    terminal = guest.terminal
    values = {
        "JOB_ID": launch.job_id,
        "JOB_OUT": "-" if terminal else launch.std_out or "/dev/null",
        "JOB_ERR": "-" if terminal else launch.std_err or "/dev/null",
        "JOB_SPLIT": "yes" if terminal and launch.std_err != launch.std_out else "",
        "JOB_IN": "/dev/null" if terminal else launch.std_in or "/dev/null",
        "JOB_APPEND": "yes" if launch.append else "",
        "JOB_UMASK": f"{launch.umask:03o}",
        "JOB_DIR": guest.folder or launch.work_dir,
        "JOB_KILL_WAIT": guest.kill_wait,
        "JOB_STOP_WAIT": min(guest.kill_wait, 8),  # dstack kills ten seconds after its ^C
        "JOB_LIMIT": guest.limit,
        "JOB_WARN_SIGNAL": guest.warn_signal,
        "JOB_WARN_BEFORE": guest.warn_before,
        "JOB_WARN_TARGET": guest.warn_target,
        "JOB_MARK": mark(launch.job_id, launch.restarts) if terminal else "",
    }
    return b"".join(b"%s=%s\n" % (name.encode(), quote(str(value).encode())) for name, value in values.items())


def mark(job_id: int, restarts: int) -> str:
    """What sets a line about this run of a job apart from all that it may print."""
    return f"{MARK} {job_id}-{restarts}"


def quote(value: bytes) -> bytes:
    """A word of a shell script."""
    return b"'" + value.replace(b"'", b"'\\''") + b"'"
