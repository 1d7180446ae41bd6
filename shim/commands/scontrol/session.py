"""One call of scontrol: its caller, its switches, and how it will have ended."""

from dataclasses import dataclass

from shim.commands.call import Call
from shim.commands.display.times import TimeFormat
from shim.controller.queue import Queue
from shim.job.errors import SlurmError


@dataclass
class Session:
    """What the commands of one call share; ``exit_code`` becomes 1 with the first failure and stays so."""

    call: Call
    all: bool = False  # hidden partitions too
    details: bool = False
    oneliner: bool = False
    quiet: bool = False
    verbose: bool = False
    yaml: bool = False  # show job: as the engine is told
    acting_as: int | None = None  # the user that --uid names
    exit_code: int = 0
    over: bool = False  # exit was asked for

    @property
    def queue(self) -> Queue:
        """The controller's queue."""
        return self.call.queue

    @property
    def user_id(self) -> int:
        """Who calls, or whom --uid names: a controller serves the one user who runs it."""
        return self.queue.user_id if self.acting_as is None else self.acting_as

    def out(self, text: str) -> None:
        """Print on standard output, as it is."""
        self.call.out(text)

    def tell_records(self, count: int) -> None:
        """With -v, how many records there are of what is shown."""
        if self.verbose and not self.quiet:
            time = TimeFormat(self.call.env)
            self.out(f"last_update_time={time(self.queue.now())}, records={count}\n")

    def fail(self, text: str = "", code: int = 1) -> None:
        """Print a line on standard error, unless quiet, and end with exit code 1, or with 0 where Slurm forgets it."""
        self.exit_code = max(self.exit_code, code)
        if text and not self.quiet:
            self.call.err(text)

    def refuse(self, error: SlurmError, prefix: str = "", suffix: str = "") -> None:
        """Print why the controller refused."""
        for note in error.notes:
            self.call.error(note)
        self.fail(f"{prefix}{error.text}{suffix}")
