"""dstack's runner: the agent inside a job's container. One for each job, on a port of its own."""

import asyncio
import base64
import io
import os
import signal
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.dstack.lab.http import HttpServer, Refused, Request
from tests.dstack.lab.process import PtyProcess, kill_marked

CONTAINER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECOND = 1.0
"""How long a second of max_duration takes; tests that cannot wait for minutes make it shorter."""


class Runner:
    """States: awaiting the job, awaiting `run`, running, ended (all output may be fetched)."""

    def __init__(self, task_id: str, directory: Path, version: str, environment: Mapping[str, str]) -> None:
        self._mark = f"LAB_TASK={task_id}"
        self._directory, self._extra = directory, environment
        self._archives: dict[str, bytes] = {}
        self._state = "await-job"
        self._last_timestamp = 0
        self._states: list[dict[str, Any]] = []
        self._logs: list[dict[str, Any]] = []
        self._process: PtyProcess | None = None
        self._stopped = self._timed_out = self._over_quota = False
        self._logged_bytes = 0
        directory.mkdir(parents=True)
        self._hosts = directory.parent.parent / "hosts"  # what /etc/hosts is to a container
        self._hosts.touch()
        self.server = HttpServer(
            {
                "GET /api/healthcheck": lambda request: {"service": "dstack-runner", "version": version},
                "POST /api/submit": self._submit,
                "POST /api/upload_archive": self._upload_archive,
                "POST /api/upload_code": lambda request: None,
                "POST /api/run": self._run,
                "GET /api/pull": self._pull,
                "POST /api/stop": self._stop,
            }
        )

    def destroy(self) -> None:
        """End of the container: nothing of the job survives."""
        self._state = "ended"
        kill_marked(self._mark)
        self.server.close()

    def _submit(self, request: Request) -> None:
        self._require("await-job", "await-run")
        self._job, self._state = request.json(), "await-run"

    def _upload_archive(self, request: Request) -> None:
        name, content = request.uploaded_file()
        self._archives[name] = content

    def _run(self, request: Request) -> dict[str, str]:
        self._require("await-run")
        self._state = "running"
        self._cwd = self._job["job_spec"]["working_dir"] or str(self._directory / "workflow")
        self._main = asyncio.get_running_loop().create_task(self._execute())
        return {"working_dir": self._cwd, "username": "root"}

    def _pull(self, request: Request) -> dict[str, Any]:
        since = int(request.query.get("timestamp", 0))
        return {
            "job_states": [event for event in self._states if event["timestamp"] > since],
            "job_logs": [event for event in self._logs if event["timestamp"] > since],
            "runner_logs": [],
            "last_updated": self._last_timestamp,
            "no_connections_secs": 0,
            "has_more": self._state != "ended",
        }

    def _stop(self, request: Request) -> None:
        self._stopped = True
        if self._process:
            self._process.stop()

    def _require(self, *states: str) -> None:
        if self._state not in states:
            raise Refused(409, f"job is in state {self._state}")

    async def _execute(self) -> None:
        try:
            Path(self._cwd).mkdir(parents=True, exist_ok=True)
            self._extract_archives()
            self._report("running")
            self._finish(await self._run_process())
        except Exception as error:
            self._report("failed", "executor_error", str(error))
        finally:
            self._state = "ended"

    async def _run_process(self) -> int:
        spec = self._job["job_spec"]
        self._process = PtyProcess(spec["commands"], self._environment(), self._cwd, self._log)
        limit = spec.get("max_duration")
        timer = asyncio.get_running_loop().call_later(limit * SECOND, self._time_out) if limit else None
        status = await self._process.run()
        if timer:
            timer.cancel()
        return status

    def _finish(self, status: int) -> None:
        if self._over_quota:
            self._report("failed", "log_quota_exceeded", "Job log output exceeded the hourly quota")
        elif status == 0:
            self._report("done", exit_status=0)
        elif self._stopped:
            self._report("terminated")
        elif self._timed_out:
            self._report("terminated", "max_duration_exceeded", "Max duration exceeded")
        else:  # Go's ExitCode() knows no signals
            self._report("failed", exit_status=max(status, -1))

    def _time_out(self) -> None:
        self._timed_out = True
        assert self._process
        self._process.stop()

    def _environment(self) -> dict[str, str]:
        job, spec, cluster = self._job, self._job["job_spec"], self._job.get("cluster_info") or {}
        addresses, gpus = cluster.get("job_ips") or [""], cluster.get("gpus_per_node") or []
        hostfile = self._directory / "mpi_hostfile"
        slots = [f" slots={count}" if count else "" for count in gpus] or [""] * len(addresses)
        hostfile.write_text("".join(f"{a}{s}\n" for a, s in zip(addresses, slots, strict=True)))
        name, value = self._mark.split("=")
        return {
            "PATH": CONTAINER_PATH,
            "HOME": str(self._directory),
            "USER": "root",
            "TERM": "xterm",
            name: value,
            "DSTACK_RUN_ID": job["run"]["id"],
            "DSTACK_JOB_ID": job["job_submission"]["id"],
            "DSTACK_RUN_NAME": job["run"]["run_spec"]["run_name"],
            "DSTACK_REPO_ID": job["run"]["run_spec"].get("repo_id") or "",
            "DSTACK_WORKING_DIR": self._cwd,
            "DSTACK_REPO_DIR": os.path.join(self._cwd, spec.get("repo_dir") or ""),
            "DSTACK_NODES_IPS": "\n".join(addresses),
            "DSTACK_MASTER_NODE_IP": cluster.get("master_job_ip") or "",
            "DSTACK_NODE_RANK": str(spec["job_num"]),
            "DSTACK_NODES_NUM": str(spec["jobs_per_replica"]),
            "DSTACK_GPUS_PER_NODE": str(cluster.get("gpus_per_job") or 0),
            "DSTACK_GPUS_NUM": str(sum(gpus)),
            "DSTACK_MPI_HOSTFILE": str(hostfile),
            "SHIM_HOSTS": str(self._hosts),
            **self._extra,
            **(spec.get("env") or {}),
        }

    def _extract_archives(self) -> None:
        for archive in self._job["job_spec"].get("file_archives") or []:
            destination = Path(self._cwd, archive["path"])
            with tarfile.open(fileobj=io.BytesIO(self._archives[archive["id"]])) as tar:
                for member in tar.getmembers():  # the archive's root takes the destination's name
                    member.name = str(Path(destination.name, *Path(member.name).parts[1:]))
                    tar.extract(member, destination.parent, filter="fully_trusted")

    def _log(self, data: bytes) -> None:
        quota = self._job.get("log_quota_hour")
        if quota and self._logged_bytes + len(data) > quota:
            self._over_quota = True
            assert self._process
            self._process.signal_session(signal.SIGKILL)
        else:
            self._logged_bytes += len(data)
            self._logs.append({"timestamp": self._timestamp(), "message": base64.b64encode(data).decode()})

    def _report(self, state: str, reason: str = "", message: str = "", exit_status: int | None = None) -> None:
        self._states.append(
            {
                "timestamp": self._timestamp(),
                "state": state,
                "termination_reason": reason,
                "termination_message": message,
                "exit_status": exit_status,
            }
        )

    def _timestamp(self) -> int:
        """Milliseconds, strictly rising: the server asks for what is newer than the last it has seen."""
        self._last_timestamp = max(self._last_timestamp + 1, time.time_ns() // 1_000_000)
        return self._last_timestamp
