"""The order of a step as shell scripts, for the nodes of a job that is elsewhere (see guest/step.sh, guest/tasks.sh).

step/   conf       assignments that begin with STEP_
        tasks      for each task: rank, node, component, "stdin" if it reads what srun reads, "pty" if on a terminal
        task-RANK  a script that becomes the task
        pumps      for each output that srun passes on: rank, stream, label, "1", "2" or a file
        outputs    files to make first, one a line
and appear: exit-RANK, result
"""

import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shim.executor.dstack.carriers import Task
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.payload import GPU_INDICES, quote, seconds

_NO_TERMINAL = (
    b"srun: error: ioctl(TIOCGWINSZ): Inappropriate ioctl for device\n"
    b"srun: error: Not using a pseudo-terminal, disregarding --pty option\n"
)
GUEST = "SLURMSHIM_GUEST"
"""The variable that leads the launchers of the submit host, where a job finds them, to the guest's commands."""
_OF_ITS_HOST = (b"PATH", b"HOME", b"LD_LIBRARY_PATH", b"SHELL", b"TMPDIR")
_KEPT = (b"DSTACK_[A-Z_]*", GUEST.encode())
_OF_THE_NODE = ("DSTACK_", GUEST, "SLURM_TASK_PID")
"""Prefixes of variables that each node, or each task, has for itself."""


def write(
    folder: Path, order: Mapping[str, Any], environment: Mapping[str, str], task: Task, away: Path | None = None
) -> None:
    """Write the directory of a step; it appears whole. Raises NotExpressible, OSError.

    ``away`` are the guest's scripts, where srun is on the submit host: no task is beside it, and what its environment
    leaves open is as on the nodes. The node of a batch script takes orders from job.sh then.
    """
    if order.get("pmi"):
        raise NotExpressible("--mpi: pmi2 and pmix are not there on dstack; use mpirun inside the job")
    if any(task[6].get("cpus") for task in order["tasks"]):
        raise NotExpressible("--cpu-bind: the CPUs of a container are dstack's to choose")
    if name := order.get("file"):  # the variable that leads to what the caller has left beside its call
        common = {**order["common"][0], name: os.fsencode(folder.with_name("file"))}
        order = {**order, "common": [common]}
    new = folder.with_name(".step")
    new.mkdir(parents=True)
    for name, text in _step(order, environment, task, away).items():
        (new / name).write_bytes(text)
    new.rename(folder)


def fit_terminal(order: Mapping[str, Any], there: bool, send: Callable[[int, bytes], None]) -> Mapping[str, Any]:
    """The order as srun goes on with it: without a terminal of its own, which it says, it disregards --pty."""
    if there or not order["pty"]:
        return order
    send(2, _NO_TERMINAL)
    return {**order, "pty": False}


def unknown_result(tasks: Iterable[Sequence[Any]]) -> Mapping[str, Any]:
    """What is said of a step with these tasks (see an order's) of which nothing is known."""
    return {"code": 1, "tasks": [[task[2], 1 << 8, 0.0, 0.0, 0] for task in tasks], "end": time.time()}


def parse_result(text: str) -> Mapping[str, Any]:
    """What the guest says of a step: the exit code, and for each task component, wait status, times, memory (KB)."""
    code, *rest = text.splitlines()
    tasks = []
    for line in rest:
        component, status, user, system, rss = line.split()
        tasks.append([int(component), int(status), seconds(user), seconds(system), int(rss)])
    return {"code": int(code), "tasks": tasks, "end": time.time()}


def _step(order: Mapping[str, Any], environment: Mapping[str, str], task: Task, away: Path | None) -> dict[str, bytes]:
    here, names = "" if away else task.job.shares[0].node, order["names"]
    gpus_of = {share.node: share.gpus for job in task.carrier.jobs for share in job.shares}
    width = len(str(len(order["tasks"]) - 1))
    script = task.job.shares[0].node if away and task.job.request.batch else ""
    content = {"conf": _conf(order, names, here, script, task.directory)}
    tasks, pumps = [], []
    outputs: dict[str, None] = {}
    for rank, position, component, argv, own, streams, _ in order["tasks"]:
        node = names[position]
        label = f"{rank:>{width}}:" if order["label"] else ""
        redirections, kind = [_input(streams[0])], "stdin" if streams[0] == b"-" else "-"
        merged = streams[1] == streams[2]
        if order["pty"]:
            kind = "-" if rank else "pty"
            redirections = [b"exec </dev/null >/dev/null 2>&1"] if rank else []
            pumps += [] if rank else ["0 1 - 1\n"]
        for number, target in () if order["pty"] else ((1, streams[1]), (2, streams[2])):
            path = os.fsdecode(target) if isinstance(target, bytes) else ""
            if path and path != os.devnull:
                outputs[path] = None
            if path and not label:
                redirections.append(b"exec %d>>%s" % (number, quote(os.fsencode(path))))
            elif number == 2 and merged and path:
                redirections.append(b"exec 2>&1")
            elif path or label or node != here:
                redirections.append(b'exec %d>>"$STEP_FOLDER/output-%d-%d"' % (number, rank, number))
                pumps.append(f"{rank} {number} {label or '-'} {path or target}\n")
        base = order["environment"]
        inherited = base if base is not None else {os.fsencode(k): os.fsencode(v) for k, v in environment.items()}
        variables = {name: value for name, value in inherited.items() if name not in order["drop"]}
        variables |= {**order["common"][component], **own}
        content[f"task-{rank}"] = _script(argv, variables, redirections, order, gpus_of.get(node, ()), away)
        tasks.append(f"{rank} {node} {component} {kind}\n")
    content |= {
        "tasks": "".join(tasks).encode(),
        "pumps": os.fsencode("".join(pumps)),
        "outputs": os.fsencode("".join(path + "\n" for path in outputs)),
    }
    return content


def _conf(order: Mapping[str, Any], names: list[str], here: str, script: str, directory: Path) -> bytes:
    values = {
        "STEP_ID": order["steps"][0],
        "STEP_NODES": " ".join(names),
        "STEP_HERE": here,
        "STEP_SCRIPT": script,
        "STEP_JOB": str(directory),
        "STEP_APPEND": "yes" if order.get("append") else "",
        "STEP_QUIET": "yes" if order.get("quiet") else "",
        "STEP_QUIT": "yes" if order.get("quit_on_interrupt") else "",
        "STEP_NO_STATUS": "yes" if order.get("disable_status") else "",
        "STEP_BAD_EXIT": "yes" if order.get("kill_on_bad_exit") else "",
        "STEP_WAIT": order.get("wait") or 0,
        "STEP_KILL_WAIT": int(order.get("kill_wait", 0)),
        "STEP_PTY": "yes" if order["pty"] else "",
        "STEP_STDIN": os.fsdecode(order.get("stdin") or b""),
        "STEP_PROLOG": os.fsdecode(order.get("prolog") or b""),
        "STEP_EPILOG": os.fsdecode(order.get("epilog") or b""),
    }
    return os.fsencode("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items()))


def _input(stream: bytes) -> bytes:
    return b"" if stream == b"-" else b"exec <" + quote(stream)


def _script(
    argv: list[bytes], variables: Mapping[bytes, bytes], redirections: list[bytes], order: Mapping[str, Any],
    gpus: tuple[int, ...], away: Path | None,
) -> bytes:  # fmt: skip
    """A shell script that becomes one task.

    env sets what no shell could; a container sees only its own GPUs, and they count from 0.
    """
    words = []
    for name, value in variables.items():
        if name.startswith(tuple(map(os.fsencode, _OF_THE_NODE))):
            continue
        if name in GPU_INDICES and value:
            value = b",".join(_inside(index, gpus) for index in value.split(b","))
        words.append(quote(name + b"=" + value))
    program = quote(argv[0])
    own = [name for name in _OF_ITS_HOST if away and name not in variables]
    path = b'"$PATH"' if b"PATH" in own else quote(variables.get(b"PATH", b"/usr/local/bin:/usr/bin:/bin"))
    epilog = order.get("task_epilog") or b""
    nice = b"nice -n 0 " if b"=" in argv[0] else b""  # env takes a word with an equals sign for a variable
    command = b" ".join([nice + program, *(quote(word) for word in argv[1:])])
    prolog = order.get("task_prolog") or b""
    lines = [
        *filter(None, redirections),
        *([b"PATH=%s:$PATH" % quote(os.fsencode(away / "bin"))] if away and b"PATH" in own else []),
        b"umask %03o" % order["umask"],
        b"cd %s 2>/dev/null || { for _ in 1 2; do echo %s; done >&2; cd /tmp; }"
        % (quote(order["cwd"]), quote(_NO_FOLDER % order["cwd"])),
        b"(PATH=%s; command -v %s) >/dev/null || { echo %s >&2; exit 2; }"
        % (path, program, quote(b"slurmstepd: error: execve(): %s: No such file or directory" % argv[0])),
        _KEEP_OWN % b" ".join(b"-e 's/^\\(%s\\)=.*/\\1/p'" % name for name in (*_KEPT, *own)),
        b'set -- "$@" "SLURM_TASK_PID=$$" \\\n%s' % b" \\\n".join(words),
        *([b'prolog=%s\n. "$STEP_GUEST/task_prolog.sh"' % quote(prolog)] if prolog else []),
        b'%senv -i "$@" \\\n%s' % (b"" if epilog else b"exec ", command),
    ]
    if epilog:
        lines += [b"status=$?", b"%s || :" % quote(epilog), b"exit $status"]
    return b"\n".join(lines) + b"\n"


_KEEP_OWN = b"""\
set --
for name in $(env | sed -n %s); do
    eval "set -- \\"\\$@\\" \\"$name=\\$$name\\""
done"""
_NO_FOLDER = b"slurmstepd: error: couldn't chdir to `%s': No such file or directory: going to /tmp instead"


def _inside(index: bytes, gpus: tuple[int, ...]) -> bytes:
    return b"%d" % gpus.index(int(index)) if index.isdigit() and int(index) in gpus else index
