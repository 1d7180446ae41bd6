"""The local executor: what the controller tells it to run runs on this machine."""

import asyncio
import os
import resource
import signal as signals
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shim.config.settings import Config
from shim.executor.base import Ended, Events, Launch, LaunchAgain, NodeState, StepClient, Target, Usage
from shim.executor.local import machine, processes, reach, script, spool, supervisor
from shim.executor.local.folders import Folders
from shim.executor.local.pool import Pool, Supervisor
from shim.job.record import Job, Step
from shim.job.request import Request
from shim.marks import SRUN
from shim.scheduler.need import Need

_AGAIN = 0.02
"""Seconds until processes are looked for again that are about to begin or to end."""

_ATTEMPTS = 5
_KILL_AGAIN = 1.0
"""Seconds between two rounds of SIGKILL."""


@dataclass(slots=True, eq=False)
class Run:
    """One run this controller knows of, and the supervisor that carries it out (pid 0: not known yet)."""

    job_id: int
    restarts: int
    folder: str
    std_err: str
    launch: Callable[[], Launch]
    pid: int = 0
    start: int = 0
    pidfd: int = -1  # of a supervisor that another controller began
    kill: asyncio.TimerHandle | None = None
    failures: int = 0  # supervisors that died before they could take it
    over: bool = False


class LocalExecutor:
    """Runs jobs on this machine. ``step_pids`` names the processes of a job's steps that srun registered."""

    name = "local"
    remote = False
    shares_files = True

    def __init__(self, config: Config, state_dir: str, step_pids: Callable[[int], Iterable[int]]) -> None:
        self._config = config
        self._state_dir = state_dir
        self._spool = os.path.join(state_dir, "spool")
        self._step_pids = step_pids
        self._nodes: tuple[NodeState, ...] = ()
        self._runs: dict[int, Run] = {}
        self._boot = processes.boot_id()

    async def open(self, events: Events) -> None:
        """Get ready. Raises OSError where the spool folder cannot be made."""
        self._events = events
        self._loop = asyncio.get_running_loop()
        Path(self._spool).mkdir(0o700, parents=True, exist_ok=True)
        _write_helper(f"{self._spool}/{script.HELPER}")
        self._nodes = machine.nodes(self._config)
        self._folders = Folders(self._spool)
        self._pool = Pool(self._heard, keep=2 * sum(node.cpus for node in self._nodes), file_limit=_raise_file_limit())

    def nodes(self) -> tuple[NodeState, ...]:
        """The configured nodes, or this machine."""
        return self._nodes

    def adapt(self, need: Need, partition: str) -> Need:  # noqa: ARG002
        """Nodes here speak Slurm's language."""
        return need

    def check(self, request: Request, need: Need, partition: str) -> None:
        """Nothing that fits on the nodes is refused."""

    def check_components(self, jobs: Sequence[Job]) -> None:
        """Any will do."""

    def describe(self, jobs: Sequence[Job]) -> str:  # noqa: ARG002
        """A supervisor on this machine has no language of its own."""
        return ""

    def start(self, launches: Iterable[Launch]) -> None:
        """Hand each run to a supervisor."""
        begun = []
        for launch in launches:
            known = self._runs.get(launch.job_id)
            if known is not None and known.restarts >= launch.restarts:
                continue
            self._folders.clear(launch.job_id)
            run = self._add(launch.job_id, launch.restarts, launch.std_err, lambda launch=launch: launch)  # type: ignore[misc]
            try:
                if self._order(run, launch):
                    begun.append(run)
            except OSError as error:  # no descriptors left
                self._loop.call_soon(self._not_started, run, error.strerror or "")
        if begun:
            self._loop.call_soon(self._started, begun)

    async def recover(self, running: Iterable[Job], launch_again: LaunchAgain) -> None:
        """Find each of these runs again by its job folder."""
        jobs = list(running)
        self._folders.sweep({job.job_id for job in jobs})
        for job in jobs:
            launch = launch_again(job)
            run = self._add(job.job_id, job.restarts, launch.std_err, lambda job=job: launch_again(job))  # type: ignore[misc]
            self._look(run)

    def signal(self, job: Job, signal: int, target: Target) -> None:
        """Send a signal to processes of a running job."""
        run = self._runs.get(job.job_id)
        if run is None:
            return
        if not self._claimed(run):
            self._loop.call_later(_AGAIN, self._signal_later, run, job, signal, target)
            return
        for one in self._but_tasks(run) if target is Target.FULL else self._targets(run, target):
            processes.send_signal(one, signal)

    def signal_step(self, job: Job, step: Step, signal: int) -> None:
        """Send a signal to the tasks of one step, and to what they have started."""
        run = self._runs.get(job.job_id)
        if run is not None:
            for one in reach.targets(run.pid, run.start, Target.STEPS, set(step.pids)):
                processes.send_signal(one, signal)

    def terminate(self, job: Job, notice: str, kill_wait: float) -> None:
        """End a run: SIGCONT and SIGTERM, after ``kill_wait`` seconds SIGKILL, to all its processes."""
        run = self._runs.get(job.job_id)
        if run is None or run.over:
            return
        self._terminate(run, notice)
        deadline = self._loop.call_later(kill_wait, self._kill_script, run)
        if run.kill:
            run.kill.cancel()
        run.kill = deadline

    def reach(self, job: Job, client: StepClient, step: str = "") -> StepClient:  # noqa: ARG002
        """The client runs the tasks itself."""
        return client

    def release(self, job: Job) -> None:
        """An allocation here has no run."""

    def usage(self, job: Job, pids: tuple[int, ...] = ()) -> Usage | None:
        """What the processes of a running job use now, or these of them and all below; None if there are none."""
        run = self._runs.get(job.job_id)
        if run is None:
            return None
        below = reach.targets(run.pid, run.start, Target.STEPS if pids else Target.ALL, set(pids))
        if not below:
            return None
        return Usage(
            cpu_seconds=sum(one.cpu for one in below) / processes.TICKS,
            rss=sum(one.rss for one in below),
            max_rss=max(one.rss for one in below),
            pids=tuple(one.pid for one in below),
        )

    def forget(self, job_id: int, restarts: int) -> None:
        """The end of this run is committed: its folder may go."""
        if job_id not in self._runs:
            self._folders.forget(job_id, restarts)

    async def close(self) -> None:
        """Let go of everything but the runs: they go on."""
        self._folders.close()
        for run in list(self._runs.values()):
            self._drop(run)
        self._pool.close()

    # --- runs

    def _add(self, job_id: int, restarts: int, std_err: str, launch: Callable[[], Launch]) -> Run:
        run = Run(job_id, restarts, spool.folder(self._spool, job_id), std_err, launch)
        self._runs[job_id] = run
        return run

    def _order(self, run: Run, launch: Launch) -> bool:
        """Hand the run to a supervisor; True if it is one whose name is known."""
        chosen = self._pool.take()
        chosen.run = run
        run.pid, run.start = chosen.pid, chosen.start
        self._pool.send(chosen, order_of(launch, self._spool, self._folders.reuse(chosen)))
        return bool(chosen.pid)

    def _started(self, runs: Iterable[Run]) -> None:
        now = time.time()
        for run in runs:
            if run.over:
                continue
            self._events.started(run.job_id, run.restarts, self._handle(run), now)

    def _handle(self, run: Run) -> str:
        return f"{run.pid}:{run.start}:{self._boot}"

    def _heard(self, who: Supervisor, message: tuple[object, object] | None) -> None:
        """A supervisor says its name, or how its run went, or is gone."""
        run: Run | None = who.run
        if message is None:
            self._folders.part(who)
            if run is not None:
                self._deserted(run, who)
            return
        word, text = message
        if isinstance(word, int):
            who.pid, who.start = word, int(str(text))
            if run is not None:
                run.pid, run.start = who.pid, who.start
                self._started((run,))
            return
        if run is None:
            return
        if word == supervisor.SCRIPT_OVER:
            self._events.script_over(_ended(run, spool.Exit.parse(str(text))))
            return
        if word == supervisor.FINISHED:
            self._folders.keep(run.job_id, run.restarts, who)
        self._pool.give_back(who)
        if word == supervisor.FINISHED:
            self._finish(run, spool.Exit.parse(str(text)))
        elif word == supervisor.NOT_STARTED:
            self._not_started(run, str(text))
        else:
            self._look(run)

    def _deserted(self, run: Run, who: Supervisor) -> None:
        """The supervisor is gone. Without having said its name it has not read its order either."""
        if who.pid:
            self._look(run)
            return
        run.failures += 1
        if run.failures < _ATTEMPTS:
            self._loop.call_later(_AGAIN, self._look, run)
            return
        self._not_started(run, "no supervisor could be started")

    def _not_started(self, run: Run, reason: str) -> None:
        self._drop(run)
        self._events.not_started(run.job_id, run.restarts, reason)

    def _look(self, run: Run) -> None:
        """Decide by the job folder what has become of a run whose supervisor does not say."""
        if run.over:
            return
        mark = self._mark(run)
        if mark is None:
            spool.remove(run.folder)  # of an earlier run of the job
            try:
                if self._order(run, run.launch()):
                    self._started((run,))
            except OSError as error:
                self._not_started(run, error.strerror or "")
        elif mark.exit is not None:
            self._finish(run, mark.exit)
        elif mark.boot == self._boot and processes.alive(mark.pid, mark.start):
            self._follow(run, mark)
        else:
            mark = self._mark(run)  # the supervisor may have made its last mark after the first look
            if mark is not None and mark.exit is not None:
                self._finish(run, mark.exit)
            elif mark is not None:
                self._lost(run, mark)

    def _mark(self, run: Run) -> spool.Mark | None:
        """The mark of this very run in its folder."""
        mark = spool.read(run.folder)
        return mark if mark is not None and (mark.job_id, mark.restarts) == (run.job_id, run.restarts) else None

    def _follow(self, run: Run, mark: spool.Mark) -> None:
        """Watch a supervisor that another controller began: it ends when its run is recorded."""
        run.pid, run.start = mark.pid, mark.start
        try:
            run.pidfd = os.pidfd_open(mark.pid)
        except ProcessLookupError:
            self._loop.call_soon(self._look, run)
            return
        self._loop.add_reader(run.pidfd, self._followed_ended, run)
        self._events.started(run.job_id, run.restarts, self._handle(run), spool.began(run.folder))

    def _followed_ended(self, run: Run) -> None:
        self._release(run)
        self._look(run)

    def _lost(self, run: Run, mark: spool.Mark) -> None:
        """The supervisor died before its run did: end the rest, and say so when there is none left."""
        if run.over:
            return
        if not mark.script and not spool.seize(run.folder, mark):
            self._loop.call_soon(self._look, run)
            return
        rest = reach.orphans(mark, self._state_dir, run.pid == mark.pid) if mark.boot == self._boot else []
        for one in rest:
            processes.send_signal(one, signals.SIGKILL)
        if rest:
            self._loop.call_later(_AGAIN, self._lost, run, mark)
            return
        began = spool.began(run.folder)
        self._drop(run)
        self._events.finished(
            Ended(run.job_id, run.restarts, 0, began, max(began, time.time()), node_failure="its supervisor died")
        )

    def _finish(self, run: Run, record: spool.Exit) -> None:
        self._drop(run)
        self._events.finished(_ended(run, record))

    def _drop(self, run: Run) -> None:
        self._release(run)
        run.over = True
        if self._runs.get(run.job_id) is run:
            del self._runs[run.job_id]

    def _release(self, run: Run) -> None:
        if run.kill:
            run.kill.cancel()
            run.kill = None
        if run.pidfd >= 0:
            self._loop.remove_reader(run.pidfd)
            os.close(run.pidfd)
            run.pidfd = -1

    # --- signals

    def _claimed(self, run: Run) -> bool:
        """True once the run's process is there; before, a signal would find nobody."""
        mark = self._mark(run) if run.pid else None
        return mark is not None and mark.script != 0

    def _signal_later(self, run: Run, job: Job, signal: int, target: Target) -> None:
        if not run.over:
            self.signal(job, signal, target)

    def _targets(self, run: Run, target: Target) -> list[processes.Process]:
        steps = set(self._step_pids(run.job_id)) if target is Target.STEPS else set()
        return reach.targets(run.pid, run.start, target, steps)

    def _but_tasks(self, run: Run) -> list[processes.Process]:
        """All processes but tasks of steps, whose own srun ends them."""
        below = self._targets(run, Target.ALL)
        tasks = processes.below_srun(below)
        return [one for one in below if one.pid not in tasks]

    def _terminate(self, run: Run, notice: str) -> None:
        if run.over:
            return
        if not self._claimed(run):
            self._loop.call_later(_AGAIN, self._terminate, run, notice)
            return
        if notice:
            reach.add_notice(run.std_err, notice)  # which is there by now, and will not be emptied again
        for one in self._but_tasks(run):
            processes.send_signal(one, signals.SIGCONT)
            processes.send_signal(one, signals.SIGTERM)

    def _kill_script(self, run: Run) -> None:
        """SIGKILL to all but steps: their clients kill those at this moment, and have a little longer to tell of it."""
        for one in self._but_tasks(run):
            if one.name != SRUN:
                processes.send_signal(one, signals.SIGKILL)
        run.kill = self._loop.call_later(_KILL_AGAIN, self._kill, run)

    def _kill(self, run: Run) -> None:
        """SIGKILL to everything, again and again until the supervisor reports the end."""
        for one in self._targets(run, Target.ALL):
            processes.send_signal(one, signals.SIGKILL)
        run.kill = self._loop.call_later(_KILL_AGAIN, self._kill, run)


def _ended(run: Run, record: spool.Exit) -> Ended:
    return Ended(
        job_id=run.job_id,
        restarts=run.restarts,
        exit_status=record.status,
        start_time=record.start,
        end_time=record.end,
        launch_failure=record.launch_failure,
        out_of_memory=record.out_of_memory,
        user_seconds=record.user,
        system_seconds=record.system,
        max_rss=record.max_rss,
    )


def order_of(launch: Launch, spool_dir: str, recycle: bool) -> tuple[object, ...]:
    """A launch as a supervisor takes it."""
    return (
        launch.job_id,
        launch.restarts,
        spool_dir,
        recycle,
        launch.script,
        launch.arguments,
        launch.environment,
        launch.work_dir,
        launch.std_out,
        launch.std_err,
        launch.std_in,
        launch.append,
        launch.umask,
        launch.rlimits,
        launch.memory_limit,
    )


def _raise_file_limit() -> int:
    """Each running job takes a descriptor of the controller. Returns the soft limit of before, for the jobs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft


def _write_helper(path: str) -> None:
    """Put the helper in its place whole: bash may read it at any moment."""
    Path(f"{path}.new").write_bytes(script.HELPER_TEXT)
    Path(f"{path}.new").rename(path)
