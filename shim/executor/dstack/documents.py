"""What dstack is told to run for a job, and what it cannot be told: the site, the job and its place as one document."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shim.config.dstack import PartitionSettings, Settings
from shim.config.settings import Config
from shim.executor.dstack import groups, payload, upload
from shim.executor.dstack.carriers import Carrier
from shim.executor.dstack.control import ControlDirectory
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.mapping import Site, task_of
from shim.executor.dstack.model import Fleet
from shim.job.errors import Errno, SlurmError
from shim.job.record import Job
from shim.job.request import Request
from shim.scheduler.need import Need, need_of

NO_STEPS = "without files that submit host and hosts share dstack runs batch scripts only: no step reaches its nodes"
_NO_GROUPS = "heterogeneous jobs need files that submit host and hosts share: only srun reaches the other components"


class Documents:
    """Makes them. ``controller`` tells the runs of this one from those of others on the project."""

    def __init__(
        self,
        config: Config,
        settings: Settings,
        partitions: Mapping[str, PartitionSettings],
        control: ControlDirectory,
        controller: str,
        fleets: Callable[[], Sequence[Fleet]],
    ) -> None:
        self._config, self._settings, self._partitions, self._control = config, settings, partitions, control
        self.controller = controller
        self._fleets = fleets
        self._uploads = settings.mode == "upload"

    def check(self, request: Request, partition: str) -> None:
        """Refuse what dstack has no word for. Raises SlurmError."""
        job = Job(0, request, os.getuid(), "", os.getgid(), "", 0.0, partition=partition)
        asked = _without_names(need_of(request, self._config))
        if self._uploads:
            self._check_upload(request)
        try:
            task_of(job, asked, self._site(job), ["sh"])
        except NotExpressible as error:
            raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE, str(error)) from error

    def check_components(self, jobs: Sequence[Job]) -> None:
        """Refuse components that one run of dstack cannot have."""
        try:
            if self._uploads:
                raise NotExpressible(_NO_GROUPS)
            self._group_task(jobs, "/", unplaced=True)
        except NotExpressible as error:
            raise SlurmError(Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE, str(error)) from error

    def _check_upload(self, request: Request) -> None:
        if not request.batch:
            raise SlurmError(Errno.NOT_SUPPORTED, text=NO_STEPS)
        try:
            upload.check_size(Path(request.work_dir), self._settings.upload)
        except (NotExpressible, OSError) as error:
            raise SlurmError(Errno.NOT_SUPPORTED, text=str(error)) from error

    def document(self, carrier: Carrier, directory: Path) -> dict[str, Any]:
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

    def partition(self, job: Job) -> PartitionSettings:
        """The settings of the (first) partition of a job."""
        return self._partitions.get(job.partition.split(",")[0]) or PartitionSettings()

    def _site(self, job: Job) -> Site:
        instances = [instance for fleet in self._fleets() for instance in fleet.instances]
        return Site(
            settings=self._settings,
            partition=self.partition(job),
            cluster=self._config.cluster_name,
            controller=self.controller,
            kill_wait=self._config.kill_wait,
            instances=frozenset(instance.name for instance in instances),
            gpu_names=tuple({instance.gpu_name for instance in instances if instance.gpu_name}),
        )


def _without_names(need: Need) -> Need:
    """Nodes are chosen by the scheduler, by name."""
    return replace(need, constraint="", nodelist=(), exclude=())
