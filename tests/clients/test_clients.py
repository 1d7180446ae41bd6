"""Each published client runs unmodified: its driver, in a directory of its own, by the client's own Python."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from . import environments
from .clients import Client
from .clusters import Cluster, directory
from .outcomes import Outcome

DRIVERS = Path(__file__).parent / "drivers"
TAIL = 3000


@pytest.mark.clients
def test_client(client: Client, cluster: Cluster, tell: Callable[[Outcome], None]) -> None:
    place = environments.build(client)
    interpreter = place / "bin" / "python" if client.pins else environments.python()
    work = directory(cluster.user)
    driver = [interpreter, DRIVERS / client.program, *client.arguments]
    began = time.monotonic()
    command = cluster.argv(work, environments.search_path(place), "timeout", "-k", "5", client.seconds, *driver)
    with (work / "driver.log").open("w") as log:
        status = subprocess.call(command, cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    seconds = time.monotonic() - began
    cluster.clear(work)
    user = "root" if cluster.user == "root" else "user"
    tell(Outcome(client.name, environments.version(client), client.exercises, cluster.name, user, status == 0, seconds))
    if status:
        pytest.fail(f"exit {status}, see {log.name}\n{Path(log.name).read_text()[-TAIL:]}", pytrace=False)
    shutil.rmtree(work)
