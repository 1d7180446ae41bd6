"""Stands between a client and the server: sees every request, and lets a test act at an exact moment of one."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass(frozen=True)
class Seen:
    """One request: when it came, by the monotonic clock, and its path without what names the project."""

    when: float
    path: str


class Proxy:
    """Passes requests on to `upstream`, or while `refusing` answers them as the proxy of a dead server does.

    `asked` is called with the path of each request before the server sees it, `answered` once the server has answered
    and before the client knows: they may block.
    """

    def __init__(self, upstream: str) -> None:
        self.seen: list[Seen] = []
        self.refusing = False
        self.asked: Callable[[str], None] = lambda path: None
        self.answered: Callable[[str], None] = lambda path: None
        self._client = httpx.Client(base_url=upstream, trust_env=False, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy")
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._client.close()

    def paths(self, since: int = 0) -> list[str]:
        """What was asked, from the `since`th request on."""
        return [seen.path for seen in self.seen[since:]]

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                path = self.path.removeprefix("/api/").split("/", 2)[-1] if "/project/" in self.path else self.path[5:]
                proxy.seen.append(Seen(time.monotonic(), path))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if proxy.refusing:
                    return self._send(503, b"no upstream")
                proxy.asked(path)
                headers = {name: self.headers[name] for name in PASSED if name in self.headers}
                try:
                    answer = proxy._client.post(self.path, content=body, headers=headers)
                except httpx.TransportError:
                    return self._send(502, b"no upstream")
                proxy.answered(path)
                return self._send(answer.status_code, answer.content)

            def _send(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a controller that was killed meanwhile
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


PASSED = ("Content-Type", "Authorization", "X-API-VERSION")
