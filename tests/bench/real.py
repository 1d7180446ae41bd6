"""The real Slurm beside us: $REAL_SLURM_CONF names its configuration, $REAL_SLURM_USER who calls it (alice)."""

import os
import pwd
import subprocess
import time
from collections.abc import Callable

CONF = os.environ.get("REAL_SLURM_CONF", "")
USER = os.environ.get("REAL_SLURM_USER", "alice")


def call(*argv: str) -> str:
    """Run a command of the real cluster as its user; what it printed."""
    entry = pwd.getpwnam(USER)
    done = subprocess.run(
        ["/usr/bin/" + argv[0], *argv[1:]],
        env={"SLURM_CONF": CONF, "PATH": "/usr/bin:/bin", "HOME": entry.pw_dir},
        cwd=entry.pw_dir,
        user=entry.pw_uid,
        group=entry.pw_gid,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    return done.stdout.decode()


def start_job() -> str:
    """A job that runs; its id."""
    job_id = call("sbatch", "--parsable", "-o", "/dev/null", "--wrap", "sleep 1000").strip()
    while call("squeue", "-h", "-j", job_id, "-o", "%t").strip() != "R":
        time.sleep(0.1)
    return job_id


def action(*argv: str) -> Callable[[], object] | None:
    """The command as an action to be timed; None where there is no real cluster."""
    return (lambda: call(*argv)) if CONF else None
