"""A small client of dstack's REST API. Retries and waiting are the caller's business."""

import base64
import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import httpx

from shim.executor.dstack.credentials import Credentials
from shim.executor.dstack.errors import (
    BadRequest,
    DstackError,
    NotFound,
    ProjectGone,
    TokenRefused,
    Unreachable,
    UnsupportedServer,
)
from shim.executor.dstack.model import Event, Fleet, LogPage, Run, parse_event

_LOG = logging.getLogger(__name__)

OLDEST_SERVER = (0, 20, 25)
"""The oldest server supported: the first that lets a run name its instances."""

SPOKEN_VERSION = (0, 22, 5)
"""The version of the API spoken here, the newest that was tried. A newer server answers as it answers dstack's own
client of this version.
"""

TIMEOUT = 30.0
"""Seconds for one request: a busy server answers a submission in up to 14."""

LIST_LIMIT = 100
"""The most runs, log lines or events that dstack lists in one answer (log lines: ten times as many)."""


class Client:
    """One project on one server, over kept connections. Every method raises a DstackError of `errors`."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._http = httpx.AsyncClient(
            base_url=credentials.url, timeout=TIMEOUT, headers={"Authorization": f"Bearer {credentials.token}"}
        )

    def __repr__(self) -> str:
        return f"Client({self._credentials!r})"

    async def close(self) -> None:
        """Drop the connections."""
        await self._http.aclose()

    async def check_server(self) -> str:
        """The server's version ("" for a development build); raises UnsupportedServer for one that is too old."""
        version = (await self._post("/api/server/get_info"))["server_version"] or ""
        numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
        if numbers and numbers < OLDEST_SERVER:
            oldest = ".".join(map(str, OLDEST_SERVER))
            raise UnsupportedServer(f"dstack server {version} is too old: {oldest} or newer is needed")
        if numbers[:2] > SPOKEN_VERSION[:2]:
            tried = ".".join(map(str, SPOKEN_VERSION))
            _LOG.warning("dstack server %s is newer than %s, the newest that this was tried with", version, tried)
        # A server refuses clients newer than itself.
        spoken = min(numbers, SPOKEN_VERSION) if numbers else SPOKEN_VERSION
        self._http.headers["X-API-VERSION"] = ".".join(map(str, spoken))
        return str(version)

    async def apply(self, task: Mapping[str, Any], archives: Iterable[tuple[str, str]] = ()) -> Run:
        """Submit a task under its ``name``; ``archives`` are (id, path in the job) of uploaded ones.

        BadRequest if a run of that name is still active.
        """
        spec = {
            "run_name": task["name"],
            "configuration": task,
            "file_archives": [{"id": archive, "path": path} for archive, path in archives],
        }
        plan = {"run_spec": spec, "current_resource": None}
        return Run.parse(await self._project("runs/apply", {"plan": plan, "force": False}))

    async def run(self, run_id: str) -> Run:
        """A run by its id, also one that was deleted; NotFound if there never was one."""
        return Run.parse(await self._project("runs/get", {"id": run_id}))

    async def run_named(self, name: str) -> Run:
        """The run that has the name now; NotFound if none has."""
        return Run.parse(await self._project("runs/get", {"run_name": name}))

    async def runs(self, only_active: bool) -> list[Run]:
        """All runs of the project, newest first."""
        found: list[Run] = []
        body = {"project_name": self._credentials.project, "only_active": only_active, "limit": LIST_LIMIT}
        while True:
            page = await self._post("/api/runs/list", body)
            found += map(Run.parse, page)
            if len(page) < LIST_LIMIT:
                return found
            body |= {"prev_submitted_at": page[-1]["submitted_at"], "prev_run_id": page[-1]["id"]}

    async def stop(self, names: Iterable[str]) -> None:
        """Stop runs (^C, later SIGHUP, later SIGKILL); names that no active run has are ignored."""
        await self._project("runs/stop", {"runs_names": list(names), "abort": False})

    async def delete(self, names: Iterable[str]) -> None:
        """Remove ended runs from dstack's lists."""
        await self._project("runs/delete", {"runs_names": list(names)})

    async def logs(self, run_name: str, submission_id: str, next_token: str | None = None) -> LogPage:
        """A page of what one node's job wrote to its terminal, from the beginning or where a page ended."""
        body = {"run_name": run_name, "job_submission_id": submission_id, "limit": 10 * LIST_LIMIT, "descending": False}
        page = await self._project("logs/poll", body | ({"next_token": next_token} if next_token else {}))
        return LogPage(tuple(base64.b64decode(line["message"]) for line in page["logs"]), page.get("next_token"))

    async def fleets(self) -> list[Fleet]:
        """The project's fleets with their instances."""
        return [Fleet.parse(fleet) for fleet in await self._project("fleets/list")]

    async def upload(self, archive: bytes) -> str:
        """Store an uncompressed tar and return its id; the same content is stored once. BadRequest beyond 2 MiB."""
        name = hashlib.sha256(archive).hexdigest()
        try:
            found = await self._post("/api/files/get_archive_by_hash", {"hash": name})
        except NotFound:
            found = await self._request("/api/files/upload_archive", files={"file": (name, archive)})
        return str(found["id"])

    async def events(self, run_id: str) -> list[Event]:
        """The first events of a run, oldest first."""
        body = {"within_runs": [run_id], "limit": LIST_LIMIT, "ascending": True}
        return [parse_event(event) for event in await self._post("/api/events/list", body)]

    async def _project(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await self._post(f"/api/project/{self._credentials.project}/{path}", body)

    async def _post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await self._request(path, json=body or {})

    async def _request(self, path: str, **content: Any) -> Any:
        try:
            answer = await self._http.post(path, **content)
        except httpx.HTTPError as error:
            raise Unreachable(f"dstack server {self._credentials.url}: {error or type(error).__name__}") from None
        if answer.is_success:
            return answer.json() if answer.content else None
        return self._refuse(answer)

    def _refuse(self, answer: httpx.Response) -> NoReturn:
        """Raise what an error status means."""
        message, code = _detail(answer)
        where = f"dstack server {self._credentials.url}"
        match answer.status_code:
            case 401 | 403:
                raise TokenRefused(f"{where}: {message}")
            case 404 if f"/project/{self._credentials.project}/" in answer.url.path:
                raise ProjectGone(f"{where} has no project {self._credentials.project}")
            case 400 | 404 if code == "resource_not_exists":
                raise NotFound(message, code)
            case 400 | 404 | 409 | 413 | 422:
                raise BadRequest(message, code)
            case status if status >= 500 or status == 429:
                raise Unreachable(f"{where}: {status} {answer.reason_phrase}")
            case status:
                raise DstackError(f"{where}: {status} {message}")


def _detail(answer: httpx.Response) -> tuple[str, str]:
    """dstack's own words for a refusal and its code: ``detail`` is a dictionary, a list of them, or text."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.text.split())[:200] or answer.reason_phrase, ""
    parts = detail if isinstance(detail, list) else [detail]
    texts = [_text(part) for part in parts]
    code = parts[0].get("code") if parts and isinstance(parts[0], dict) else ""
    return "; ".join(texts), code or ""


def _text(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    where = ".".join(str(step) for step in part.get("loc", ()) if step != "body")
    return f"{where}: {part.get('msg')}" if where else str(part.get("msg"))
