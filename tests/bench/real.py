"""The real Slurm beside us: $REAL_SLURM_CONF names its configuration, $REAL_SLURM_USER who calls it (alice)."""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.shim import wait_until

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
    wait_until(lambda: call("squeue", "-h", "-j", job_id, "-o", "%t").strip() == "R", "a job of the real cluster")
    return job_id


@contextmanager
def held_jobs(count: int) -> Iterator[list[str]]:
    """So many jobs that are held, until the end of the context; their ids."""
    loop = f"for i in $(seq {count}); do /usr/bin/sbatch --parsable -H -o /dev/null --wrap true; done"
    ids = call("sh", "-c", loop).split()
    try:
        yield ids
    finally:
        call("scancel", "--me")


def action(*argv: str) -> Callable[[], object]:
    """The command as an action to be timed."""
    return lambda: call(*argv)
