"""A step as srun's own process runs it: tasks are started, watched and ended, and what becomes of them is told.

The texts are those of srun and slurmstepd (launch_slurm.c, step_launch.c, mgr.c). Built-in modules only; what few
options need is imported there.
"""

from __future__ import annotations

import posix
from _signal import (  # type: ignore[import-not-found]
    SIGALRM,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGPIPE,
    SIGQUIT,
    SIGTERM,
    SIGUSR1,
    SIGUSR2,
    SIGWINCH,
)
from time import monotonic, time

from shim.guest.session import Work
from shim.guest.streams import NULL, Input, Output, drain
from shim.guest.task import Start, start
from shim.guest.telling import Task, Teller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from shim.guest.pmi import Pmi
    from shim.guest.session import Session
    from shim.guest.terminal import Terminal

SIGNALS = (SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCONT, SIGALRM, SIGUSR1, SIGUSR2, SIGPIPE, SIGWINCH)
_TOGETHER = 0.2
"""Seconds in which tasks that end alike are told of in one line."""

_FEW = 64
"""So many tasks do with the open files that any process may have."""

_TO_LEAVE = 0.2
"""Seconds that tasks have to end by the user's SIGINT before SIGTERM follows."""

_ABORT_MARGIN = 2
"""Seconds that srun waits for a step longer than the tasks have between SIGTERM and SIGKILL."""


class StepWork(Work):
    """The tasks of one call of srun: of one step, or of one for each component (``A : B``)."""

    def __init__(self, session: Session, order: Mapping[str, Any]) -> None:
        self.session = session
        self.order = order
        self.loop = session.loop
        self.step_ids: Sequence[str] = order["steps"]
        self.tasks = [Task(rank, node, step, streams[2]) for rank, node, step, _, _, streams, _ in order["tasks"]]
        self.by_pid: dict[int, Task] = {}
        self.groups: dict[int, int] = {}  # process group by node
        self.output = Output(self.loop, order["append"])
        self.say = Teller(order, self.tasks, self.output)
        self.input: Input | None = None
        self.terminal: Terminal | None = None
        self.files: tuple[int, int] | None = None  # the limit of open files that tasks keep
        self.pmi: list[Pmi] = []
        self.pmi_offsets: list[int] = []  # the first rank of each step
        self.environments: dict[Task, Mapping[bytes, bytes]] = {}  # for --task-epilog
        self.untold: list[Task] = []
        self.begun = time()
        self.aborted_at = 0.0
        self.last_interrupt = self.last_sent = -10.0
        self.forced = 0
        self.first_exit = 0.0
        self.bad_exit_seen = False
        self.over = False
        self.worst = 0
        session.work = self
        session.lost = self._lost
        session.listen(SIGNALS, self._signal)
        if self._started():
            self._tell_processes()
        else:
            self._finish()

    # -- starting ----------------------------------------------------------------------------------------------------

    def _started(self) -> bool:
        """Start all tasks; False where none runs. If this machine will not carry them all, they all end."""
        try:
            return self._start()
        except OSError as error:
            self.say.error(f"Unable to start all tasks: {error.strerror}")
            self.worst = 1
            for group in self.groups.values():
                _kill_group(group)
            return bool(self.by_pid)

    def _start(self) -> bool:
        order = self.order
        try:
            source = posix.open(order["stdin"], posix.O_RDONLY | posix.O_CLOEXEC) if order["stdin"] else 0
        except OSError as error:
            return self._refuse(f"Could not open stdin file: {error.strerror}")
        self.input = Input(self.loop, source)
        if len(self.tasks) > _FEW:
            self.files = _more_files()
        if order["pty"]:
            self._open_terminal()
        if order["prolog"]:
            self._around(order["prolog"])
        if order["pmi"]:
            self._offer_pmi()
        ready = []
        for task, (_, _, _, argv, own, streams, extra) in zip(self.tasks, order["tasks"], strict=True):
            targets = []
            for target in streams[1:]:
                try:
                    sink = self.output.sink(target)
                except OSError as error:
                    if target in order["shared"]:
                        name = "stdout" if target is streams[1] else "stderr"
                        return self._refuse(f"Could not open {name} file: {error.strerror}")
                    self.say.error(f"task {task.rank} launch failed: Slurmd could not connect IO")
                    task.status = 0
                    break
                sink.users += 1
                targets.append(sink)
            if targets and targets[0] is targets[-1]:
                targets[0].users -= len(targets) - 1  # one task's two streams are no reason to mix lines
            ready.append((task, argv, own, streams[0], targets, extra))
        width = len(str(len(self.tasks) - 1))
        lines = not order["unbuffered"]
        umask = order["umask"]
        base = self._environment()
        for task, argv, own, stdin, targets, extra in ready:
            if task.status is not None:
                continue
            label = b"%*d: " % (width, task.rank) if order["label"] else b""
            if self.terminal:
                stdin, targets = NULL, [self.output.sink(NULL)]
            made = [self.output.descriptor(sink, label, lines) for sink in dict.fromkeys(targets)]
            task.pumps = [pump for _, pump in made if pump]
            out, err = made[0][0], made[-1][0]
            reader = self._input(stdin)
            environment = {**base[task.step], **own}
            begin = Start(argv, environment, (reader, out, err), order["cwd"], umask, self.groups.get(task.node, 0))
            self._prepare(begin, task, extra)
            begin.files = self.files
            try:
                task.pid = start(begin)
            except OSError as error:
                self.say.error(f"task {task.rank} launch failed: {error.strerror}")
                self._ended(task, 1 << 8)
                continue
            self.groups.setdefault(task.node, task.pid)
            self.by_pid[task.pid] = task
            for fd in {reader, *(pump.task_end for pump in task.pumps)} - {0}:
                posix.close(fd)
        for pmi in self.pmi:
            pmi.started()
        if self.terminal:
            self.terminal.begin()
        else:
            self.input.start()
        return bool(self.by_pid)

    def _prepare(self, begin: Start, task: Task, extra: Mapping[str, Any]) -> None:
        """What only some options ask for."""
        begin.cpus = extra.get("cpus", ())
        begin.note = extra.get("note", b"")
        begin.prolog = self.order["task_prolog"]
        if self.pmi:
            begin.keep, variables = self.pmi[task.step].task(task.rank - self.pmi_offsets[task.step])
            begin.environment = {**begin.environment, **variables}
        if self.terminal and task is self.tasks[0]:
            begin.terminal = self.terminal.name
        if self.order["task_epilog"]:
            self.environments[task] = begin.environment

    def _open_terminal(self) -> None:
        from shim.guest.terminal import Terminal

        try:
            self.terminal = Terminal(self.loop)
        except Exception as error:
            self.say.error(f"ioctl(TIOCGWINSZ): {error.args[-1]}")
            self.say.error("Not using a pseudo-terminal, disregarding --pty option")

    def _offer_pmi(self) -> None:
        """A key-value space for each step."""
        from shim.guest.pmi import Pmi

        for number, step in enumerate(self.step_ids):
            mine = [task for task in self.tasks if task.step == number]
            self.pmi_offsets.append(mine[0].rank)
            ranks: dict[int, list[int]] = {}
            for task in mine:
                ranks.setdefault(task.node, []).append(task.rank - mine[0].rank)
            self.pmi.append(Pmi(self.loop, step, list(ranks.values()), self._aborted_by_task))

    def _aborted_by_task(self, message: str) -> None:
        """An MPI program has called MPI_Abort."""
        if message:
            self.say.error(message)
        if not self.aborted_at:
            self._kill_at_once()

    def _around(self, program: bytes) -> None:
        """srun's prolog or epilog."""
        from shim.guest.hooks import run_around

        if problem := run_around(program, self._environment()[0]):
            self.say.info(problem)

    def _environment(self) -> list[dict[bytes, bytes]]:
        """What the tasks of each step start from."""
        order = self.order
        inherited = dict(posix.environ if order["environment"] is None else order["environment"])
        for name in order["drop"]:
            inherited.pop(name, None)
        return [{**inherited, **common} for common in order["common"]]

    def _input(self, kind: bytes) -> int:
        """Standard input of one task: a pipe from the client, or a file."""
        if kind == b"-" and (self.order["stdin"] or not _is_null(0)):
            assert self.input is not None
            return self.input.pipe()
        return posix.open(NULL if kind == b"-" else kind, posix.O_RDONLY | posix.O_CLOEXEC)

    def _refuse(self, text: str) -> bool:
        self.say.error(text)
        self.worst = 1
        for task in self.tasks:
            task.status = 0
        return False

    def _tell_processes(self) -> None:
        import marshal

        pids: list[list[int]] = [[] for _ in self.step_ids]
        for task in self.by_pid.values():
            pids[task.step].append(task.pid)
        self.session.send(b"P", marshal.dumps(pids, 2))

    # -- tasks that end ------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        while self.by_pid:
            try:
                pid, status, usage = posix.wait4(-1, posix.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            task = self.by_pid.pop(pid, None)
            if task is not None:
                task.user, task.system, task.rss = usage.ru_utime, usage.ru_stime, usage.ru_maxrss
                self._ended(task, status)
        if not self.by_pid:
            self._finish()

    def _ended(self, task: Task, status: int) -> None:
        task.status = status
        if task in self.environments:
            from shim.guest.hooks import task_epilog

            task_epilog(self.order["task_epilog"], self.environments[task])
        if posix.WIFSIGNALED(status):
            self.worst = max(self.worst, 128 + posix.WTERMSIG(status))
        else:
            self.worst = max(self.worst, posix.WEXITSTATUS(status))
        if status:
            if not self.untold:
                self.loop.after(_TOGETHER, self._tell_exits)
            self.untold.append(task)
            if self.order["kill_on_bad_exit"] and not self.bad_exit_seen and not self.aborted_at:
                self.bad_exit_seen = True
                self._tell_exits()
                self._terminate_bad()
        if not self.first_exit and self.by_pid:
            self.first_exit = monotonic()
            if self.order["wait"]:
                self.loop.after(self.order["wait"], self._waited_long_enough)

    def _tell_exits(self) -> None:
        untold, self.untold = self.untold, []
        self.say.exits(untold)

    def _terminate_bad(self) -> None:
        """A task failed and --kill-on-bad-exit was given."""
        self.say.info(f"launch/slurm: _step_signal: Terminating StepId={self.step_ids[0]}")
        self.say.notice()
        self._end_tasks()

    def _waited_long_enough(self) -> None:
        """--wait seconds have passed since the first task ended."""
        if not self.by_pid or self.aborted_at:
            return
        self._tell_exits()
        self.say.info(f"First task exited {self.order['wait']}s ago")
        self.say.states()
        self.say.info(f"launch/slurm: _step_signal: Terminating StepId={self.step_ids[0]}")
        self._kill_at_once()

    # -- ending tasks --------------------------------------------------------------------------------------------------

    def signal_tasks(self, number: int) -> None:
        """Send a signal to all tasks and what they have started."""
        from shim.executor.local import processes

        for one in processes.descendants(posix.getpid()):
            processes.send_signal(one, number)

    def _end_tasks(self) -> None:
        """SIGTERM, and SIGKILL some time later."""
        self.signal_tasks(SIGCONT)
        self.signal_tasks(SIGTERM)
        self.loop.after(self.order["kill_wait"], lambda: self.signal_tasks(SIGKILL))

    def _abort(self) -> None:
        if not self.aborted_at:
            self.aborted_at = monotonic()
            patience = int(self.order["kill_wait"]) + _ABORT_MARGIN
            self.say.info(f"Job step aborted: Waiting up to {patience} seconds for job step to finish.")

    def _kill_at_once(self) -> None:
        self._abort()
        self.say.notice()
        self.signal_tasks(SIGKILL)

    def aborted(self, notice: bytes) -> None:
        """The controller ends the step: by scancel, at a time limit, for a requeue."""
        if self.aborted_at or self.over:
            return
        self._abort()
        self.say.notice(notice.decode())
        self._end_tasks()

    def signalled(self, number: int) -> None:
        """scancel sends the step a signal."""
        if number == SIGKILL:
            if not self.aborted_at:
                self._kill_at_once()
        else:
            self.signal_tasks(number)

    # -- signals to srun -----------------------------------------------------------------------------------------------

    def _signal(self, number: int) -> None:
        if number == SIGCHLD:
            self._reap()
            return
        self.session.catch_up()
        if self.over:
            return
        if number == SIGINT:
            self._interrupt()
        elif number == SIGCONT:
            self.say.info("got SIGCONT")
        elif number in (SIGTERM, SIGHUP, SIGQUIT):
            if number == SIGQUIT:
                self.say.info("Quit")
            else:
                self.say.info("forcing job termination")
            if not self.aborted_at:
                self._kill_at_once()
        elif number in (SIGUSR1, SIGUSR2, SIGALRM):
            self.signal_tasks(number)
        elif number == SIGWINCH:
            self._resized()

    def _resized(self) -> None:
        """The user's terminal has another size."""
        if self.terminal:
            self.terminal.resize()

    def _interrupt(self) -> None:
        now = monotonic()
        order = self.order
        if not order["quit_on_interrupt"] and not order["disable_status"] and now - self.last_interrupt > 1:
            self.say.info("interrupt (one more within 1 sec to abort)")
            self.say.states()
            self.last_interrupt = now
            return
        if order["disable_status"] and now - self.last_interrupt > 1 and not order["quit_on_interrupt"]:
            self.last_interrupt = now
            self.say.info(f"sending Ctrl-C to StepId={self.step_ids[0]}")
            self.signal_tasks(SIGINT)
            return
        self.say.cancelled = True
        if self.aborted_at or now - self.last_sent < 1:
            self.say.info("forcing job termination" if not self.forced else "job abort in progress")
            self.forced += 1
            self.signal_tasks(SIGKILL)
            return
        self.last_sent = now
        self.say.info(f"sending Ctrl-C to StepId={self.step_ids[0]}")
        self.signal_tasks(SIGINT)
        self.say.info("forcing job termination")
        self._abort()
        self.say.notice()
        self.loop.after(_TO_LEAVE, self._end_tasks)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """All tasks are over: what they left behind ends, and the controller learns of it."""
        if self.over:
            return
        self.over = True
        for group in self.groups.values():
            _kill_group(group)
        if self.terminal:
            self.terminal.end()
        drain(self.output.pumps)
        if self.input:
            self.input.close()
        self._tell_exits()
        if self.order["epilog"]:
            self._around(self.order["epilog"])
        ended_by = {posix.WTERMSIG(t.status) for t in self.tasks if t.status and posix.WIFSIGNALED(t.status)}
        if ended_by & {SIGTERM, SIGKILL} and not self.aborted_at:
            self.say.info(f"Force Terminated StepId={self.step_ids[0]}")
        self.result = {
            "code": self.worst,
            "cancelled": self.say.cancelled or bool(self.aborted_at),
            "tasks": [[t.step, t.status or 0, t.user, t.system, t.rss] for t in self.tasks],
            "end": time(),
        }
        if self.session.channel is None:
            self._report_later()
        else:
            self.session.answer(self.result)

    # -- a controller that is gone -------------------------------------------------------------------------------------

    def _lost(self) -> None:
        from shim.guest import reconnect

        if self.over:
            self._report_later()
        else:
            reconnect.keep_trying(self.session, self.order)

    def dismissed(self) -> None:
        """Nobody wants the result any more."""
        self.signal_tasks(SIGKILL)

    def rejoined(self) -> None:
        """There is another controller."""
        self._tell_processes()

    def _report_later(self) -> None:
        from shim.guest import reconnect

        reconnect.leave_result(self.order, self.result)
        self.session.code = self.worst


def _more_files() -> tuple[int, int]:
    """Room for the pipes of many tasks; the limits as they were, for the tasks."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before


def _kill_group(group: int) -> None:
    try:
        posix.killpg(group, SIGKILL)
    except OSError:
        return  # nobody is left


def _is_null(fd: int) -> bool:
    """Whether a descriptor is closed or leads to the null device, so that there is nothing to read."""
    try:
        return posix.fstat(fd).st_rdev == posix.makedev(1, 3)
    except OSError:
        return True
