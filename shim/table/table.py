"""The job table: SQLite in WAL mode, the one durable truth about every job."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from sqlite_utils import Database

from shim.job.record import Job, Step
from shim.job.request import Request
from shim.job.states import BY_WORD, State
from shim.table.rows import job_from, job_row, request_from, request_text, step_from, step_row
from shim.table.schema import JOB_COLUMNS, STEP_COLUMNS, migrate


def _insert(table: str, columns: Iterable[str]) -> str:
    names = list(columns)
    return f"insert or replace into {table} ({', '.join(names)}) values ({', '.join('?' * len(names))})"


_JOB_INSERT = _insert("job", JOB_COLUMNS)
_RUN_INSERT = _insert("earlier_run", JOB_COLUMNS)
_STEP_INSERT = _insert("step", STEP_COLUMNS)
_JOB_SELECT = f"select {', '.join(JOB_COLUMNS)} from "
_STEP_SELECT = f"select {', '.join(STEP_COLUMNS)} from step"


class Busy(Exception):
    """Another process is writing to the file."""


class Table:
    """The job table of one user and state directory.

    Changes are collected in one open transaction, which ``begin`` opens, by the ``save`` calls, and made durable
    together by ``commit``. All methods raise sqlite3.Error where the file cannot be read or written
    (sqlite3.OperationalError "database or disk is full" for a full disk); after that ``rollback`` leaves the file as
    it was.
    """

    def __init__(self, path: Path) -> None:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self.db = Database(connection)
        self._connection = connection
        self._wal = f"{path}-wal"
        self.db.enable_wal()
        connection.execute("pragma temp_store = memory")
        migrate(self.db)
        connection.execute("pragma busy_timeout = 0")  # from now on nobody is waited for, see ``begin``
        self._synced: bool | None = None  # how commits are made now
        self._content_ids: dict[bytes, int] = {}
        self.content = lru_cache(maxsize=256)(self._content)
        self.request = lru_cache(maxsize=4096)(self._request)

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._connection.close()

    # -- writing ---------------------------------------------------------------------------------------------------

    def begin(self, synced: bool) -> None:
        """Open a transaction. ``synced``: its commit returns when it is on disk (full fsync), for what users are told.

        Otherwise the commit survives the death of every process, but a power failure only after ``sync``. Raises Busy
        at once while another process writes: a controller has better things to do than to wait for that. Readers are
        in nobody's way.
        """
        if synced is not self._synced:
            self._connection.execute(f"pragma synchronous = {'full' if synced else 'normal'}")
            self._synced = synced
        try:
            self._connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise Busy from error
            raise

    def sync(self) -> None:
        """Bring what was committed without a sync to the disk. May be called from any thread."""
        descriptor = os.open(self._wal, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def commit(self) -> None:
        """Make everything saved so far durable."""
        if self._connection.in_transaction:
            self._connection.execute("commit")

    def rollback(self) -> None:
        """Drop everything saved since the last commit."""
        if self._connection.in_transaction:
            self._connection.execute("rollback")
        self._content_ids.clear()  # some of the ids may just have vanished

    def save_jobs(self, jobs: Iterable[Job]) -> None:
        """Write the rows of these jobs."""
        self._connection.executemany(_JOB_INSERT, map(job_row, jobs))

    def save_earlier_run(self, job: Job) -> None:
        """Keep the run that is being requeued, for accounting."""
        self._connection.execute(_RUN_INSERT, job_row(job))

    def save_steps(self, steps: Iterable[Step]) -> None:
        """Write the rows of these steps."""
        self._connection.executemany(_STEP_INSERT, map(step_row, steps))

    def delete_job(self, job_id: int) -> None:
        """Remove the record of an array whose pending tasks were all cancelled one by one."""
        self._connection.execute("delete from job where job_id = ?", (job_id,))

    def save_array_loss(self, array_job_id: int) -> None:
        """Remember that pending tasks of this array were cancelled."""
        self._connection.execute("insert or ignore into array_loss values (?)", (array_job_id,))

    def save_counter(self, name: str, value: int) -> None:
        """Write a counter, such as the next job id."""
        self._connection.execute("insert or replace into counter values (?, ?)", (name, value))

    def save_override(self, kind: str, name: str, value: str) -> None:
        """Keep what scontrol has changed of a node or partition; "" takes it back."""
        if value:
            self._connection.execute("insert or replace into override values (?, ?, ?)", (kind, name, value))
        else:
            self._connection.execute("delete from override where kind = ? and name = ?", (kind, name))

    def content_id(self, body: bytes) -> int:
        """The key under which a text is kept; equal texts are kept once."""
        digest = hashlib.sha256(body).digest()
        known = self._content_ids.get(digest)
        if known:
            return known
        row = self._connection.execute("select id from content where digest = ?", (digest,)).fetchone()
        if row is None:
            cursor = self._connection.execute("insert into content (digest, body) values (?, ?)", (digest, body))
            row = (cursor.lastrowid,)
        if len(self._content_ids) > 10_000:
            self._content_ids.clear()
        self._content_ids[digest] = row[0]
        return int(row[0])

    def request_id(self, request: Request) -> int:
        """The key under which a request is kept."""
        return self.content_id(request_text(request).encode())

    # -- reading ---------------------------------------------------------------------------------------------------

    def _content(self, key: int) -> bytes:
        row = self._connection.execute("select body from content where id = ?", (key,)).fetchone()
        return row[0] if row else b""

    def _request(self, key: int) -> Request:
        return request_from(self._content(key).decode())

    def counter(self, name: str, default: int) -> int:
        """A counter's value."""
        row = self._connection.execute("select value from counter where name = ?", (name,)).fetchone()
        return int(row[0]) if row else default

    def overrides(self, kind: str) -> dict[str, str]:
        """What scontrol has changed of nodes (kind ``node``) or partitions, by name."""
        return dict(self._connection.execute("select name, value from override where kind = ?", (kind,)))

    def array_losses(self) -> set[int]:
        """Arrays of which pending tasks were cancelled."""
        return {row[0] for row in self._connection.execute("select array_job_id from array_loss")}

    def jobs(self, where: str, *parameters: object, source: str = "job") -> Iterator[Job]:
        """Records by an SQL condition over JOB_COLUMNS, in order of their ids. ``source``: job or earlier_run."""
        sql = f"{_JOB_SELECT}{source} where {where} order by job_id"
        request_at = list(JOB_COLUMNS).index("request_id")
        for row in self._connection.execute(sql, parameters):
            yield job_from(row, self.request(row[request_at]))

    def steps(self, where: str, *parameters: object) -> Iterator[Step]:
        """Steps by an SQL condition over STEP_COLUMNS, in the order they were started."""
        for row in self._connection.execute(f"{_STEP_SELECT} where {where} order by rowid", parameters):
            yield step_from(row)

    def states_since(self, when: float) -> dict[State, int]:
        """How many of the jobs submitted since then (epoch) are in which state."""
        sql = "select state, count(*) from job where submit_time >= ? group by state"
        return {BY_WORD[word]: count for word, count in self._connection.execute(sql, (when,))}

    def started_since(self, when: float) -> int:
        """How many of the jobs submitted since then (epoch) have been given nodes."""
        sql = "select count(*) from job where submit_time >= ? and shares notnull"
        return int(self._connection.execute(sql, (when,)).fetchone()[0])

    def cpu_seconds(self) -> float:
        """CPU seconds that all jobs on record have been charged for: how long they held so many CPUs."""
        cpus = "(select sum(json_extract(value, '$[1]')) from json_each(shares))"
        sql = f"select sum((end_time - start_time) * {cpus}) from job where end_time > start_time and shares notnull"
        return float(self._connection.execute(sql).fetchone()[0] or 0)

    def purge(self, before: float) -> None:
        """Remove accounting of jobs that ended before ``before`` (epoch), and texts nobody refers to any more."""
        old = "job_id in (select job_id from job where end_time > 0 and end_time < ?)"
        for table in ("step", "earlier_run", "job"):
            self._connection.execute(f"delete from {table} where {old}", (before,))
        used = " union ".join(
            f"select {key}_id from {table}"
            for key in ("script", "environment", "request")
            for table in ("job", "earlier_run")
        )
        self._connection.execute(f"delete from content where id not in ({used})")
        self._connection.execute(
            "delete from array_loss where array_job_id not in (select array_job_id from job where array_job_id notnull)"
        )
        self._content_ids.clear()
