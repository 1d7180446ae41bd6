"""A real dstack server with a fleet of loopback hosts: no root, no containers, no network.

    with Lab(directory, hosts=[Host(), Host(gpus=4, gpu_name="A100", gpu_memory_gb=80)]) as lab:
        lab.url, lab.token, lab.project     # what a client of the server needs
        lab.hosts[1].crash()                # the machine is gone, with everything on it

The server is the unmodified one; what it reaches over SSH are hosts made of `machine.py` (SSH), `shim.py` and
`runner.py` (dstack's two agents) and `process.py` (a job). What a container would add is missing: images are not
pulled, users are not switched, CPU and memory are not limited, and an instance volume must have the same path on both
sides.
"""

from tests.dstack.lab.lab import Lab
from tests.dstack.lab.machine import Host, Machine
from tests.dstack.lab.server import Release

__all__ = ["Host", "Lab", "Machine", "Release"]
