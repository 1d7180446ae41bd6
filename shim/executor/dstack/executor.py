"""The dstack executor: what the controller tells it to run runs as runs of a dstack server."""

import asyncio
import contextlib
import logging
import os
import signal as signals
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from shim.config.dstack import PartitionSettings, parse_partition, parse_settings
from shim.config.settings import Config
from shim.executor.base import Ended, Events, Launch, LaunchAgain, NodeState, StepClient, Target, Usage
from shim.executor.dstack import control, fleet, groups, payload, upload, verdict
from shim.executor.dstack.calls import Calls
from shim.executor.dstack.carriers import Carrier, Carriers, Task
from shim.executor.dstack.client import Client
from shim.executor.dstack.control import ControlDirectory
from shim.executor.dstack.credentials import find_credentials
from shim.executor.dstack.errors import BadRequest, DstackError, NotExpressible, NotFound
from shim.executor.dstack.mapping import Site, run_name, task_of, to_yaml
from shim.executor.dstack.model import ENDED, Run
from shim.executor.dstack.output import Output, read_log
from shim.executor.dstack.relay import Relay
from shim.executor.dstack.server import Server
from shim.grammar.signal import parse_signal
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.request import UNLIMITED, Request
from shim.scheduler.need import Need, need_of

_LOG = logging.getLogger(__name__)

FILE_TICK = 0.1
"""Seconds between two looks for what guests have written, while there are any."""

FLEETS_BUSY, FLEETS_IDLE = 3.0, 30.0
"""Seconds between two looks at the fleets while something runs there, ours or not, and while nothing does."""

LIMIT_GRACE = 30
"""Seconds beyond the time limit after which a guest ends its job itself: the controller may be away."""

STOP_GRACE = 15.0
"""Seconds beyond KillWait after which a run whose guest does not end is stopped through dstack."""

LOG_LOOKS = 5
"""Looks at the log of a run that is over until its end is taken for missing."""

RESOURCES = "Resources"

_NO_STEPS = "without files that submit host and hosts share dstack runs batch scripts only: no step reaches its nodes"
_FROM_INSIDE = "steps of a batch job on dstack are started by srun inside of it"
_NO_GROUPS = "heterogeneous jobs need files that submit host and hosts share: only srun reaches the other components"


class DstackExecutor:
    """Runs jobs through one project of one dstack server."""

    name = "dstack"
    remote = True

    def __init__(self, config: Config, folder: Path) -> None:
        self._config = config
        self._settings = parse_settings(config.dstack)
        self._partitions = {
            p.name: parse_partition(p.dstack, p.name) for p in config.partitions if p.executor == self.name
        }
        self._uploads = self._settings.mode == "upload"
        shared = [] if self._uploads else self._settings.shared
        root = folder / "dstack" if self._uploads else control.common_root(self._settings.control_dir, shared, folder)
        self._control = ControlDirectory(root)
        self._calls = Calls(self._control.root / "calls")
        self._recovered = self._reconciled = False
        self._memory = folder / "dstack-nodes.json"
        self._controller = control.identity(folder / "dstack-controller")
        self._tasks: dict[int, Task] = {}
        self._carriers = Carriers()
        self._wake = asyncio.Event()
        self._look_soon = False
        self._loops: list[asyncio.Task[None]] = []

    # -- the protocol ------------------------------------------------------------------------------------------------

    async def open(self, events: Events) -> None:
        """Get ready. A server that does not answer is no error: nodes are down until it does."""
        self._events = events
        try:
            credentials = find_credentials(self._config.dstack, Path("~/.dstack/config.yml").expanduser())
        except DstackError as error:
            raise OSError(str(error)) from None
        self._control.prepare()
        self._server = Server(Client(credentials), self._partitions, self._memory, self._settings.window)
        await self._server.look_at_fleets({})
        self._loops = [asyncio.create_task(self._watch_files()), asyncio.create_task(self._talk())]

    def nodes(self) -> tuple[NodeState, ...]:
        """The instances of the project's fleets."""
        return self._server.nodes

    def adapt(self, need: Need, partition: str) -> Need:
        """GPU types in the words of the fleets; whole instances for jobs on several."""
        nodes = [node for node in self.nodes() if partition in (node.partitions or ())]
        return fleet.adapt(need, nodes, self._settings.gpu_types)

    def check(self, request: Request, need: Need, partition: str) -> None:  # noqa: ARG002
        """Refuse what dstack has no word for."""
        self._look_soon = True  # somebody is about to need the fleets
        self._wake.set()
        job = Job(0, request, os.getuid(), "", os.getgid(), "", 0.0, partition=partition)
        asked = _without_names(need_of(request, self._config))
        if self._uploads:
            self._check_upload(request)
        try:
            task_of(job, asked, self._site(job), ["sh"])
        except NotExpressible as error:
            raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE, str(error)) from error

    def _check_upload(self, request: Request) -> None:
        if not request.batch:
            raise SlurmError(Errno.NOT_SUPPORTED, text=_NO_STEPS)
        try:
            upload.check_size(Path(request.work_dir), self._settings.upload)
        except (NotExpressible, OSError) as error:
            raise SlurmError(Errno.NOT_SUPPORTED, text=str(error)) from error

    def check_components(self, jobs: Sequence[Job]) -> None:
        """Refuse components that one run of dstack cannot have."""
        try:
            if self._uploads:
                raise NotExpressible(_NO_GROUPS)
            self._group_task(jobs, "/", unplaced=True)
        except NotExpressible as error:
            raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE, str(error)) from error

    def describe(self, jobs: Sequence[Job]) -> str:
        """The task as ``dstack apply`` takes it: what was submitted, or would be now."""
        job = jobs[0]
        task = self._tasks.get(job.job_id)
        blocks = {share.node: 0 for one in jobs for share in one.shares}
        carrier = task.carrier if task else Carrier(run_name(job), blocks, tuple(jobs))
        try:
            return to_yaml(self._document(carrier, self._control.job(job.job_id, job.restarts)))
        except NotExpressible as error:
            return f"# {error}\n"

    def start(self, launches: Iterable[Launch]) -> None:
        """Give each job to a worker that waits for one like it, or to a run of its own."""
        for launch in launches:
            known = self._tasks.get(launch.job_id)
            if known is not None and known.launch.restarts >= launch.restarts:
                continue
            try:
                self._begin(launch)
            except (NotExpressible, OSError) as error:
                self._not_launched(launch.job_id, launch.restarts, str(error))
        self._wake.set()

    def signal(self, job: Job, signal: int, target: Target) -> None:
        """Ask the job's guest to deliver a signal."""
        if self._uploads:
            _LOG.warning("job %d: no signal %d without shared files: dstack sends none", job.job_id, signal)
        elif task := self._tasks.get(job.job_id):
            self._request(task, f"signal {_signal_name(signal)} {target.value}\n")

    def signal_step(self, job: Job, step: Step, signal: int) -> None:  # noqa: ARG002
        """Ask the job's guest to deliver a signal to its steps."""
        self.signal(job, signal, Target.STEPS)

    def terminate(self, job: Job, notice: str, kill_wait: float) -> None:
        """End a job: before it has begun by taking it back, later through its guest, and if need be through dstack."""
        task = self._tasks.get(job.job_id)
        if task is None:
            asyncio.get_running_loop().call_soon(self._finish_unstarted, job.job_id, job.restarts)
            return
        task.ending = True
        carrier = task.carrier
        if not carrier.run_id and not carrier.attempts:
            self._carriers.remove(carrier)
            self._drop(task)
            self._finish_unstarted(job.job_id, job.restarts)
        elif carrier.worker and control.withdraw(carrier.worker, task.directory):
            self._drop(task)
            self._finish_unstarted(job.job_id, job.restarts)
        else:
            if not self._uploads:
                self._request(task, f"terminate {int(kill_wait)} terminated\n{notice}\n")
            by_itself = not self._uploads or job.ending == "TIMEOUT"  # a guest keeps the time limit wherever it is
            heard = by_itself and (task.seen_start or carrier.worker)
            patience = kill_wait + STOP_GRACE if heard else 0.0
            asyncio.get_running_loop().call_later(patience, self._stop_if_there, task)

    def reach(self, job: Job, client: StepClient, step: str = "") -> StepClient:
        """The nodes of an allocation take orders; those of a batch job only from its own srun."""
        task = self._running_job(job.job_id)
        if task is None:
            raise SlurmError(Errno.ALREADY_DONE)
        if job.request.batch:
            raise SlurmError(Errno.NOT_SUPPORTED, text=_FROM_INSIDE)
        return Relay(client, task, step, self._control.guest, self._settings.drop_env)

    def release(self, job: Job) -> None:
        """End the run; of a heterogeneous allocation, that of its first component."""
        if job.job_id in self._tasks:
            self.terminate(job, "", 0)

    def usage(self, job: Job, pids: tuple[int, ...] = ()) -> Usage | None:  # noqa: ARG002
        """Not known: hosts do not tell."""
        return None

    def forget(self, job_id: int, restarts: int) -> None:
        """The end of this run is recorded."""
        self._control.forget_job(job_id, restarts)

    async def recover(self, running: Iterable[Job], launch_again: LaunchAgain) -> None:
        """Find each job's directory and the run of dstack it was given to."""
        again = []
        for job in running:
            launch = launch_again(job)
            directory = self._control.job(job.job_id, job.restarts)
            name = control.carrier_of(directory)
            if not name:
                again.append(launch)
                continue
            carrier = self._carriers.by_name.get(name) or self._carrier(launch, name)
            carrier.attempts = 1  # dstack may or may not have it: the next look decides
            self._carriers.by_name.setdefault(name, carrier)
            if carrier not in self._carriers.waiting:
                self._carriers.waiting.append(carrier)
            carrier.task = self._tasks[job.job_id] = self._task(launch, directory, carrier)
            if control.record(directory, "started"):
                carrier.task.seen_start = job.start_time or time.time()
        self._control.end_allocations({task.directory for task in self._tasks.values()})
        self.start(again)
        self._recovered = True

    async def close(self) -> None:
        """Stop looking; the runs go on."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._server.client.close()

    # -- beginning ---------------------------------------------------------------------------------------------------

    def _begin(self, launch: Launch) -> None:
        job = launch.job
        directory = self._control.job(launch.job_id, launch.restarts)
        carrier = self._carriers.idle_worker(self._kind(job)) or self._carrier(launch, run_name(job))
        files = payload.job_files(launch, self._environment(launch), self._guest(job))
        if launch.components:
            files = {**files, groups.ENTRY: groups.entry_script(self._control.guest, directory)}
        self._control.write_job(directory, files)
        control.assign(directory, carrier.name)
        carrier.task = self._tasks[launch.job_id] = self._task(launch, directory, carrier)
        if carrier.worker:
            self._control.write_worker(carrier.worker)
            control.enqueue(carrier.worker, directory)
        if carrier.name not in self._carriers.by_name:
            self._carriers.add(carrier)

    def _task(self, launch: Launch, directory: Path, carrier: Carrier) -> Task:
        return Task(launch, directory, carrier, output=Output(launch, directory) if self._uploads else None)

    def _carrier(self, launch: Launch, name: str) -> Carrier:
        job = launch.job
        jobs = launch.components or (job,)
        nodes = {node.name: node for node in self.nodes()}
        blocks = {}
        for share in (share for one in jobs for share in one.shares):
            node = nodes.get(share.node)
            blocks[share.node] = -(-share.cpus * node.blocks // node.cpus) if node else 1
        alone = self._uploads or job.array is None or len(blocks) > 1 or job.request.exclusive
        packs = self._settings.pack and not alone
        worker = self._control.worker(name) if packs else None
        return Carrier(name, blocks, jobs, worker, self._kind(job) if packs else ())

    def _kind(self, job: Job) -> tuple[object, ...]:
        """Tasks of one array on one node, with equal shares, may follow each other in a worker."""
        return (job.array_job_id, job.partition, *((s.node, s.cpus, s.memory, len(s.gpus)) for s in job.shares))

    def _environment(self, launch: Launch) -> list[tuple[bytes, bytes]]:
        keep = [name for name in launch.job.request.container_env.split(",") if name]
        return payload.renumber_gpus(payload.carried(launch.environment, self._settings.drop_env, keep))

    def _guest(self, job: Job) -> payload.Guest:
        limit = 0 if job.time_limit >= UNLIMITED else job.time_limit * 60
        shared = payload.Guest(
            kill_wait=int(self._config.kill_wait),
            limit=limit and limit + LIMIT_GRACE,
            prolog=self._partition(job).prolog,
        )
        if not self._uploads:
            return shared
        uploaded = replace(shared, limit=limit, terminal=True, folder=f"./{upload.PATH}")
        if not limit or not job.request.signal:
            return uploaded
        warning = parse_signal(job.request.signal)
        target = "batch" if warning.batch_only else "steps"
        return replace(
            uploaded, warn_signal=_signal_name(warning.number), warn_before=warning.seconds, warn_target=target
        )

    def _partition(self, job: Job) -> PartitionSettings:
        return self._partitions.get(job.partition.split(",")[0]) or PartitionSettings()

    def _site(self, job: Job) -> Site:
        instances = [instance for fleet in self._server.fleets for instance in fleet.instances]
        return Site(
            settings=self._settings,
            partition=self._partition(job),
            cluster=self._config.cluster_name,
            controller=self._controller,
            kill_wait=self._config.kill_wait,
            instances=frozenset(instance.name for instance in instances),
            gpu_names=tuple({instance.gpu_name for instance in instances if instance.gpu_name}),
        )

    # -- what guests write -------------------------------------------------------------------------------------------

    async def _watch_files(self) -> None:
        """Report starts and ends as soon as guests have written them down."""
        while True:
            await asyncio.sleep(FILE_TICK)
            for task in list(self._tasks.values()):
                if task.carrier.run_id or task.carrier.attempts:
                    self._look_at(task)
            if self._recovered:
                self._calls.look(self._running_job, self._events.called)

    def _running_job(self, job_id: int) -> Task | None:
        """The task of a job, or of the heterogeneous job that it is a component of."""
        if task := self._tasks.get(job_id):
            return task
        tasks = (task for task in self._tasks.values() if len(task.carrier.jobs) > 1)
        return next((task for task in tasks if any(job.job_id == job_id for job in task.carrier.jobs)), None)

    def _look_at(self, task: Task) -> None:
        job_id, restarts, now = task.launch.job_id, task.launch.restarts, time.time()
        if not task.seen_start and (started := control.record(task.directory, "started")):
            task.seen_start = now
            start = float(started["start"])
            start = start if abs(start - now) < verdict.SKEW else now
            self._events.started(job_id, restarts, task.carrier.name, start)
        if ended := control.record(task.directory, "ended"):
            task.seen_start = task.seen_start or now  # it may have failed before it began
            self._drop(task)
            self._wake.set()
            if ended.get("reason") == "stopped" and task.carrier.worker:
                task.carrier.stopping = True
            self._events.finished(verdict.from_record(job_id, restarts, ended, task.seen_start, now))

    # -- what dstack says --------------------------------------------------------------------------------------------

    async def _talk(self) -> None:
        """One conversation with the server: fleets, runs, submissions; nothing while nobody needs it."""
        fleets_due = 0.0
        while True:
            pause = self._settings.poll if self._carriers.by_name else self._fleets_pause
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(pause, self._server.wait))
            self._wake.clear()
            try:
                if self._carriers.waiting or self._look_soon or time.monotonic() >= fleets_due:
                    self._look_soon = False
                    await self._look_at_fleets()
                    fleets_due = time.monotonic() + self._fleets_pause
                await self._submit_waiting()
                await self._look_at_runs()
            except Exception:  # a look that fails must not be the last one
                _LOG.exception("while talking to dstack")

    @property
    def _fleets_pause(self) -> float:
        others = any(node.taken_cpus or node.state != "IDLE" for node in self.nodes())
        return FLEETS_BUSY if self._carriers.by_name or others else FLEETS_IDLE

    async def _look_at_fleets(self) -> None:
        if await self._server.look_at_fleets(self._carriers.held_blocks()):
            self._events.capacity_changed()

    async def _submit_waiting(self) -> None:
        """Submit, in order, what the fleets have room for now."""
        free, room = self._server.free_blocks, self._server.room(self._carriers.held_blocks())
        for carrier in list(self._carriers.waiting):
            if self._server.trouble:
                self._hand_back(carrier, self._server.trouble)
            elif carrier.attempts or all(free.get(node, some) >= some for node, some in carrier.blocks.items()):
                for node in free.keys() & carrier.blocks.keys():  # the others are yet to be provisioned
                    free[node] -= carrier.blocks[node]
                await self._submit(carrier)
            elif any(room.get(node, some) < some for node, some in carrier.blocks.items()):
                self._hand_back(carrier, RESOURCES)  # others were quicker
            else:
                for node in carrier.nodes:
                    self._retire_idle(node)

    def _retire_idle(self, node: str) -> None:
        """Workers without work make room for others."""
        for idle in self._carriers.idle_on(node):
            assert idle.worker
            idle.stopping = True
            control.retire(idle.worker)

    async def _submit(self, carrier: Carrier) -> None:
        job, task = carrier.job, carrier.task
        try:
            if carrier.attempts:  # by a controller before this one, perhaps
                run = await self._named(carrier)
                if run is not None and self._is_mine(run, carrier):
                    self._has_run(carrier, run)
                    return
                if self._server.trouble:
                    return
            if task is not None and task.ending:
                self._carriers.remove(carrier)
                self._drop(task)
                self._finish_unstarted(task.launch.job_id, task.launch.restarts)
                return
            if task is not None and task.seen_start:
                self._lost(task, "the run is gone from dstack")
                self._carriers.remove(carrier)
                return
            carrier.attempts += 1
            directory = self._control.job(job.job_id, job.restarts)
            document = self._document(carrier, directory)
            archives: Sequence[tuple[str, str]] | None = ()
            if self._uploads:
                archives = await upload.send(self._server, job, directory, self._settings.upload)
            if archives is None:
                return
            run = await self._server.ask(lambda: self._server.client.apply(document, archives))
            if run is not None:
                self._has_run(carrier, run)
        except (BadRequest, NotExpressible, OSError) as error:
            await self._refused(carrier, error)

    async def _named(self, carrier: Carrier) -> Run | None:
        """The run that has the name of a carrier, whoever submitted it."""
        with contextlib.suppress(NotFound):
            return await self._server.ask(lambda: self._server.client.run_named(carrier.name))
        return None

    def _is_mine(self, run: Run, carrier: Carrier) -> bool:
        return run.tags.get("slurm-controller") == self._controller and run.tags.get("slurm-job") == str(
            carrier.job.job_id
        )

    async def _refused(self, carrier: Carrier, error: DstackError | OSError) -> None:
        """dstack does not want the run: because of its name, which another one has, or for good."""
        run = await self._named(carrier) if isinstance(error, BadRequest) else None
        if self._server.trouble:
            return
        if run is not None and self._is_mine(run, carrier) and not run.ended:
            self._has_run(carrier, run)  # an earlier attempt has arrived after all
            return
        if run is not None and not self._is_mine(run, carrier):  # it may have ended meanwhile
            self._carriers.remove(carrier)
            carrier.name += f"-{self._controller[:4]}"
            if carrier.task:
                control.assign(carrier.task.directory, carrier.name)
            self._carriers.add(carrier)
            self._wake.set()
            return
        _LOG.warning("%s: %s", carrier.name, error)
        self._carriers.remove(carrier)
        if task := carrier.task:
            self._drop(task)
            self._not_launched(task.launch.job_id, task.launch.restarts, str(error))

    def _has_run(self, carrier: Carrier, run: Run) -> None:
        carrier.run_id = run.id
        if carrier in self._carriers.waiting:
            self._carriers.waiting.remove(carrier)

    async def _look_at_runs(self) -> None:
        submitted = [carrier for carrier in self._carriers.by_name.values() if carrier.run_id]
        if self._reconciled and not submitted:
            return
        active = await self._server.ask(lambda: self._server.client.runs(only_active=True))
        if active is None:
            return
        await self._stop_unwanted(active)
        by_id = {run.id: run for run in active}
        for carrier in submitted:
            try:
                run = by_id.get(carrier.run_id) or await self._server.ask(
                    partial(self._server.client.run, carrier.run_id)
                )
                if run and carrier.task and carrier.task.output:
                    await read_log(self._server, carrier.task.output, run)
            except NotFound:
                self._gone(carrier)
            else:
                if run:
                    self._judge(carrier, run)

    async def _stop_unwanted(self, active: Iterable[Run]) -> None:
        """Stop what shall end, until it does, and runs of ours that no job is in: submitted as a controller died."""
        self._reconciled = self._recovered
        if names := [run.name for run in active if run.status != "terminating" and self._is_unwanted(run)]:
            with contextlib.suppress(BadRequest):
                await self._server.ask(lambda: self._server.client.stop(names))

    def _is_unwanted(self, run: Run) -> bool:
        if carrier := self._carriers.by_name.get(run.name):
            return carrier.unwanted and carrier.run_id == run.id
        return self._recovered and run.tags.get("slurm-controller") == self._controller

    def _gone(self, carrier: Carrier) -> None:
        """dstack knows nothing of a run any more."""
        self._carriers.remove(carrier)
        if task := carrier.task:
            self._look_at(task)
        if task := carrier.task:
            self._lost(task, "the run is gone from dstack")

    def _judge(self, carrier: Carrier, run: Run) -> None:
        """Act upon a run that is about to be over, or is."""
        task = carrier.task
        takes_orders = len(carrier.nodes) > 1 or not carrier.job.request.batch
        if task and takes_orders and not carrier.named and all(node.hostname for node in run.nodes):
            carrier.named = True
            planned = [[share.node for share in job.shares] for job in carrier.jobs]
            control.name_nodes(task.directory, fleet.names_by_rank(self.nodes(), planned, run))
        dead = run.ended or any(node.over for node in run.nodes)
        if task and dead:
            self._look_at(task)  # what the guest has written comes first
        if (task := carrier.task) and dead:
            task.lost_looks += 1
            if task.lost_looks > (LOG_LOOKS if self._uploads else 1):
                self._without_record(task, run)
        released = bool(run.nodes) and all(node.status in ENDED for node in run.nodes)
        if carrier.task is None and (run.ended or released):
            self._carriers.remove(carrier)
            self._wake.set()

    def _without_record(self, task: Task, run: Run) -> None:
        """The run is over and its guest has written nothing."""
        carrier, launch = task.carrier, task.launch
        self._carriers.remove(carrier)
        reasons = {node.reason for node in run.nodes}
        if carrier.worker and control.withdraw(carrier.worker, task.directory) and not task.ending:
            self._drop(task)
            self._begin(launch)  # it had not begun: another worker takes it
        elif verdict.NO_CAPACITY in reasons and not task.ending:
            self._drop(task)
            self._server.exhausted(carrier.nodes)
            self._events.not_started(launch.job_id, launch.restarts, RESOURCES)
        else:
            self._drop(task)
            _LOG.warning("job %d: dstack ended %s: %s", launch.job_id, run.name, ", ".join(filter(None, reasons)))
            ended = verdict.from_run(launch.job_id, launch.restarts, run, task.seen_start, time.time())
            self._events.finished(ended)

    # -- ends --------------------------------------------------------------------------------------------------------

    def _drop(self, task: Task) -> None:
        """The task is over: its carrier is free for another, if it is a worker."""
        self._tasks.pop(task.launch.job_id, None)
        self._calls.job_over(task)
        for tell in list(task.when_over):
            tell()
        if task.carrier.task is task:
            task.carrier.task = None

    def _hand_back(self, carrier: Carrier, reason: str) -> None:
        """A job that cannot be submitted now waits in the queue; one that may be submitted already stays."""
        if carrier.attempts or (task := carrier.task) is None:
            return
        self._carriers.remove(carrier)
        self._drop(task)
        self._events.not_started(task.launch.job_id, task.launch.restarts, reason)

    def _lost(self, task: Task, why: str) -> None:
        self._drop(task)
        launch = task.launch
        self._events.finished(Ended(launch.job_id, launch.restarts, 0, task.seen_start, time.time(), node_failure=why))

    def _not_launched(self, job_id: int, restarts: int, why: str) -> None:
        now = time.time()
        ended = Ended(job_id, restarts, 0, now, now, launch_failure=why)
        asyncio.get_running_loop().call_soon(self._events.finished, ended)

    def _finish_unstarted(self, job_id: int, restarts: int) -> None:
        now = time.time()
        self._events.finished(Ended(job_id, restarts, 0, now, now))

    def _request(self, task: Task, text: str) -> None:
        task.requests += 1
        try:
            control.request(task.directory, task.requests, text)
        except OSError as error:
            _LOG.warning("job %d: %s", task.launch.job_id, error)

    def _stop_if_there(self, task: Task) -> None:
        """Stop the run of a job that has not ended by itself."""
        if self._tasks.get(task.launch.job_id) is task:
            task.carrier.stopping = task.carrier.unwanted = True
            self._wake.set()

    def _document(self, carrier: Carrier, directory: Path) -> dict[str, Any]:
        """The task of dstack for a carrier. Raises NotExpressible."""
        job, guest = carrier.job, self._control.guest
        if len(carrier.jobs) > 1:
            return self._group_task(carrier.jobs, str(directory / groups.ENTRY)) | {"name": carrier.name}
        if self._uploads:
            written = upload.content(directory)
            command = payload.inline_command(written) or payload.archive_command()
        elif carrier.worker:
            command = ["/bin/sh", str(guest / "worker.sh"), str(carrier.worker), carrier.name]
        else:
            script = "node.sh" if len(carrier.nodes) > 1 or not job.request.batch else "job.sh"
            command = ["/bin/sh", str(guest / script), str(directory)]
        need = need_of(job.request, self._config)
        task = task_of(job, need, self._site(job), command, worker=carrier.worker is not None)
        return task | {"name": carrier.name}

    def _group_task(self, jobs: Sequence[Job], entry: str, unplaced: bool = False) -> dict[str, Any]:
        """The one task of all components of a heterogeneous job. Raises NotExpressible."""
        tasks = []
        for job in jobs:
            need = need_of(job.request, self._config)
            if unplaced:
                need = _without_names(need)
            tasks.append(task_of(job, need, self._site(job), ["sh"]))
        return groups.merge(tasks, entry)


def _without_names(need: Need) -> Need:
    """Nodes are chosen by the scheduler, by name."""
    return replace(need, constraint="", nodelist=(), exclude=())


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
