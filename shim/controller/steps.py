"""The steps of running jobs: what srun asks for inside a job, as the controller sees it."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from shim.executor.local import processes
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.request import UNLIMITED
from shim.job.states import State
from shim.scheduler.stepplacement import Held, Placed, StepRequest, place_step

if TYPE_CHECKING:
    from shim.controller.queue import Queue

Tell = Callable[[bytes, bytes], None]
"""Sends a frame to the client that runs a step: ``A`` with the end of a notice, ``T`` likewise at its own
time limit, ``G`` with a signal."""

_SIGKILL = 9
_SIGTERM = 15


class _Waiter:
    """A step that waits until others are out of its way."""

    __slots__ = ("future", "request")

    def __init__(self, request: StepRequest, future: "asyncio.Future[None]") -> None:
        self.request = request
        self.future = future


class Steps:
    """The live steps of one queue."""

    def __init__(self, queue: "Queue") -> None:
        self.queue = queue
        self.live: dict[int, list[Step]] = {}
        self._held: dict[Step, Sequence[Held]] = {}
        self._clients: dict[Step, Tell] = {}
        self._limits: dict[Step, asyncio.TimerHandle] = {}
        self._waiting: dict[int, list[_Waiter]] = {}

    def of(self, job_id: int) -> list[Step]:
        """The steps of a job that run now."""
        return self.live.get(job_id, [])

    def pids(self, job_id: int) -> tuple[int, ...]:
        """The processes of all tasks of a job's steps."""
        return tuple(pid for step in self.of(job_id) for pid in step.pids)

    # -- room for a step -----------------------------------------------------------------------------------------------

    def place(self, job: Job, request: StepRequest) -> Placed | None:
        """Room for a step now; None while others are in its way. Raises SlurmError for what can never be."""
        if job.state is not State.RUNNING:
            raise SlurmError(_NOT_NOW.get(job.state, Errno.ALREADY_DONE))
        holds: dict[str, list[Held]] = {}
        for step in self.of(job.job_id):
            for held in self._held.get(step, ()):
                holds.setdefault(held.node, []).append(held)
        return place_step(request, job.shares, holds)

    async def wait_for_room(self, job: Job, request: StepRequest) -> None:
        """Return when others have made room for a step. Raises SlurmError when the job ends before."""
        waiter = _Waiter(request, asyncio.get_running_loop().create_future())
        line = self._waiting.setdefault(job.job_id, [])
        line.append(waiter)
        try:
            await waiter.future
        finally:
            if waiter in line:
                line.remove(waiter)
            if not line:
                self._waiting.pop(job.job_id, None)

    def _room_made(self, job_id: int) -> None:
        """Let the steps that wait have what has become free, in the order in which they came."""
        job = self.queue.jobs.get(job_id)
        for waiter in list(self._waiting.get(job_id, ())):
            if waiter.future.done():
                continue
            try:
                if job is None:
                    raise SlurmError(Errno.INVALID_JOB_ID)
                fits = self.place(job, waiter.request) is not None
            except SlurmError as error:
                waiter.future.set_exception(error)
                continue
            if fits:
                waiter.future.set_result(None)
                return  # once its step has begun, the next one is looked at

    # -- the life of a step --------------------------------------------------------------------------------------------

    def begin(self, job: Job, placed: Placed, step: Step, tell: Tell) -> None:
        """A step starts: it holds its place from now on."""
        self._enter(step, placed.held)
        self._clients[step] = tell
        step.placed = placed.text()
        self.queue.changed(job)
        self.queue.write(lambda table: table.save_steps([step]))
        if self._waiting.get(job.job_id):
            self.queue.loop.call_soon(self._room_made, job.job_id)

    def expect(self, step: Step) -> None:
        """A step that began under an earlier controller: it holds its place until its client, or nobody, comes back."""
        self._enter(step, Placed.parse(step.placed).held if step.placed else ())

    def adopt(self, step: Step, tell: Tell) -> None:
        """The client of such a step is back."""
        self._clients[step] = tell

    def deserted(self, step: Step) -> bool:
        """True for a live step whose client has not come back."""
        return step not in self._clients

    def _enter(self, step: Step, held: Sequence[Held]) -> None:
        self.live.setdefault(step.job_id, []).append(step)
        self._held[step] = held
        self._watch_limit(step)

    def change_limit(self, step: Step, minutes: int) -> None:
        """A running step gets another time limit."""
        step.time_limit = minutes
        self._watch_limit(step)
        self.queue.write(lambda table: table.save_steps([step]))

    def _watch_limit(self, step: Step) -> None:
        self._no_limit(step)
        if step.time_limit != UNLIMITED:
            left = step.start_time + 60 * step.time_limit - self.queue.now()
            self._limits[step] = self.queue.loop.call_later(max(0.0, left), self._time_out, step)

    def _no_limit(self, step: Step) -> None:
        if timer := self._limits.pop(step, None):
            timer.cancel()

    def account(self, step: Step, tasks: Sequence[Sequence[Any]]) -> None:
        """What the client says of a step's tasks: number of the step, status, CPU times, memory."""
        step.user_seconds = sum(task[2] for task in tasks)
        step.system_seconds = sum(task[3] for task in tasks)
        step.max_rss = max((task[4] for task in tasks), default=0)
        step.exit_status = worst(task[1] for task in tasks)

    def end(self, step: Step, end: float, state: State | None = None) -> None:
        """A live step is over."""
        steps = self.live.get(step.job_id, [])
        if step not in steps:
            return
        steps.remove(step)
        if not steps:
            del self.live[step.job_id]
        self._held.pop(step, None)
        self._clients.pop(step, None)
        self._no_limit(step)
        step.pids = ()
        self.close(step, end, state)
        self._room_made(step.job_id)
        if job := self.queue.jobs.get(step.job_id):
            self.queue.allocations.step_over(job)

    def close(self, step: Step, end: float, state: State | None = None) -> None:
        """Write down the end of a step; ``state`` where its exit status does not say it."""
        step.end_time = end
        step.placed = ""
        if step.state is State.RUNNING:
            step.state = state or _state(step.exit_status)
        job = self.queue.jobs.get(step.job_id)
        if job and step.exit_status > job.derived_exit_status:
            job.derived_exit_status = step.exit_status
            self.queue.changed(job)
        self.queue.write(lambda table: table.save_steps([step]))

    def abandon(self, step: Step) -> None:
        """The client of a step has gone without a word: its tasks end."""
        kill_step(step)
        step.exit_status = _SIGKILL
        self.end(step, self.queue.now(), State.CANCELLED)

    def end_all(self, job: Job, end: float) -> None:
        """The job is over: so are its steps."""
        for step in list(self.of(job.job_id)):
            step.exit_status = _SIGTERM
            self.end(step, end, State.CANCELLED)
        self._room_made(job.job_id)

    # -- ending steps --------------------------------------------------------------------------------------------------

    def signal(self, job: Job, step: Step, number: int, user_id: int) -> None:
        """scancel sends a step a signal; SIGKILL cancels it."""
        if number == _SIGKILL:
            step.cancelled_by = user_id
        if tell := self._clients.get(step):
            tell(b"G", b"%d" % number)
        else:
            self.queue.executor_of(job).signal_step(job, step, number)

    def abort(self, job: Job, why: str) -> None:
        """The job is being ended: its clients say so, and end their tasks."""
        for step in self.of(job.job_id):
            if tell := self._clients.get(step):
                tell(b"A", why.encode())

    def _time_out(self, step: Step) -> None:
        step.state = State.TIMEOUT
        if tell := self._clients.get(step):
            tell(b"T", b" DUE TO TIME LIMIT")


def kill_step(step: Step) -> None:
    """SIGKILL to the tasks of a step that nobody looks after, and to what they have started."""
    marks = {b"SLURM_JOB_ID=%d" % step.job_id, b"SLURM_STEP_ID=%s" % step.step_id.encode()}
    for pid in step.pids:
        if not marks <= set(processes.read(f"/proc/{pid}/environ").split(b"\0")):
            continue  # the number belongs to another process by now
        task = processes.process(pid)
        for one in [*([task] if task else []), *processes.descendants(pid)]:
            processes.send_signal(one, _SIGKILL)


_NOT_NOW = {State.SUSPENDED: Errno.JOB_SUSPENDED, State.PENDING: Errno.JOB_PENDING}


def worst(statuses: Iterable[int]) -> int:
    """What one step's status is: that of a task that a signal ended, else the highest exit code."""
    return max(statuses, key=lambda status: (status & 0x7F, status), default=0) & 0xFF7F


def _state(status: int) -> State:
    if status & 0x7F:
        return State.CANCELLED
    return State.FAILED if status else State.COMPLETED


def timestamp(when: float) -> str:
    """Local time as slurmstepd writes it into notices."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when))
