"""The tables and how an older file becomes a current one."""

from collections.abc import Callable

from sqlite_utils import Database

from shim.job.request import UNLIMITED

JOB_COLUMNS: dict[str, type] = {
    "job_id": int,
    "array_job_id": int,
    "array_task_id": int,
    "array_tasks": str,
    "array_throttle": int,
    "array_shape": str,
    "job_name": str,
    "user_name": str,
    "user_id": int,
    "group_name": str,
    "group_id": int,
    "account": str,
    "partition": str,
    "qos": str,
    "state": str,
    "reason": str,
    "priority": int,
    "dependency": str,
    "submit_time": float,
    "eligible_time": float,
    "accrue_time": float,
    "start_time": float,
    "end_time": float,
    "time_limit": int,
    "node_list": str,
    "shares": str,
    "exit_code": str,
    "exit_status": int,
    "derived_exit_status": int,
    "restarts": int,
    "cancelled_by": int,
    "handle": str,
    "ending": str,
    "suspend_time": float,
    "suspended_for": float,
    "het_job_id": int,
    "het_job_offset": int,
    "admin_comment": str,
    "system_comment": str,
    "next_step_id": int,
    "batch_status": int,
    "user_seconds": float,
    "system_seconds": float,
    "max_rss": int,
    "warned": int,
    "script_id": int,
    "environment_id": int,
    "request_id": int,
}
"""A job's row. Times are epoch seconds, memory KB, limits minutes, as in the job record."""

STEP_COLUMNS: dict[str, type] = {
    "job_id": int,
    "restarts": int,
    "step_id": str,
    "name": str,
    "state": str,
    "start_time": float,
    "end_time": float,
    "exit_status": int,
    "ntasks": int,
    "cpus": int,
    "memory": int,
    "node_list": str,
    "nodes": int,
    "user_seconds": float,
    "system_seconds": float,
    "max_rss": int,
    "submit_line": str,
    "gpus": int,
    "time_limit": int,
    "client": str,
    "cancelled_by": int,
    "placed": str,
}


def _first(db: Database) -> None:
    """The tables as first released."""
    jobs = {name: kind for name, kind in JOB_COLUMNS.items() if name not in _JOB_WARNED}
    db.table("job").create(jobs, pk="job_id")
    # How sacct -D finds the runs of a job before it was requeued: the job's row as it was, one for each run.
    db.table("earlier_run").create(jobs, pk=("job_id", "restarts"))
    later = {**_STEP_CLIENT, **_STEP_PLACE}
    columns = {name: kind for name, kind in STEP_COLUMNS.items() if name not in later}
    db.table("step").create(columns, pk=("job_id", "restarts", "step_id"))
    # Scripts, environments and requests are the same for thousands of jobs: each text is kept once.
    db.table("content").create({"id": int, "digest": bytes, "body": bytes}, pk="id")
    db.table("content").create_index(["digest"], unique=True)
    # Arrays of which pending tasks were cancelled: those tasks have no row, yet afterok must know of them.
    db.table("array_loss").create({"array_job_id": int}, pk="array_job_id")
    # What scontrol has changed of nodes and partitions, as JSON; it holds until the controller is told otherwise.
    db.table("override").create({"kind": str, "name": str, "value": str}, pk=("kind", "name"))
    db.table("counter").create({"name": str, "value": int}, pk="name")
    db.table("job").create_index(["array_job_id"])
    db.table("job").create_index(["end_time"])
    db.create_view(
        "job_readable",
        """select job_id, case when array_task_id is null then '' else array_job_id || '_' || array_task_id end as task,
           array_tasks, job_name, user_name, partition, state, reason, exit_code, node_list, dependency,
           datetime(submit_time, 'unixepoch', 'localtime') as submitted,
           case when start_time > 0 then datetime(start_time, 'unixepoch', 'localtime') end as started,
           case when end_time > 0 then datetime(end_time, 'unixepoch', 'localtime') end as ended
           from job""",
    )


_JOB_WARNED = {"warned": 0}
_STEP_CLIENT = {"time_limit": UNLIMITED, "client": ""}
_STEP_PLACE = {"cancelled_by": -1, "placed": ""}


def _step_client(db: Database) -> None:
    """The time limit of a step and where its srun runs."""
    for name, default in _STEP_CLIENT.items():
        db.table("step").add_column(name, STEP_COLUMNS[name], not_null_default=default)


def _step_place(db: Database) -> None:
    """Who cancelled a step, and what it holds."""
    for name, default in _STEP_PLACE.items():
        db.table("step").add_column(name, STEP_COLUMNS[name], not_null_default=default)


def _job_warned(db: Database) -> None:
    """Whether a run has been sent the signal that announces its end."""
    for table in ("job", "earlier_run"):
        for name, default in _JOB_WARNED.items():
            db.table(table).add_column(name, JOB_COLUMNS[name], not_null_default=default)


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_first, _step_client, _step_place, _job_warned)


def migrate(db: Database) -> None:
    """Bring the file to the current schema, one transaction for each step. Raises ValueError for a newer file."""
    version = db.execute("pragma user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise ValueError(f"the job table has schema {version}, this version knows {len(MIGRATIONS)}")
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        with db.conn:
            db.conn.execute("begin")
            step(db)
            db.conn.execute(f"pragma user_version = {number}")
