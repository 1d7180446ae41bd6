import asyncio
import io
import re
import tarfile
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from shim.executor.dstack.client import Client
from shim.executor.dstack.credentials import Credentials, find_credentials
from shim.executor.dstack.errors import (
    BadRequest,
    DstackError,
    NotFound,
    ProjectGone,
    TokenRefused,
    Unreachable,
    UnsupportedServer,
)
from tests.dstack.lab import Lab

T = TypeVar("T")


def credentials(lab: Lab) -> Credentials:
    return Credentials(lab.url, lab.project, lab.token)


def ask(who: Credentials, question: Callable[[Client], Awaitable[T]]) -> T:
    async def run() -> T:
        client = Client(who)
        try:
            return await question(client)
        finally:
            await client.close()

    return asyncio.run(run())


def task(script: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "task",
        "name": f"c-{uuid.uuid4().hex[:8]}",
        "entrypoint": "/bin/sh",
        "commands": ["-c", script],
        "resources": {"cpu": "1..", "memory": "0.1GB..", "disk": None},
        "tags": {"slurm-job": "7"},
        **fields,
    }


async def until_over(client: Client, run_id: str) -> Any:
    while True:
        run = await client.run(run_id)
        if all(node.over for node in run.nodes):
            return run
        await asyncio.sleep(0.1)


def test_a_run_from_submission_to_its_log(dstack_lab: Lab) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.check_server()).startswith("0.")
        wanted = task("echo hello; exit 4")
        run = await client.apply(wanted)
        assert (run.name, run.tags) == (wanted["name"], {"slurm-job": "7"})
        with pytest.raises(BadRequest, match=r"active run|changed"):
            await client.apply(wanted | {"commands": ["-c", "true"]})
        assert run.id in [active.id for active in await client.runs(only_active=True)]
        ended = await until_over(client, run.id)
        node = ended.nodes[0]
        assert (node.exit_status, node.reason) == (4, "container_exited_with_error")
        assert node.hostname.startswith("127.0.1.")
        while not (await client.run_named(run.name)).ended:
            await asyncio.sleep(0.1)
        page = await client.logs(run.name, node.submission_id)
        assert b"".join(page.pieces) == b"hello\r\n"
        assert any("RUNNING" in event.message for event in await client.events(run.id))
        await client.delete([run.name])
        assert (await client.run(run.id)).id == run.id
        with pytest.raises(NotFound):
            await client.run_named(run.name)

    ask(credentials(dstack_lab), scenario)


def test_fleets_show_their_instances(dstack_lab: Lab) -> None:
    (fleet,) = ask(credentials(dstack_lab), lambda client: client.fleets())
    assert (fleet.name, fleet.ssh, len(fleet.instances)) == ("lab", True, 4)
    host = min(fleet.instances, key=lambda instance: instance.name)
    assert (host.name, host.cpus, host.memory, host.gpus, host.gpu_name, host.gpu_memory, host.total_blocks) == (
        "lab-0",
        8,
        32768,
        4,
        "A100",
        81920,
        4,
    )


def test_archives_arrive_in_the_job_and_are_stored_once(dstack_lab: Lab) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("root/greeting")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"hi"))

    async def scenario(client: Client) -> None:
        first, second = [await client.upload(buffer.getvalue()) for _ in range(2)]
        assert first == second
        run = await client.apply(task('test "$(cat in/greeting)" = hi'), [(first, "in")])
        assert (await until_over(client, run.id)).nodes[0].exit_status == 0
        with pytest.raises(BadRequest):
            await client.upload(bytes(3 << 20))

    ask(credentials(dstack_lab), scenario)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"token": "wrong"}, TokenRefused),
        ({"project": "gone"}, ProjectGone),
        ({"url": "http://127.0.0.1:9"}, Unreachable),
    ],
)
def test_failures_are_types(dstack_lab: Lab, changes: dict[str, str], error: type[DstackError]) -> None:
    with pytest.raises(error) as caught:
        ask(replace(credentials(dstack_lab), **changes), lambda client: client.fleets())
    assert dstack_lab.token not in str(caught.value)


def test_refusals_carry_the_words_of_dstack(dstack_lab: Lab) -> None:
    with pytest.raises(BadRequest, match="nonsense"):
        ask(credentials(dstack_lab), lambda client: client.apply(task("true") | {"nonsense": 1}))
    with pytest.raises(NotFound):
        ask(credentials(dstack_lab), lambda client: client.run(str(uuid.uuid4())))


def test_an_old_server_is_refused(dstack_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.executor.dstack.client.OLDEST_SERVER", (99, 0))
    with pytest.raises(UnsupportedServer, match=r"99\.0 or newer"):
        ask(credentials(dstack_lab), lambda client: client.check_server())


def test_a_newer_server_is_used_and_told_of(
    dstack_lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shim.executor.dstack.client.SPOKEN_VERSION", (0, 20, 25))

    async def scenario(client: Client) -> None:
        await client.check_server()
        assert [fleet.name for fleet in await client.fleets()] == ["lab"]

    ask(credentials(dstack_lab), scenario)
    assert re.search(r"dstack server 0\.\d+\.\d+ is newer than 0\.20\.25, the newest", caplog.text)


def test_credentials_come_from_the_settings_or_from_the_command_line_tool(tmp_path: Path, dstack_lab: Lab) -> None:
    dstack_lab.write_cli_config(tmp_path)
    kept = tmp_path / ".dstack" / "config.yml"
    assert find_credentials({}, kept) == credentials(dstack_lab)
    assert find_credentials({"project": "main"}, kept).token == dstack_lab.token
    own = {"server": "http://s/", "project": "p", "token": "t"}
    assert find_credentials(own, tmp_path / "none") == Credentials("http://s", "p", "t")
    with pytest.raises(DstackError, match="'other'"):
        find_credentials({"project": "other"}, kept)
    with pytest.raises(DstackError, match="project add"):
        find_credentials({}, tmp_path / "none")
    kept.write_text("projects: [1]")
    with pytest.raises(DstackError, match="not a configuration"):
        find_credentials({}, kept)


def test_the_token_shows_nowhere() -> None:
    secret = Credentials("http://s", "p", "s3cret")
    assert "s3cret" not in repr(secret) + repr(ask(secret, lambda client: asyncio.sleep(0, client)))
