"""How the tasks of a step begin: files, pipes, environments, processes (srun(1), IO Redirection)."""

from __future__ import annotations

import posix

from shim.guest.streams import NULL, Input
from shim.guest.task import Start, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shim.guest.steps import StepWork
    from shim.guest.streams import Sink
    from shim.guest.telling import Task

_FEW = 64
"""So many tasks do with the open files that any process may have."""


class Refused(Exception):
    """No task can begin: the text says why."""


class Aborted(Exception):
    """srun's prolog does not want the step: the text says so."""


def start_tasks(work: StepWork) -> None:
    """Start all tasks of a call of srun. Raises Refused, Aborted; OSError where this machine will not carry them."""
    order = work.order
    try:
        source = posix.open(order["stdin"], posix.O_RDONLY | posix.O_CLOEXEC) if order["stdin"] else 0
    except OSError as error:
        raise Refused(f"Could not open stdin file: {error.strerror}") from None
    work.input = Input(work.loop, source)
    files = _more_files() if len(work.tasks) > _FEW else None
    if order["pty"]:
        _open_terminal(work)
    if order["prolog"] and (code := work.around(order["prolog"])):
        raise Aborted(f"srun prolog failed rc = {code}. Aborting step.")
    if order["pmi"] == "pmi2":
        _offer_pmi(work)
    elif order["pmi"]:
        _offer_pmix(work)
    sinks = [_open(work, task, line[5]) for task, line in zip(work.tasks, order["tasks"], strict=True)]
    base = environments(order)
    for task, line, targets in zip(work.tasks, order["tasks"], sinks, strict=True):
        if targets:
            _start(work, task, line, targets, base[task.step], files)
    for pmi in work.pmi:
        pmi.started()
    work.say.started()
    if work.terminal:
        work.terminal.begin()
    else:
        work.input.start()


def environments(order: Mapping[str, Any]) -> list[dict[bytes, bytes]]:
    """What the tasks of each step start from."""
    inherited = dict(posix.environ if order["environment"] is None else order["environment"])
    for name in order["drop"]:
        inherited.pop(name, None)
    return [{**inherited, **common} for common in order["common"]]


def _open(work: StepWork, task: Task, streams: tuple[bytes, bytes | int, bytes | int]) -> list[Sink]:
    """Where a task's output and errors go; nothing if it cannot begin because of that. Raises Refused."""
    sinks: list[Sink] = []
    for target in streams[1:]:
        try:
            sinks.append(work.output.sink(target))
        except OSError as error:
            if target in work.order["shared"]:
                name = "stdout" if target is streams[1] else "stderr"
                raise Refused(f"Could not open {name} file: {error.strerror}") from None
            _no_io(work, task)
            return []
    for sink in {*sinks}:  # one task's two streams are no reason to mix lines
        sink.users += 1
    return sinks


def _start(
    work: StepWork,
    task: Task,
    line: tuple[Any, ...],
    targets: list[Sink],
    base: Mapping[bytes, bytes],
    files: tuple[int, int] | None,
) -> None:
    """Start one task."""
    order = work.order
    _, _, _, argv, own, (stdin, _, _), extra = line
    label = b"%*d: " % (len(str(len(work.tasks) - 1)), task.rank) if order["label"] else b""
    if work.terminal:
        stdin, targets = NULL, [work.output.sink(NULL)]
    made = [work.output.descriptor(sink, label, not order["unbuffered"]) for sink in dict.fromkeys(targets)]
    task.pumps = [pump for _, pump in made if pump]
    try:
        reader = _input(work, stdin)
    except OSError:
        for pump in task.pumps:
            posix.close(pump.task_end)
        _no_io(work, task)
        return
    fds = (reader, made[0][0], made[-1][0])
    begin = Start(argv, {**base, **own}, fds, order["cwd"], order["umask"], work.groups.get(task.node, 0))
    _prepare(work, begin, task, extra)
    begin.files = files
    try:
        task.pid = start(begin)
    except OSError as error:
        work.say.error(f"task {task.rank} launch failed: {error.strerror}")
        work.ended(task, 1 << 8)
        return
    work.groups.setdefault(task.node, task.pid)
    work.by_pid[task.pid] = task
    for fd in {reader, *(pump.task_end for pump in task.pumps)} - {0}:
        posix.close(fd)


def _prepare(work: StepWork, begin: Start, task: Task, extra: Mapping[str, Any]) -> None:
    """What only some options ask for."""
    begin.cpus = extra.get("cpus", ())
    begin.note = extra.get("note", b"")
    begin.prolog = work.order["task_prolog"]
    if work.pmi:
        begin.keep, variables = work.pmi[task.step].task(task.rank - work.pmi_offsets[task.step])
        begin.environment = {**begin.environment, **variables}
    if work.pmix:
        begin.environment = {**begin.environment, **work.pmix.environment(task.rank)}
    if work.terminal and task is work.tasks[0]:
        begin.terminal = work.terminal.name
    if work.order["task_epilog"]:
        work.environments[task] = begin.environment


def _input(work: StepWork, kind: bytes) -> int:
    """Standard input of one task: a pipe from the client, or a file."""
    if kind == b"-" and (work.order["stdin"] or not _is_null(0)):
        assert work.input is not None
        return work.input.pipe()
    return posix.open(NULL if kind == b"-" else kind, posix.O_RDONLY | posix.O_CLOEXEC)


def _no_io(work: StepWork, task: Task) -> None:
    """The task does not begin, as one of its files cannot be opened; to srun that is no failure."""
    work.say.error(f"task {task.rank} launch failed: Slurmd could not connect IO")
    task.status = 0


def _open_terminal(work: StepWork) -> None:
    from shim.guest.terminal import Terminal

    try:
        work.terminal = Terminal(work.loop)
    except Exception as error:
        work.say.error(f"ioctl(TIOCGWINSZ): {error.args[-1]}")
        work.say.error("Not using a pseudo-terminal, disregarding --pty option")


def _offer_pmi(work: StepWork) -> None:
    """A key-value space for each step."""
    from shim.guest.pmi import Pmi

    for number, step in enumerate(work.step_ids):
        mine = [task for task in work.tasks if task.step == number]
        work.pmi_offsets.append(mine[0].rank)
        ranks: dict[int, list[int]] = {}
        for task in mine:
            ranks.setdefault(task.node, []).append(task.rank - mine[0].rank)
        work.pmi.append(Pmi(work.loop, step, list(ranks.values()), work.ending.aborted_by_task))


def _offer_pmix(work: StepWork) -> None:
    from shim.guest.pmix import Failed, Pmix

    try:
        work.pmix = Pmix(work)
    except (Failed, OSError) as why:
        raise Refused(f"Could not start a PMIx server: {why}") from None


def _more_files() -> tuple[int, int]:
    """Room for the pipes of many tasks; the limits as they were, for the tasks."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before


def _is_null(fd: int) -> bool:
    """Whether a descriptor is closed or leads to the null device, so that there is nothing to read."""
    try:
        return posix.fstat(fd).st_rdev == posix.makedev(1, 3)
    except OSError:
        return True
