"""Words that tests of jobs share."""

from tests.shim import Shim, wait_until

BASH = "#!/bin/bash\n"
WAIT = "while :; do sleep 0.1; done\n"


def ending(shim: Shim, job: int | str) -> str:
    """State and exit code as sacct has them."""
    return shim.run("sacct", "-n", "-P", "-X", "-j", str(job), "-o", "State,ExitCode").out.strip()


def up(shim: Shim, job: int | str, word: str = "up") -> None:
    """Wait for a word of a job; it is known to have begun then."""
    written = shim.work / f"slurm-{job}.out"
    wait_until(lambda: written.exists() and word in shim.output(job), lambda: f"{word!r} in {written}: {shim.log}")
    wait_until(lambda: shim.states("-j", str(job)).get(str(job)) != "CONFIGURING", lambda: shim.log)


def until(shim: Shim, name: str) -> str:
    """A line of a script that waits until the test makes a file in the working directory."""
    return f"until [ -e {shim.work}/{name} ]; do sleep 0.1; done\n"


def nodes(shim: Shim) -> list[str]:
    """The names of all nodes."""
    return shim.run("sinfo", "-h", "-N", "-o", "%N").out.split()


def on_dstack(shim: Shim) -> bool:
    """Whether its jobs run through dstack."""
    return "[dstack]" in shim.config
