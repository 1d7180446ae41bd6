"""The conversation with the server: what is submitted, what became of it, what the fleets have."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from shim.config.dstack import Settings
from shim.executor.base import Launch
from shim.executor.dstack import control, fleet, upload, verdict
from shim.executor.dstack.carriers import Carrier, Task
from shim.executor.dstack.control import ControlDirectory
from shim.executor.dstack.documents import Documents
from shim.executor.dstack.errors import BadRequest, DstackError, NotExpressible, NotFound
from shim.executor.dstack.model import ENDED, Run
from shim.executor.dstack.output import read_log
from shim.executor.dstack.server import Server
from shim.executor.dstack.underway import UnderWay

_LOG = logging.getLogger(__name__)

FLEETS_BUSY, FLEETS_IDLE = 3.0, 30.0
"""Seconds between two looks at the fleets while something runs there, ours or not, and while nothing does."""

LOG_LOOKS = 5
"""Looks at the log of a run that is over until its end is taken for missing."""

RESOURCES = "Resources"


class Conversation:
    """One at a time, and none while nobody needs it."""

    def __init__(
        self,
        settings: Settings,
        server: Server,
        jobs: UnderWay,
        documents: Documents,
        control_directory: ControlDirectory,
        begin: Callable[[Launch], None],
    ) -> None:
        self._settings, self._server, self._jobs, self._documents = settings, server, jobs, documents
        self._control, self._begin = control_directory, begin
        self._uploads = settings.mode == "upload"
        self._controller = documents.controller
        self._reconciled = False
        self.look_soon = False  # somebody is about to need the fleets

    async def talk(self) -> None:
        """One conversation with the server: fleets, runs, submissions; nothing while nobody needs it."""
        fleets_due = 0.0
        while True:
            pause = self._settings.poll if self._jobs.carriers.by_name else self._fleets_pause
            with contextlib.suppress(TimeoutError):  # not wait_for, which loses a cancellation at the wrong moment
                async with asyncio.timeout(max(pause, self._server.wait)):
                    await self._jobs.wake.wait()
            self._jobs.wake.clear()
            try:
                if self._jobs.carriers.waiting or self.look_soon or time.monotonic() >= fleets_due:
                    self.look_soon = False
                    await self._look_at_fleets()
                    fleets_due = time.monotonic() + self._fleets_pause
                await self._submit_waiting()
                await self._look_at_runs()
            except Exception:  # a look that fails must not be the last one
                _LOG.exception("while talking to dstack")

    @property
    def _fleets_pause(self) -> float:
        others = any(node.taken_cpus or node.state != "IDLE" for node in self._server.nodes)
        return FLEETS_BUSY if self._jobs.carriers.by_name or others else FLEETS_IDLE

    async def _look_at_fleets(self) -> None:
        if await self._server.look_at_fleets(self._jobs.carriers.held_blocks()):
            self._jobs.events.capacity_changed()

    async def _submit_waiting(self) -> None:
        """Submit, in order, what the fleets have room for now."""
        free, room = self._server.free_blocks, self._server.room(self._jobs.carriers.held_blocks())
        for carrier in list(self._jobs.carriers.waiting):
            if self._server.trouble:
                self._jobs.hand_back(carrier, self._server.trouble)
            elif carrier.attempts or all(free.get(node, some) >= some for node, some in carrier.blocks.items()):
                for node in free.keys() & carrier.blocks.keys():  # the others are yet to be provisioned
                    free[node] -= carrier.blocks[node]
                await self._submit(carrier)
            elif any(room.get(node, some) < some for node, some in carrier.blocks.items()):
                self._jobs.hand_back(carrier, RESOURCES)  # others were quicker
            else:
                for node in carrier.nodes:
                    self._retire_idle(node)

    def _retire_idle(self, node: str) -> None:
        """Workers without work make room for others."""
        for idle in self._jobs.carriers.idle_on(node):
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
            if task is not None and task.seen_start:
                if self._jobs.forgotten(task):
                    self._jobs.carriers.remove(carrier)
                return
            if task is not None and task.ending:
                self._jobs.carriers.remove(carrier)
                self._jobs.drop(task)
                self._jobs.finish_unstarted(task.launch.job_id, task.launch.restarts)
                return
            carrier.attempts += 1
            directory = self._control.job(job.job_id, job.restarts)
            document = self._documents.document(carrier, directory)
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
            self._jobs.carriers.remove(carrier)
            carrier.name += f"-{self._controller[:4]}"
            if carrier.task:
                control.assign(carrier.task.directory, carrier.name)
            self._jobs.carriers.add(carrier)
            self._jobs.wake.set()
            return
        _LOG.warning("%s: %s", carrier.name, error)
        self._jobs.carriers.remove(carrier)
        if task := carrier.task:
            self._jobs.drop(task)
            self._jobs.not_launched(task.launch.job_id, task.launch.restarts, str(error))

    def _has_run(self, carrier: Carrier, run: Run) -> None:
        carrier.run_id = run.id
        if carrier in self._jobs.carriers.waiting:
            self._jobs.carriers.waiting.remove(carrier)

    async def _look_at_runs(self) -> None:
        submitted = [carrier for carrier in self._jobs.carriers.by_name.values() if carrier.run_id]
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
        self._reconciled = self._jobs.recovered
        if names := [run.name for run in active if run.status != "terminating" and self._is_unwanted(run)]:
            with contextlib.suppress(BadRequest):
                await self._server.ask(lambda: self._server.client.stop(names))

    def _is_unwanted(self, run: Run) -> bool:
        if carrier := self._jobs.carriers.by_name.get(run.name):
            return carrier.unwanted and carrier.run_id == run.id
        return self._jobs.recovered and run.tags.get("slurm-controller") == self._controller

    def _gone(self, carrier: Carrier) -> None:
        """dstack knows nothing of a run any more."""
        carrier.stopping = True  # no further job for one that nobody else knows
        if carrier.task is None or self._jobs.forgotten(carrier.task):
            self._jobs.carriers.remove(carrier)

    def _judge(self, carrier: Carrier, run: Run) -> None:
        """Act upon a run that is about to be over, or is."""
        task = carrier.task
        takes_orders = len(carrier.nodes) > 1 or not carrier.job.request.batch
        if task and takes_orders and not carrier.named and all(node.hostname for node in run.nodes):
            carrier.named = True
            planned = [[share.node for share in job.shares] for job in carrier.jobs]
            control.name_nodes(task.directory, fleet.names_by_rank(self._server.nodes, planned, run))
        dead = run.ended or any(node.over for node in run.nodes)
        if task and dead:
            self._jobs.look_at(task)  # what the guest has written comes first
        if (task := carrier.task) and dead:
            task.lost_looks += 1
            if task.lost_looks > (LOG_LOOKS if self._uploads else 1):
                self._without_record(task, run)
        released = bool(run.nodes) and all(node.status in ENDED for node in run.nodes)
        if carrier.task is None and (run.ended or released):
            self._jobs.carriers.remove(carrier)
            self._jobs.wake.set()

    def _without_record(self, task: Task, run: Run) -> None:
        """The run is over and its guest has written nothing."""
        carrier, launch = task.carrier, task.launch
        self._jobs.carriers.remove(carrier)
        reasons = {node.reason for node in run.nodes}
        if carrier.worker and control.withdraw(carrier.worker, task.directory) and not task.ending:
            self._jobs.drop(task)
            self._begin(launch)  # it had not begun: another worker takes it
        elif verdict.NO_CAPACITY in reasons and not task.ending:
            self._jobs.drop(task)
            self._server.exhausted(carrier.nodes)
            self._jobs.events.not_started(launch.job_id, launch.restarts, RESOURCES)
        else:
            self._jobs.drop(task)
            _LOG.warning("job %d: dstack ended %s: %s", launch.job_id, run.name, ", ".join(filter(None, reasons)))
            ended = verdict.from_run(launch.job_id, launch.restarts, run, task.seen_start, time.time())
            self._jobs.events.finished(ended)
