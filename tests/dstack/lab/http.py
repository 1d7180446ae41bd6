"""The little HTTP/1.1 the dstack server speaks to its agents: keep-alive, JSON and raw bodies, one handler a path."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def uploaded_file(self) -> tuple[str, bytes]:
        """The name and content of the only file of a multipart/form-data body."""
        boundary = re.search(r'boundary="?([^";]+)', self.headers["content-type"])[1].encode()
        head, _, rest = self.body.partition(b"\r\n\r\n")
        return re.search(rb'filename="([^"]+)"', head)[1].decode(), rest.rpartition(b"\r\n--" + boundary)[0]


class Refused(Exception):
    """A request that the agent answers with an error status."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status


Handler = Callable[..., Any]
Routes = dict[str, Handler]


class HttpServer:
    """Serves `{"GET /api/tasks/{id}": handler(request, id)}` on a free loopback port until `close`."""

    def __init__(self, routes: Routes) -> None:
        self._routes = [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route)), f) for route, f in routes.items()]
        self._connections: set[asyncio.StreamWriter] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    async def start(self) -> "HttpServer":
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=1 << 20)
        return self

    def close(self) -> None:
        self._server.close()
        for writer in self._connections:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    writer.write(_response(*self._answer(await _read_request(reader))))
                    await writer.drain()
        finally:
            self._connections.discard(writer)
            writer.close()

    def _answer(self, request: Request) -> tuple[int, Any]:
        for route, handler in self._routes:
            if found := route.fullmatch(f"{request.method} {request.path}"):
                try:
                    return 200, handler(request, **found.groupdict())
                except Refused as error:
                    return error.status, str(error)
                except Exception as error:  # an agent answers 500 and lives on, as Go's handlers do
                    return 500, repr(error)
        return 404, "not found"


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    url = urlsplit(target)
    return Request(method, url.path, {k: v[-1] for k, v in parse_qs(url.query).items()}, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def _response(status: int, answer: Any) -> bytes:
    kind = "text/plain" if answer is None or isinstance(answer, str) else "application/json"
    body = (answer or "").encode() if kind == "text/plain" else json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} .\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
