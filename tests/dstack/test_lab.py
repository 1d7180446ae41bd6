"""The lab itself: tasks through the unmodified server to the loopback hosts and back."""

import base64
import uuid
from typing import Any

import pytest

from tests.dstack.lab import Lab, process
from tests.shim import wait_until

FINAL = {"done", "failed", "terminated", "aborted"}


def submit(lab: Lab, script: str, **fields: Any) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    configuration = {
        "type": "task",
        "name": name,
        "entrypoint": "/bin/sh",
        "commands": ["-c", script],
        "resources": {"cpu": "1..", "memory": "0.1GB..", "disk": None},
        **fields,
    }
    spec = {"run_name": name, "configuration": configuration}
    lab.project_post("runs/apply", {"plan": {"run_spec": spec, "current_resource": None}, "force": False})
    return name


def jobs(lab: Lab, name: str) -> list[dict[str, Any]]:
    return [job["job_submissions"][-1] for job in lab.project_post("runs/get", {"run_name": name})["jobs"]]


def wait_for(lab: Lab, name: str, states: set[str] = FINAL) -> list[dict[str, Any]]:
    def there() -> bool:
        return {job["status"] for job in jobs(lab, name)} <= states

    wait_until(there, lambda: f"{states}: {[outcome(job) for job in jobs(lab, name)]}")
    return jobs(lab, name)


def log(lab: Lab, name: str, submission: dict[str, Any]) -> bytes:
    body = {"run_name": name, "job_submission_id": submission["id"], "descending": False, "limit": 1000}
    return b"".join(base64.b64decode(line["message"]) for line in lab.project_post("logs/poll", body)["logs"])


def outcome(job: dict[str, Any]) -> tuple[str, str, int | None]:
    return job["status"], job["termination_reason"], job["exit_status"]


def test_success_failure_and_signal_deaths_come_back_with_their_output(dstack_lab: Lab) -> None:
    names = [submit(dstack_lab, script) for script in ("echo out; echo err >&2; tty", "exit 3", "kill -9 $$")]
    ended = [wait_for(dstack_lab, name)[0] for name in names]
    assert [outcome(job) for job in ended] == [
        ("done", "done_by_runner", 0),
        ("failed", "container_exited_with_error", 3),
        ("failed", "container_exited_with_error", -1),
    ]
    out, err, tty = log(dstack_lab, names[0], ended[0]).split(b"\r\n")[:3]
    assert (out, err) == (b"out", b"err")
    assert tty.startswith(b"/dev/")


def test_stop_interrupts_the_foreground_and_ends_a_deaf_job(dstack_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "KILL_AFTER", 1.0)  # the hosts are threads of this process
    polite = submit(dstack_lab, 'trap "echo interrupted; exit 0" INT; echo ready; while :; do sleep 0.1; done')
    deaf = submit(dstack_lab, 'trap "" INT HUP; echo ready; while :; do sleep 0.1; done')
    for name in (polite, deaf):
        wait_for(dstack_lab, name, {"running"})
    dstack_lab.project_post("runs/stop", {"runs_names": [polite, deaf], "abort": False})
    ended = [wait_for(dstack_lab, name)[0] for name in (polite, deaf)]
    assert [outcome(job)[:2] for job in ended] == [("terminated", "terminated_by_user")] * 2


def test_max_duration_ends_the_job(dstack_lab: Lab) -> None:
    job = wait_for(dstack_lab, submit(dstack_lab, "sleep 1000", max_duration=1))[0]
    assert outcome(job)[:2] == ("terminated", "max_duration_exceeded")


def test_nodes_know_each_other(dstack_lab: Lab) -> None:
    name = submit(dstack_lab, 'echo "$DSTACK_NODE_RANK/$DSTACK_NODES_NUM"; echo "$DSTACK_NODES_IPS"', nodes=2)
    outputs = [log(dstack_lab, name, job).decode().split() for job in wait_for(dstack_lab, name)]
    assert [lines[0] for lines in outputs] == ["0/2", "1/2"]
    assert outputs[0][1:] == outputs[1][1:]
    assert len(set(outputs[0][1:])) == 2


def test_gpus_are_announced_and_taken_in_blocks(dstack_lab: Lab) -> None:
    fleet = dstack_lab.project_post("fleets/get", {"name": dstack_lab.fleet})
    gpus = [gpu["name"] for gpu in fleet["instances"][0]["instance_type"]["resources"]["gpus"]]
    assert gpus == ["A100"] * 4
    name = submit(
        dstack_lab, "sleep 1000", resources={"cpu": "1..", "memory": "0.1GB..", "gpu": "A100:80GB..:3..", "disk": None}
    )
    wait_for(dstack_lab, name, {"running"})
    instances = dstack_lab.project_post("fleets/get", {"name": dstack_lab.fleet})["instances"]
    assert 3 in [instance["busy_blocks"] for instance in instances]
    dstack_lab.project_post("runs/stop", {"runs_names": [name], "abort": False})
    wait_for(dstack_lab, name)


def test_a_job_outlives_a_killed_server(dstack_lab: Lab) -> None:
    name = submit(dstack_lab, "echo before; sleep 3; echo after; exit 6")
    wait_for(dstack_lab, name, {"running"})
    dstack_lab.server.kill()
    dstack_lab.server.start()
    job = wait_for(dstack_lab, name)[0]
    assert outcome(job) == ("failed", "container_exited_with_error", 6)
    assert log(dstack_lab, name, job).split() == [b"before", b"after"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {
                "image": "registry.invalid/none",
                "user": "0",
                "resources": {"cpu": "x86:1..", "memory": "1GB..", "disk": None},
            },
            "pull",
        ),
        ({"volumes": ["/nowhere:/elsewhere"]}, "mount"),
    ],
)
def test_containers_that_cannot_be_made(dstack_lab: Lab, fields: dict[str, Any], message: str) -> None:
    job = wait_for(dstack_lab, submit(dstack_lab, "true", **fields))[0]
    assert outcome(job) == ("failed", "creating_container_error", None)
    assert message in job["termination_reason_message"]
