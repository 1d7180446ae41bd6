"""A step as srun's own process runs it: its tasks from their start to the report of how they ended.

Built-in modules only; what few options need is imported there.
"""

from __future__ import annotations

import posix
import resource  # noqa: F401  wait4(2) of Python loads it for what tasks used: not when they have ended
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
from time import time

from shim.guest.session import Work
from shim.guest.starting import Aborted, Refused, environments, start_tasks
from shim.guest.streams import Output, drain
from shim.guest.telling import Task, Teller
from shim.marks import JOB_FAILED, JOB_OVER, SRUN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from shim.guest.ending import Ending
    from shim.guest.pmi import Pmi
    from shim.guest.pmix import Pmix
    from shim.guest.session import Session
    from shim.guest.streams import Input
    from shim.guest.terminal import Terminal

_SIGNALS = (
    SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCONT, SIGALRM, SIGUSR1, SIGUSR2, SIGPIPE, SIGWINCH, JOB_OVER,
    JOB_FAILED,
)  # fmt: skip
_KILLED = 128 + SIGKILL
"""The exit code of a step that its prolog ends before it has begun, as real Slurm kills its tasks at once."""
_TOGETHER = 0.2
"""Seconds in which tasks that end alike are told of in one line."""


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
        self._ending: Ending | None = None
        self.input: Input | None = None
        self.terminal: Terminal | None = None
        self.pmi: list[Pmi] = []
        self.pmi_offsets: list[int] = []  # the first rank of each step
        self.pmix: Pmix | None = None
        self.environments: dict[Task, Mapping[bytes, bytes]] = {}  # for --task-epilog
        self._untold: list[Task] = []
        self._one_has_ended = False
        self._bad_exit_seen = False
        self._over = False
        self._worst = 0
        session.work = self
        session.lost = self._lost
        session.listen(_SIGNALS, self._signal)
        _take_name()
        self._start()
        if self.by_pid:
            self._tell_processes()
        else:
            self._finish()

    @property
    def ending(self) -> Ending:
        """How tasks are ended: few ever are."""
        if self._ending is None:
            from shim.guest.ending import Ending

            self._ending = Ending(self)
        return self._ending

    @property
    def _aborted(self) -> bool:
        return self._ending is not None and self._ending.aborted

    def _start(self) -> None:
        """Start all tasks. If this machine will not carry them all, they all end."""
        try:
            start_tasks(self)
        except Refused as refused:
            self.say.error(str(refused))
            self._worst = 1
            for task in self.tasks:
                task.status = 0
        except Aborted as aborted:
            self.say.error(str(aborted))
            where = f"StepId={self.step_ids[0]}"
            self.say.info(f"launch/slurm: launch_p_step_launch: {where} aborted before step completely launched.")
            self._worst = _KILLED
            for task in self.tasks:
                task.status = _KILLED << 8
        except OSError as error:
            self.say.error(f"Unable to start all tasks: {error.strerror}")
            self._worst = 1
            for group in self.groups.values():
                _kill_group(group)

    def _tell_processes(self) -> None:
        import marshal

        pids: list[list[int]] = [[] for _ in self.step_ids]
        for task in self.by_pid.values():
            pids[task.step].append(task.pid)
        self.session.send(b"P", marshal.dumps(pids, 2))

    def around(self, program: bytes) -> int:
        """Run srun's prolog or epilog. How it ended."""
        from shim.guest.hooks import run_around

        try:
            return run_around(program, environments(self.order)[0])
        except OSError as error:
            self.say.info(f"Access denied for {program.decode(errors='replace')}: {error.strerror}")
            return 0

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
                self.ended(task, status)
        if not self.by_pid:
            self._finish()

    def ended(self, task: Task, status: int) -> None:
        """A task is over; ``status`` as wait() reports it."""
        task.status = status
        if task in self.environments:
            from shim.guest.hooks import task_epilog

            task_epilog(self.order["task_epilog"], self.environments[task])
        if posix.WIFSIGNALED(status):
            self._worst = max(self._worst, 128 + posix.WTERMSIG(status))
        else:
            self._worst = max(self._worst, posix.WEXITSTATUS(status))
        if status or self.say.verbose:
            if not self._untold:
                self.loop.after(_TOGETHER, self._tell_exits)
            self._untold.append(task)
            if status and self.order["kill_on_bad_exit"] and not self._bad_exit_seen and not self._aborted:
                self._bad_exit_seen = True
                self._tell_exits()
                self.ending.terminate()
        if self._ending:
            self._ending.left(task)
        if not self._one_has_ended and self.by_pid:
            self._one_has_ended = True
            if self.order["wait"]:
                self.loop.after(self.order["wait"], self._waited_long_enough)

    def _tell_exits(self) -> None:
        untold, self._untold = self._untold, []
        self.say.exits(untold)

    def _waited_long_enough(self) -> None:
        if self.by_pid and not self._aborted:
            self._tell_exits()
            self.ending.waited_long_enough()

    # -- what happens to them ------------------------------------------------------------------------------------------

    def _signal(self, number: int) -> None:
        if number == SIGCHLD:
            self._reap()
            return
        self.session.catch_up()
        if not self._over or self._aborted:  # the last words of a step that was ended are heard nevertheless
            self.ending.by_signal(number)

    def aborted(self, notice: bytes) -> None:
        """The controller ends the step: by scancel, at a time limit, for a requeue."""
        if not self._over:
            self.ending.by_controller(notice.decode())

    def timed_out(self, notice: bytes) -> None:
        """The step's own time limit."""
        if not self._over:
            self.ending.at_limit(notice.decode())

    def signalled(self, number: int) -> None:
        """scancel sends the step a signal."""
        self.ending.by_scancel(number)

    def dismissed(self) -> None:
        """Nobody wants the result any more."""
        self.ending.signal_tasks(SIGKILL)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """All tasks are over: what they left behind ends, and the controller learns of it."""
        if self._over:
            return
        self._over = True
        for group in self.groups.values():
            _kill_group(group)
        if self.pmix:
            self.pmix.end()
            if self.pmix.abort_status:
                self._worst = self.pmix.abort_status & 0xFF
        if self.terminal:
            self.terminal.end()
        drain(self.output.pumps)
        if self.input:
            self.input.close()
        self._tell_exits()
        if self.order["epilog"] and (code := self.around(self.order["epilog"])):
            self.say.error(f"srun epilog failed status={code}")
        ended_by = {posix.WTERMSIG(t.status) for t in self.tasks if t.status and posix.WIFSIGNALED(t.status)}
        if ended_by & {SIGTERM, SIGKILL} and not self._aborted:
            self.say.info(f"Force Terminated StepId={self.step_ids[0]}")
        self.result = {
            "code": self._worst,
            "tasks": [[t.step, t.status or 0, t.user, t.system, t.rss] for t in self.tasks],
            "end": time(),
        }
        if self.session.channel is None and not self._rejoined():
            self._report_later()
        else:
            self.session.answer(self.result)

    # -- a controller that is gone -------------------------------------------------------------------------------------

    def _lost(self) -> None:
        from shim.guest import reconnect

        if self._over:
            self._report_later()
        else:
            reconnect.keep_trying(self.session, self.order)

    def _rejoined(self) -> bool:
        from shim.guest import reconnect

        return reconnect.rejoin(self.session, self.order)

    def rejoined(self) -> None:
        """There is another controller."""
        self._tell_processes()

    def _report_later(self) -> None:
        from shim.guest import reconnect

        reconnect.leave_result(self.order, self.result)
        self.session.code = self._worst


def _take_name() -> None:
    """Be called srun from now on: by ``ps``, and by the batch script's supervisor, which leaves its tasks to it."""
    try:
        fd = posix.open("/proc/self/comm", posix.O_WRONLY | posix.O_CLOEXEC)
    except OSError:
        return
    posix.write(fd, SRUN)
    posix.close(fd)


def _kill_group(group: int) -> None:
    try:
        posix.killpg(group, SIGKILL)
    except OSError:
        return  # nobody is left
