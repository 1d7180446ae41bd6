"""JupyterHub with batchspawner: a single-user server is a job, answers through the proxy, and ends when stopped."""

import json
import os
import secrets
import socket
import subprocess
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from support import BIN, nodes_resolve, partition, run, unfinished, until

HERE = Path.cwd()
USER = os.environ["USER"]
TOKEN = secrets.token_hex(16)
CONFIGURATION = """
c.JupyterHub.spawner_class = 'batchspawner.SlurmSpawner'
c.JupyterHub.authenticator_class = 'dummy'
c.Authenticator.allow_all = True
c.JupyterHub.bind_url = 'http://127.0.0.1:{front}'
c.JupyterHub.hub_bind_url = 'http://127.0.0.1:{hub}'
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{proxy}'
c.JupyterHub.services = [{{'name': 'trial', 'api_token': '{token}'}}]
c.JupyterHub.load_roles = [
    {{'name': 'trial', 'services': ['trial'], 'scopes': ['admin:users', 'admin:servers', 'access:servers']}}
]
c.JupyterHub.db_url = 'sqlite:///hub.sqlite'
c.JupyterHub.cookie_secret_file = '{here}/cookie'
c.BatchSpawnerBase.exec_prefix = ''
c.BatchSpawnerBase.req_partition = '{partition}'
c.BatchSpawnerBase.req_runtime = '5'
c.BatchSpawnerBase.req_memory = '600M'
c.BatchSpawnerBase.req_nprocs = '1'
c.BatchSpawnerBase.req_homedir = '{here}'
c.BatchSpawnerBase.startup_poll_interval = 1
c.BatchSpawnerBase.batchspawner_singleuser_cmd = '{bin}/batchspawner-singleuser'
c.Spawner.cmd = ['{bin}/jupyterhub-singleuser']
c.Spawner.args = ['--allow-root']
c.Spawner.notebook_dir = '{here}'
c.Spawner.environment = {{'HOME': '{here}', 'PATH': '{path}'}}
c.Spawner.start_timeout = 90
c.Spawner.http_timeout = 90
"""


def ports(count: int) -> list[int]:
    """Ports that are free now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return numbers


def call(url: str, method: str = "GET") -> str:
    """Ask the hub; the answer is empty while it does not answer well."""
    try:
        with urlopen(Request(url, method=method, headers={"Authorization": f"token {TOKEN}"}), timeout=20) as answer:
            return answer.read().decode()
    except (HTTPError, URLError, OSError) as error:
        print(method, url, error)
        return ""


def try_server(site: str) -> None:
    """Start the user's server through the hub, use it, stop it."""
    api = f"{site}/hub/api"
    until(lambda: "version" in call(f"{api}/"))
    call(f"{api}/users/{USER}", "POST")
    call(f"{api}/users/{USER}/server", "POST")
    until(lambda: json.loads(call(f"{api}/users/{USER}"))["servers"].get("", {}).get("ready"), 90)
    assert "kernels" in json.loads(call(f"{site}/user/{USER}/api/status"))
    job = run("squeue", "-h", "-u", USER, "-n", "spawner-jupyterhub", "-o", "%A").split()[0]
    call(f"{api}/users/{USER}/server", "DELETE")
    until(lambda: not unfinished(job))


front, hub, proxy = ports(3)
known = {"front": front, "hub": hub, "proxy": proxy, "token": TOKEN, "here": HERE, "bin": BIN, "partition": partition()}
configuration = CONFIGURATION.format(**known, path=os.environ["PATH"])
if not nodes_resolve():
    configuration += "c.SlurmSpawner.state_exechost_exp = '127.0.0.1'\n"
Path("configuration.py").write_text(configuration)
server = subprocess.Popen([BIN / "jupyterhub", "-f", "configuration.py"])
try:
    try_server(f"http://127.0.0.1:{front}")
finally:
    server.terminate()
    server.wait()
