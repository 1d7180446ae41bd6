"""The shim's configuration for a lab."""

from pathlib import Path

from tests.dstack.lab import Lab

CONFIG = """\
cluster_name = "cloud"
kill_wait = 2
max_array_size = 10001

[[partition]]
name = "gpu"
nodes = "ALL"
default = true
executor = "dstack"
dstack = {{ prolog = "PATH=$PATH:{shared}/bin" }}

[dstack]
server = "{url}"
project = "{project}"
token = "{token}"
shared = ["{shared}"]
poll = 0.3
qos = {{ high = 80 }}
"""


def configuration(lab: Lab, folder: Path, more: str = "") -> str:
    """One partition, all in shared mode; ``more`` are further keys of ``[dstack]``."""
    return CONFIG.format(url=lab.url, project=lab.project, token=lab.token, shared=folder) + more
