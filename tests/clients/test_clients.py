"""Each published client runs unmodified: its driver, in a directory of its own, by the client's own Python."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from . import environments
from .clients import Client
from .clusters import Cluster
from .outcomes import Outcome

DRIVERS = Path(__file__).parent / "drivers"
TAIL = 6000


@pytest.mark.clients
def test_client(client: Client, cluster: Cluster, outcomes: list[Outcome]) -> None:
    place = environments.build(client)
    interpreter = place / "bin" / "python" if client.pins else environments.python()
    work = cluster.directory()
    driver = [interpreter, DRIVERS / client.program, *client.arguments]
    began = time.monotonic()
    command = cluster.argv(work, environments.search_path(place), "timeout", "-k", "5", client.seconds, *driver)
    done = subprocess.run(
        command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    passed = done.returncode == 0
    version = environments.version(client)
    user = "root" if cluster.user == "root" else "user"
    seconds = time.monotonic() - began
    outcomes.append(Outcome(client.name, version, client.exercises, cluster.name, user, passed, seconds))
    assert passed, f"exit {done.returncode} in {work}\n{done.stdout[-TAIL:]}"
    shutil.rmtree(work)
