"""torchx run -s slurm: one replica is a job, two are a heterogeneous job; then status, log and cancel."""

import re
import subprocess
from pathlib import Path

from support import BIN, partition, run, run_client, until

COMPONENT = """
import torchx.specs as specs

def replicas() -> specs.AppDef:
    role = specs.Role(
        name="replica", image="", entrypoint="sh", args=["-c", "echo replica " + specs.macros.replica_id],
        num_replicas=2, resource=specs.Resource(cpu=1, gpu=0, memMB=100))
    return specs.AppDef(name="two", roles=[role])
"""


def start(*arguments: str) -> tuple[str, str]:
    """Run an application; return its handle and its job ID."""
    said = run_client("torchx", "run", "-s", "slurm", "-cfg", f"partition={partition()},time=3", *arguments)
    handle = re.findall(r"slurm://\S+", said)[-1]
    return handle, handle.rpartition("/")[2]


def ask(verb: str, *arguments: str) -> str:
    command = [str(BIN / "torchx"), verb, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    print(done.stdout)
    return done.stdout


def succeeded(handle: str) -> bool:
    said = ask("status", handle)
    assert not re.search("State: (FAILED|CANCELLED)", said), said
    return "State: SUCCEEDED" in said


single, job = start("utils.sh", "--cpu", "1", "--memMB", "100", "sh", "-c", "echo one $SLURM_JOB_ID")
until(lambda: succeeded(single))
assert f"one {job}" in Path(f"slurm-{job}-sh-0.out").read_text()

Path("component.py").write_text(COMPONENT)
both, job = start("component.py:replicas")
until(lambda: succeeded(both))
for number in (0, 1):
    assert Path(f"slurm-{job}-replica-{number}.out").read_text() == f"replica {number}\n"
assert re.search("replica/1.*replica 1", ask("log", "--streams", "stdout", both))

sleeping, job = start("utils.sh", "--cpu", "1", "--memMB", "100", "sleep", "300")
until(lambda: "RUNNING" in run("sacct", "-X", "-n", "-P", "-j", job, "-o", "state"))
run_client("torchx", "cancel", sleeping)
until(lambda: run("sacct", "-X", "-n", "-P", "-j", job, "-o", "state").startswith("CANCELLED by "))
