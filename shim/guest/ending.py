"""How the tasks of a step are ended from outside: by the user's signals to srun, by scancel, at a limit.

The texts are those of srun and slurmstepd (launch_slurm.c, step_launch.c, mgr.c).
"""

from __future__ import annotations

import posix
from _signal import (  # type: ignore[import-not-found]
    SIGALRM,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGTERM,
    SIGUSR1,
    SIGUSR2,
    SIGWINCH,
)
from time import monotonic

from shim.executor.local.processes import descendants, send_signal
from shim.marks import JOB_FAILED, JOB_OVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shim.guest.steps import StepWork
    from shim.guest.telling import Task

_TO_LEAVE = 0.2
"""Seconds that tasks have to end by the user's SIGINT before SIGTERM follows."""

_TO_EXIT = 5.0
"""Seconds that a rank has to exit after it has called MPI_Abort."""

_ABORT_MARGIN = 2
"""Seconds that srun waits for a step longer than the tasks have between SIGTERM and SIGKILL."""


class Ending:
    """What has been done so far to end the tasks of one call of srun."""

    def __init__(self, work: StepWork) -> None:
        self.work = work
        self.say = work.say
        self.aborted = False
        self._last_interrupt = self._last_sent = -10.0
        self._forced = False
        self._leaving: Task | None = None

    # -- means -----------------------------------------------------------------------------------------------------

    def signal_tasks(self, number: int) -> None:
        """Send a signal to all tasks and what they have started."""
        for one in descendants(posix.getpid()):
            send_signal(one, number)

    def end_tasks(self) -> None:
        """SIGTERM, and SIGKILL KillWait later."""
        self.signal_tasks(SIGCONT)
        self.signal_tasks(SIGTERM)
        self.work.loop.after(self.work.order["kill_wait"], lambda: self.signal_tasks(SIGKILL))

    def kill_at_once(self) -> None:
        """SIGKILL."""
        self._abort()
        self.say.notice()
        self.signal_tasks(SIGKILL)

    def terminate(self) -> None:
        """One task has ended the others, for --kill-on-bad-exit."""
        self._say_terminating()
        self.say.notice()
        self.end_tasks()

    def waited_long_enough(self) -> None:
        """--wait seconds have passed since the first task ended."""
        self.say.info(f"First task exited {self.work.order['wait']}s ago")
        self.say.states()
        self._say_terminating()
        self.kill_at_once()

    def _say_terminating(self) -> None:
        self.say.info(f"launch/slurm: _step_signal: Terminating StepId={self.work.step_ids[0]}")

    def _abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            patience = int(self.work.order["kill_wait"]) + _ABORT_MARGIN
            self.say.info(f"Job step aborted: Waiting up to {patience} seconds for job step to finish.")

    # -- who ends them ---------------------------------------------------------------------------------------------

    def by_controller(self, notice: str, *, failed: bool = False) -> None:
        """The step's time is over: scancel, a time limit, a requeue, the end (with ``failed``: badly) of the script."""
        if self.aborted:
            return
        self._abort()
        self.say.notice(notice, failed=failed)
        self.end_tasks()

    def at_limit(self, notice: str) -> None:
        """The step has reached its own time limit; its job goes on."""
        self.say.notice(notice)
        self.end_tasks()

    def by_scancel(self, number: int) -> None:
        """scancel sends the step a signal."""
        if number == SIGKILL:
            if not self.aborted:
                self.kill_at_once()
            return
        if number == SIGTERM:
            self.say.notice()
        self.signal_tasks(number)

    def aborted_by_task(self, message: str) -> None:
        """An MPI program has called MPI_Abort."""
        if message:
            self.say.error(message)
        if not self.aborted:
            self.kill_at_once()

    def aborted_by_rank(self, task: Task) -> None:
        """A rank has called MPI_Abort by way of PMIx: it leaves with its own exit code, and the others follow."""
        for pump in task.pumps:
            if pump.fd >= 0:
                pump.read()  # what it has said of that comes first
        self._abort()
        self.say.notice()
        self._leaving = task
        if task.status is None:
            self.work.loop.after(_TO_EXIT, lambda: self.signal_tasks(SIGKILL))
        else:
            self.signal_tasks(SIGKILL)

    def left(self, task: Task) -> None:
        """A task has ended."""
        if task is self._leaving:
            self.signal_tasks(SIGKILL)

    def by_signal(self, number: int) -> None:
        """A signal has reached srun."""
        if number == SIGINT:
            self._interrupt()
        elif number == SIGCONT:
            self.say.info("got SIGCONT")
        elif number in (JOB_OVER, JOB_FAILED):
            self.by_controller("", failed=number == JOB_FAILED)
        elif number in (SIGTERM, SIGHUP, SIGQUIT):
            self.say.info("Quit" if number == SIGQUIT else "forcing job termination")
            if not self.aborted:
                self.kill_at_once()
        elif number in (SIGUSR1, SIGUSR2, SIGALRM):
            self.signal_tasks(number)
        elif number == SIGWINCH and self.work.terminal:
            self.work.terminal.resize()

    def _interrupt(self) -> None:
        now = monotonic()
        order = self.work.order
        if not order["quit_on_interrupt"] and not order["disable_status"] and now - self._last_interrupt > 1:
            self.say.info("interrupt (one more within 1 sec to abort)")
            self.say.states()
            self._last_interrupt = now
            return
        if order["disable_status"] and now - self._last_interrupt > 1 and not order["quit_on_interrupt"]:
            self._last_interrupt = now
            self._send_interrupt()
            return
        self.say.cancelled = True
        if self.aborted or now - self._last_sent < 1:
            self.say.info("job abort in progress" if self._forced else "forcing job termination")
            self._forced = True
            self.signal_tasks(SIGKILL)
            return
        self._last_sent = now
        self._send_interrupt()
        self.say.info("forcing job termination")
        self._abort()
        self.say.notice()
        self.work.loop.after(_TO_LEAVE, self.end_tasks)

    def _send_interrupt(self) -> None:
        self.say.info(f"sending Ctrl-C to StepId={self.work.step_ids[0]}")
        self.signal_tasks(SIGINT)
