"""Mail about jobs (sbatch man page, --mail-type and --mail-user), handed to the program slurm.conf calls MailProg."""

import asyncio
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.grammar.mail import MailType
from shim.grammar.timelimit import format_dhms
from shim.job.record import Job
from shim.job.request import UNLIMITED
from shim.job.states import State

if TYPE_CHECKING:
    from shim.controller.queue import Queue

AT_ONCE = 4
"""Mail programs that may run at the same time."""

LOOK_AGAIN = 30.0
"""Seconds after which a job is looked at again whose time limit is to be reported: it may have been changed."""

ENDED_WELL = frozenset({State.COMPLETED, State.CANCELLED})
ENDED_FROM_OUTSIDE = frozenset({State.CANCELLED, State.TIMEOUT, State.DEADLINE, State.PREEMPTED, State.NODE_FAIL})
"""Ends that Slurm reports when it begins to bring them about, so that the exit code is still 0."""

WORDS = {
    MailType.BEGIN: "Began",
    MailType.END: "Ended",
    MailType.FAIL: "Failed",
    MailType.REQUEUE: "Requeued",
    MailType.INVALID_DEPEND: "Invalid dependency",
    MailType.TIME_LIMIT_50: "Reached 50% of time limit",
    MailType.TIME_LIMIT_80: "Reached 80% of time limit",
    MailType.TIME_LIMIT_90: "Reached 90% of time limit",
    MailType.TIME_LIMIT: "Reached time limit",
}
SHARES = {
    MailType.TIME_LIMIT_50: 0.5,
    MailType.TIME_LIMIT_80: 0.8,
    MailType.TIME_LIMIT_90: 0.9,
    MailType.TIME_LIMIT: 1.0,
}
"""What part of its time limit a job has used when it is reported."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Span:
    """The lowest and the highest exit status of an array's tasks so far."""

    lowest: int
    highest: int
    requeued: bool = False

    def take(self, status: int) -> None:
        """One more task has ended."""
        self.lowest, self.highest = min(self.lowest, status), max(self.highest, status)


class Mailer:
    """Tells users what becomes of their jobs. Nothing here waits: programs run beside the event loop."""

    def __init__(self, queue: "Queue") -> None:
        self._queue = queue
        self._arrays: dict[int, Span] = {}
        self._begun: set[int] = set()
        self._requeued: set[int] = set()
        self._watched: dict[int, MailType] = {}  # what is still to be reported about time limits, by job
        self._running: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)

    def on_change(self, job: Job, event: str) -> None:
        """Something happened to a job: ``BEGIN``, ``END`` (however it ended), ``REQUEUE`` or ``INVALID_DEPEND``."""
        wanted = mail_types(job)
        if not wanted:
            return
        if event == "BEGIN":
            self._begin(job, wanted)
        elif event == "END":
            self._end(job, wanted)
        elif event == "REQUEUE":
            if job.array:
                self._requeued.add(job.array.job_id)
            self._send_if(job, MailType.REQUEUE, wanted)
        else:
            self._send_if(job, MailType[event], wanted)

    def resume(self) -> None:
        """After a restart: watch the time limits of the jobs that run. What they have reached by now is old news."""
        for job in self._queue.running:
            wanted, used = mail_types(job), _used(job, self._queue.now())
            self._watch(job, _sum(kind for kind in SHARES if kind in wanted and SHARES[kind] > used))

    async def delivered(self) -> None:
        """Return when everything so far has been handed to the mail program."""
        while self._running:
            await asyncio.wait(self._running)

    # -- events ------------------------------------------------------------------------------------------------------

    def _begin(self, job: Job, wanted: MailType) -> None:
        self._watch(job, _sum(kind for kind in SHARES if kind in wanted))
        if job.array and MailType.ARRAY_TASKS not in wanted:
            if job.array.job_id in self._begun:
                return  # one mail for the whole array
            self._begun.add(job.array.job_id)
        self._send_if(job, MailType.BEGIN, wanted)

    def _end(self, job: Job, wanted: MailType) -> None:
        if job.array and MailType.ARRAY_TASKS not in wanted:
            span = self._arrays.setdefault(job.array.job_id, Span(job.exit_status, job.exit_status))
            span.take(job.exit_status)
            if not self._queue.arrays[job.array.job_id].finished:
                return
        self._report_limits(job, 1.0 if job.state is State.TIMEOUT else _used(job, job.end_time))
        self._watched.pop(job.job_id, None)
        if job.state not in ENDED_WELL and MailType.FAIL in wanted:
            self._send_if(job, MailType.FAIL, wanted)
        else:
            self._send_if(job, MailType.END, wanted)
        if job.array:
            self._arrays.pop(job.array.job_id, None)
            self._begun.discard(job.array.job_id)
            self._requeued.discard(job.array.job_id)

    def _watch(self, job: Job, kinds: MailType) -> None:
        """Report when the job has used so much of its time limit."""
        if kinds:
            self._watched[job.job_id] = kinds
            self._look(job, job.restarts)

    def _look(self, job: Job, restarts: int) -> None:
        if not job.state.active or job.restarts != restarts:
            return
        used = _used(job, self._queue.now())
        left = self._report_limits(job, used)
        if left:
            seconds = _seconds_to(job, min(SHARES[kind] for kind in left), used)
            self._queue.loop.call_later(min(seconds, LOOK_AGAIN), self._look, job, restarts)

    def _report_limits(self, job: Job, used: float) -> MailType:
        """Send what is due of a job that has used this part of its time limit; what is not due yet."""
        kinds = self._watched.get(job.job_id, MailType.NONE)
        due = _sum(kind for kind in kinds if SHARES[kind] <= used)
        for kind in sorted(due, key=lambda kind: -SHARES[kind]):
            self._send_if(job, kind, due)
        self._watched[job.job_id] = kinds & ~due
        return kinds & ~due

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send_if(self, job: Job, kind: MailType, wanted: MailType) -> None:
        if kind in wanted:
            task = self._queue.loop.create_task(self._send(self._subject(job, kind), job, self._facts(job, kind)))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _send(self, subject: str, job: Job, facts: dict[str, str]) -> None:
        program = self._queue.config.mail_prog
        async with self._turn:
            try:
                process = await asyncio.create_subprocess_exec(
                    program,
                    "-s",
                    subject,
                    job.request.mail_user or job.user_name,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    env={**os.environ, **facts},
                )
            except OSError as error:
                _LOG.warning("mail about job %d not sent: %s: %s", job.job_id, program, error.strerror)
                return
            if await process.wait():
                _LOG.warning("mail about job %d not sent: %s ended with %d", job.job_id, program, process.returncode)

    def _summarised(self, job: Job) -> bool:
        """True for mail that speaks of a whole array."""
        return job.array is not None and MailType.ARRAY_TASKS not in mail_types(job)

    def _subject(self, job: Job, kind: MailType) -> str:
        """The subject as slurmctld words it."""
        if job.array is not None and self._summarised(job):
            what = f"Slurm Array Summary Job_id={job.array.job_id}_* ({job.array.job_id})"
            times = ""
        else:
            what = f"Slurm Job_id={job.job_id}"
            if job.array is not None and job.task_id is not None:
                what = f"Slurm Array Task Job_id={job.array.job_id}_{job.task_id} ({job.job_id})"
            times = self._times(job, kind)
        outcome = self._outcome(job) if kind in (MailType.END, MailType.FAIL) else ""
        return f"{what} Name={job.request.job_name} {WORDS[kind]}{times}{outcome}"

    def _times(self, job: Job, kind: MailType) -> str:
        if kind is MailType.INVALID_DEPEND:
            return ""
        if kind is MailType.BEGIN:
            return f", Queued time {format_dhms(max(0, int(job.start_time) - int(job.submit_time)))}"
        return f", Run time {format_dhms(int(job.run_time(self._queue.now())))}"

    def _outcome(self, job: Job) -> str:
        """State and exit code; of an array the range of exit codes."""
        if not self._summarised(job) or job.array is None:
            text = f", {job.state.word}"
            status = 0 if job.state in ENDED_FROM_OUTSIDE else job.exit_status
            return text if status & 0x7F else f"{text}, ExitCode {status >> 8}"
        span = self._arrays.get(job.array.job_id) or Span(job.exit_status, job.exit_status)
        requeued = ", with requeued tasks" if job.array.job_id in self._requeued else ""
        low, high = span.lowest, span.highest
        if high & 0x7F:
            return f", Mixed, MaxSignal [{high & 0x7F}]{requeued}"
        if low & 0x7F:
            return f", Mixed, MaxExitCode [{high >> 8}]{requeued}"
        mixed = low == 0 and high > 0
        return f", {'Mixed' if mixed else job.state.word}, ExitCode [{low >> 8}-{high >> 8}]{requeued}"

    def _facts(self, job: Job, kind: MailType) -> dict[str, str]:
        """What the mail program finds in its environment (slurm.conf man page, MailProg)."""
        facts: dict[str, object] = {
            "SLURM_CLUSTER_NAME": self._queue.config.cluster_name,
            "SLURM_JOB_ACCOUNT": job.request.account,
            "SLURM_JOB_COMMENT": job.request.comment,
            "SLURM_JOB_EXIT_CODE": job.exit_status,
            "SLURM_JOB_EXIT_CODE2": f"{job.exit_status >> 8}:{job.exit_status & 0x7F}",
            "SLURM_JOB_GID": job.group_id,
            "SLURM_JOB_GROUP": job.group_name,
            "SLURM_JOB_ID": job.job_id,
            "SLURM_JOBID": job.job_id,
            "SLURM_JOB_MAIL_TYPE": WORDS[kind],
            "SLURM_JOB_NAME": job.request.job_name,
            "SLURM_JOB_NODELIST": job.node_list,
            "SLURM_JOB_PARTITION": job.partition,
            "SLURM_JOB_STATE": job.state.word,
            "SLURM_JOB_UID": job.user_id,
            "SLURM_JOB_USER": job.user_name,
            "SLURM_JOB_WORK_DIR": job.request.work_dir,
        }
        if job.array:
            facts |= {"SLURM_ARRAY_JOB_ID": job.array.job_id, "SLURM_ARRAY_TASK_ID": job.task_id}
        return {name: str(value) for name, value in facts.items() if value not in ("", None)}


def mail_types(job: Job) -> MailType:
    """The events a job's owner wants mail about."""
    return _sum(MailType[name] for name in job.request.mail_type)


def _sum(kinds: Iterable[MailType]) -> MailType:
    total = MailType.NONE
    for kind in kinds:
        total |= kind
    return total


def _used(job: Job, now: float) -> float:
    """The part of its time limit that the job has used."""
    return 0.0 if job.time_limit in (0, UNLIMITED) else job.run_time(now) / (job.time_limit * 60)


def _seconds_to(job: Job, share: float, used: float) -> float:
    """How long until the job has used that share, if nothing changes."""
    return LOOK_AGAIN if job.time_limit == UNLIMITED else max(0.1, (share - used) * job.time_limit * 60)
