"""The records of the queue that are in memory, under every name by which they are asked for."""

from shim.controller.arrays import Array
from shim.job.record import Job
from shim.job.states import State


class Records:
    """Jobs, arrays and heterogeneous jobs; the table keeps what is forgotten here."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.arrays: dict[int, Array] = {}
        self.het_jobs: dict[int, list[Job]] = {}  # the components of heterogeneous jobs, by the id of the first
        self.running: set[Job] = set()

    def job(self, job_id: int) -> Job | None:
        """The record under that id; the rest of an array goes by the array's id."""
        return self.jobs.get(job_id)

    def array_records(self, array_job_id: int) -> list[Job]:
        """All records of an array, the pending rest first; empty for what is no array."""
        array = self.arrays.get(array_job_id)
        return array.records() if array else []

    def find(self, job_id: int, task_id: int | None = None) -> list[Job]:
        """The records that ``job_id`` or ``job_id_task_id`` names: a whole array is all its records."""
        array = self.arrays.get(job_id)
        if task_id is None:
            if array:
                return array.records()
            job = self.jobs.get(job_id)
            return [job] if job else []
        if array is None:
            return []
        if task_id in array.tasks:
            return [array.tasks[task_id]]
        return [array.rest] if array.rest and array.rest.tasks is not None and task_id in array.rest.tasks else []

    def components(self, job: Job) -> list[Job]:
        """The components of a heterogeneous job, which start and end together; a plain job alone."""
        return self.het_jobs.get(job.het_job_id, [job]) if job.het_job_id else [job]

    def add(self, job: Job) -> None:
        """Enter a record that is new in memory into all indexes."""
        self.jobs[job.job_id] = job
        if job.array:
            array = self.arrays.get(job.array.job_id)
            if array is None:
                array = self.arrays[job.array.job_id] = Array(job.array, job.request.array)
            if job.tasks is not None:
                array.rest = job
            elif job.task_id is not None:
                array.tasks[job.task_id] = job
                array.unfinished += not job.state.finished
                array.running += job.state.active
        if job.het_job_id:
            parts = self.het_jobs.setdefault(job.het_job_id, [])
            parts.append(job)
            parts.sort(key=lambda part: part.het_job_offset)
        if job.state.active:
            self.running.add(job)

    def forget(self, job: Job) -> None:
        """Take a record out of memory; the table keeps it for accounting."""
        self.jobs.pop(job.job_id, None)
        if job.het_job_id and (parts := self.het_jobs.get(job.het_job_id)):
            parts.remove(job)
            if not parts:
                del self.het_jobs[job.het_job_id]
        if job.array and (array := self.arrays.get(job.array.job_id)):
            if job.task_id is not None and array.tasks.get(job.task_id) is job:
                del array.tasks[job.task_id]
                array.lost = array.lost or job.state is not State.COMPLETED
            if array.rest is job:
                array.rest = None
            if array.finished and not array.tasks and not array.rest:
                del self.arrays[job.array.job_id]
