"""The dstack executor: what the controller tells it to run runs as runs of a dstack server."""

import asyncio
import logging
import signal as signals
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from shim.config.dstack import parse_partition, parse_settings
from shim.config.settings import Config
from shim.executor.base import Events, Launch, LaunchAgain, NodeState, StepClient, Target, Usage
from shim.executor.dstack import control, fleet, groups, payload, upload
from shim.executor.dstack.calls import Calls
from shim.executor.dstack.carriers import Carrier, Task
from shim.executor.dstack.client import Client
from shim.executor.dstack.control import ControlDirectory
from shim.executor.dstack.conversation import Conversation
from shim.executor.dstack.credentials import find_credentials
from shim.executor.dstack.documents import NO_STEPS, Documents
from shim.executor.dstack.errors import DstackError, NotExpressible
from shim.executor.dstack.mapping import run_name, to_yaml
from shim.executor.dstack.output import Output
from shim.executor.dstack.relay import Relay
from shim.executor.dstack.server import Server
from shim.executor.dstack.underway import UnderWay
from shim.grammar.signal import parse_signal
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job, Step
from shim.job.request import UNLIMITED, Request
from shim.scheduler.need import Need, need_of

_LOG = logging.getLogger(__name__)

LIMIT_GRACE = 30
"""Seconds beyond the time limit after which a guest ends its job itself: the controller may be away."""

STOP_GRACE = 15.0
"""Seconds beyond KillWait after which a run whose guest does not end is stopped through dstack."""

_ONE_FLEET = "the components of a heterogeneous job share a run of dstack, thus its fleet, and none has nodes for all"


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
        self.shares_files = not self._uploads
        shared = [] if self._uploads else self._settings.shared
        root = folder / "dstack" if self._uploads else control.common_root(self._settings.control_dir, shared, folder)
        self._control = ControlDirectory(root)
        self._jobs = UnderWay(Calls(self._control))
        self._memory = folder / "dstack-nodes.json"
        controller = control.identity(folder / "dstack-controller")
        self._documents = Documents(
            config, self._settings, self._partitions, self._control, controller, lambda: self._server.fleets
        )
        self._loops: list[asyncio.Task[None]] = []

    # -- the protocol ------------------------------------------------------------------------------------------------

    async def open(self, events: Events) -> None:
        """Get ready. A server that does not answer is no error: nodes are down until it does."""
        self._jobs.events = events
        try:
            credentials = find_credentials(self._config.dstack, Path("~/.dstack/config.yml").expanduser())
        except DstackError as error:
            raise OSError(str(error)) from None
        self._control.prepare()
        self._server = Server(Client(credentials), self._partitions, self._memory, self._settings.window)
        await self._server.look_at_fleets({})
        self._conversation = Conversation(
            self._settings, self._server, self._jobs, self._documents, self._control, self._begin
        )
        self._loops = [asyncio.create_task(self._jobs.watch_files()), asyncio.create_task(self._conversation.talk())]

    def nodes(self) -> tuple[NodeState, ...]:
        """The instances of the project's fleets."""
        return self._server.nodes

    def adapt(self, need: Need, partition: str) -> Need:
        """GPU types in the words of the fleets; whole instances for jobs on several."""
        return fleet.adapt(need, self._nodes_of(partition), self._settings.gpu_types)

    def _nodes_of(self, partition: str) -> list[NodeState]:
        return [node for node in self.nodes() if partition in (node.partitions or ())]

    def check(self, request: Request, need: Need, partition: str) -> None:  # noqa: ARG002
        """Refuse what dstack has no word for."""
        self._conversation.look_soon = True
        self._jobs.wake.set()
        self._documents.check(request, partition)

    def check_components(self, jobs: Sequence[Job]) -> None:
        """Refuse components that one run of dstack cannot have."""
        self._documents.check_components(jobs)
        needs = [replace(need_of(job.request, self._config), component=True) for job in jobs]
        names = [job.partition.split(",")[0] for job in jobs]
        adapted = [(self.adapt(need, name), self._nodes_of(name)) for need, name in zip(needs, names, strict=True)]
        if not any(job.request.hold for job in jobs) and not fleet.holds_together(adapted):
            raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE, _ONE_FLEET)

    def describe(self, jobs: Sequence[Job]) -> str:
        """The task as ``dstack apply`` takes it: what was submitted, or would be now."""
        job = jobs[0]
        task = self._jobs.tasks.get(job.job_id)
        blocks = {share.node: 0 for one in jobs for share in one.shares}
        carrier = task.carrier if task else Carrier(run_name(job), blocks, tuple(jobs))
        try:
            return to_yaml(self._documents.document(carrier, self._control.job(job.job_id, job.restarts)))
        except NotExpressible as error:
            return f"# {error}\n"

    def start(self, launches: Iterable[Launch]) -> None:
        """Give each job to a worker that waits for one like it, or to a run of its own."""
        for launch in launches:
            known = self._jobs.tasks.get(launch.job_id)
            if known is not None and known.launch.restarts >= launch.restarts:
                continue
            try:
                self._begin(launch)
            except (NotExpressible, OSError) as error:
                self._jobs.not_launched(launch.job_id, launch.restarts, str(error))
        self._jobs.wake.set()

    def signal(self, job: Job, signal: int, target: Target) -> None:
        """Ask the job's guest to deliver a signal."""
        if self._uploads:
            _LOG.warning("job %d: no signal %d without shared files: dstack sends none", job.job_id, signal)
        elif task := self._jobs.tasks.get(job.job_id):
            self._jobs.request(task, f"signal {_signal_name(signal)} {target.value}\n")

    def signal_step(self, job: Job, step: Step, signal: int) -> None:  # noqa: ARG002
        """Ask the job's guest to deliver a signal to its steps."""
        self.signal(job, signal, Target.STEPS)

    def terminate(self, job: Job, notice: str, kill_wait: float) -> None:
        """End a job: before it has begun by taking it back, later through its guest, and if need be through dstack."""
        task = self._jobs.tasks.get(job.job_id)
        if task is None:
            asyncio.get_running_loop().call_soon(self._jobs.finish_unstarted, job.job_id, job.restarts)
            return
        task.ending = True
        carrier = task.carrier
        if not carrier.run_id and not carrier.attempts:
            self._jobs.carriers.remove(carrier)
            self._jobs.drop(task)
            self._jobs.finish_unstarted(job.job_id, job.restarts)
        elif carrier.worker and control.withdraw(carrier.worker, task.directory):
            self._jobs.drop(task)
            self._jobs.finish_unstarted(job.job_id, job.restarts)
        else:
            if not self._uploads:
                self._jobs.request(task, f"terminate {int(kill_wait)} terminated\n{notice}\n")
            by_itself = not self._uploads or job.ending == "TIMEOUT"  # a guest keeps the time limit wherever it is
            heard = by_itself and (task.seen_start or carrier.worker)
            patience = kill_wait + STOP_GRACE if heard else 0.0
            asyncio.get_running_loop().call_later(patience, self._jobs.stop_if_there, task)

    def reach(self, job: Job, client: StepClient, step: str = "") -> StepClient:
        """The nodes of a job take orders in its directory."""
        task = self._jobs.running_job(job.job_id)
        if task is None:
            raise SlurmError(Errno.ALREADY_DONE)
        if self._uploads:
            raise SlurmError(Errno.NOT_SUPPORTED, text=NO_STEPS)
        return Relay(client, task, step, self._control.guest, self._settings.drop_env)

    def release(self, job: Job) -> None:
        """End the run; of a heterogeneous allocation, that of its first component."""
        if job.job_id in self._jobs.tasks:
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
            carrier = self._jobs.carriers.by_name.get(name) or self._carrier(launch, name)
            carrier.attempts = 1  # dstack may or may not have it: the next look decides
            self._jobs.carriers.by_name.setdefault(name, carrier)
            if carrier not in self._jobs.carriers.waiting:
                self._jobs.carriers.waiting.append(carrier)
            carrier.task = self._jobs.tasks[job.job_id] = self._task(launch, directory, carrier)
            if control.record(directory, "started"):
                carrier.task.seen_start = job.start_time or time.time()
        self.start(again)
        self._jobs.recovered = True

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
        carrier = self._jobs.carriers.idle_worker(self._kind(job)) or self._carrier(launch, run_name(job))
        files = payload.job_files(launch, self._environment(launch), self._guest(job))
        if launch.components:
            files = {**files, groups.ENTRY: groups.entry_script(self._control.guest, directory)}
        self._control.write_job(directory, files)
        control.assign(directory, carrier.name)
        carrier.task = self._jobs.tasks[launch.job_id] = self._task(launch, directory, carrier)
        if carrier.worker:
            self._control.write_worker(carrier.worker)
            control.enqueue(carrier.worker, directory)
        if carrier.name not in self._jobs.carriers.by_name:
            self._jobs.carriers.add(carrier)

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
            prolog=self._documents.partition(job).prolog,
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


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
