"""The rare path of a command: no controller answers, so start one, or say so as Slurm does."""

import os
import subprocess
import sys
from pathlib import Path

from shim import launcher

ATTEMPTS = 3
_FAILURE = "Unable to contact slurm controller (connect failure)"
_LINES = {
    "sbatch": "sbatch: error: Batch job submission failed: " + _FAILURE,
    "srun": "srun: error: Unable to allocate resources: " + _FAILURE,
    "salloc": "salloc: error: Job submit/allocate failed: " + _FAILURE,
    "squeue": "slurm_load_jobs error: " + _FAILURE,
    "scancel": "scancel: error: Unable to contact slurm controller (connect failure)",
    "sinfo": "slurm_load_partitions: " + _FAILURE,
    "scontrol": "slurm_load_jobs error: " + _FAILURE,
}


def start_and_call(command: str, call: bytes) -> int:
    """Start a controller and make the call; several commands may do so at once, one controller results."""
    error = ""
    for _ in range(ATTEMPTS):
        error = start_controller()
        channel = launcher.connect()
        if channel is not None and (code := launcher.converse(channel, call)) is not None:
            return code
    if error:
        print(_one_line(error), file=sys.stderr)
    print(_LINES.get(command, f"{command}: error: {_FAILURE}"), file=sys.stderr)
    return 1


def _one_line(error: str) -> str:
    """What went wrong; of a traceback (a broken installation) its last line, which says it."""
    line = error.rstrip().rpartition("\n")[2]
    return line if line.startswith("slurm-shim: ") else f"slurm-shim: {sys.executable}: {line}"


def start_controller() -> str:
    """Start a controller and wait until it, or one that was quicker, answers. What went wrong, "" for nothing."""
    ready, done = os.pipe()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["SLURMSHIM_STATE"] = os.fsdecode(launcher.state_dir())
    root = str(Path(__file__).resolve().parent.parent)
    # -P: neither the working directory nor a script's folder may shadow what the controller imports.
    # The controller is of the same files as this client, whatever else is installed.
    path = f"import sys; {root!r} in sys.path or sys.path.insert(0, {root!r})"
    code = f"{path}; from shim.controller.main import main; main({done})"
    command = [sys.executable, "-P", "-c", code]
    try:
        subprocess.Popen(
            command,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=done,
            pass_fds=(done,),
            start_new_session=True,
        )
    except OSError as failure:
        os.close(ready)
        os.close(done)
        return f"slurm-shim: {failure}"
    os.close(done)
    with os.fdopen(ready, "rb") as pipe:
        return pipe.read().decode(errors="replace")
