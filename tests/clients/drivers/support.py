"""What the drivers share: the partition they use, job scripts, and waiting until something holds.

A driver is run in an empty directory of its own, by the Python of its client's environment, with the commands under
trial on PATH. It imports no more than the standard library and its client. It passes when it exits 0.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BIN = Path(sys.executable).parent


def run(*argv: object, status: int = 0) -> str:
    """Run a command, show what it said, insist on its exit status, and return its standard output."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    print(f"$ {' '.join(words)}\n{done.stdout}{done.stderr}exit {done.returncode}", flush=True)
    assert done.returncode == status, f"{words[0]} exited {done.returncode}, not {status}"
    return done.stdout


def partition() -> str:
    """The default partition: the one that `sinfo` marks with a star."""
    return next(name[:-1] for name in run("sinfo", "-h", "-o", "%P").split() if name.endswith("*"))


def until(holds: Callable[[], object], seconds: int = 120) -> None:
    """Wait until `holds()` is true, and fail after so many seconds. Nothing tells of a change: clients only ask."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.5)


def unfinished(*jobs: str) -> list[str]:
    """Those of the jobs that are pending or running."""
    question = ["squeue", "-h", "-j", ",".join(jobs), "-t", "PD,R", "-o", "%i"]
    return subprocess.run(question, capture_output=True, text=True, check=False).stdout.split()


def script(name: str, body: str, *directives: str) -> Path:
    """Write a batch script that logs to `job.log`. PATH travels with the job, as `--export=ALL` is the default."""
    lines = [f"-p {partition()} -t 3 -o job.log", *directives]
    head = "".join(f"#SBATCH {line}\n" for line in lines)
    path = Path(name)
    path.write_text(f"#!/bin/bash\n{head}{body}\n")
    return path


def finish(path: Path) -> str:
    """Submit a batch script, wait for the job to end well, and return its log."""
    try:
        run("sbatch", "--wait", path)
    finally:
        log = Path("job.log").read_text() if Path("job.log").exists() else ""
        print(log)
    return log


def nodes_resolve() -> bool:
    """Whether the cluster's node names are host names here; they are not on every emulated cluster."""
    name = run("sinfo", "-h", "-N", "-o", "%N").split()[0]
    try:
        socket.gethostbyname(name)
    except OSError:
        return False
    return True


def run_client(command: str, *argv: object, status: int = 0) -> str:
    """Run one of the environment's own commands."""
    return run(BIN / command, *argv, status=status)


def environment(**more: object) -> None:
    """Set variables for everything started from here."""
    os.environ.update({name: str(value) for name, value in more.items()})


def job(*options: object, body: str = "sleep 300") -> str:
    """Submit a command as a job without a log and return its ID."""
    said = run("sbatch", "--parsable", "-p", partition(), "-t", "5", "-o", "/dev/null", *options, "--wrap", body)
    return said.split(";")[0].strip()


def state(job_id: str) -> str:
    """The state of a job that is still in the queue or was a moment ago, one word."""
    return run("squeue", "-h", "-t", "all", "-j", job_id, "-o", "%T").strip()
