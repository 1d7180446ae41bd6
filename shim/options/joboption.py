"""Options of sbatch, salloc and srun: an option that also says what its argument means to a job.

The value of an option is read into *fields*: a mapping whose keys are the names of `Request`'s fields, of what the
submission itself needs (``parsable``, ``wrap`` …) or, for all else, of entries in ``Request.extra``. Slurm applies
options one after the other, later over earlier, script before environment before command line; so do we.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import IntEnum
from typing import Any, NoReturn

from shim.options.option import Option

OPTION_ERROR = 255
"""Exit code of sbatch, salloc and srun for an option they cannot use; some values end in `VALUE_ERROR` instead."""

VALUE_ERROR = 1
"""Exit code for numbers that cannot be read, and for everything that Slurm calls fatal."""

Fields = dict[str, Any]


class Source(IntEnum):
    """Where the value of an option comes from; a higher one wins (sbatch(1), INPUT ENVIRONMENT VARIABLES)."""

    DEFAULT = 0
    SCRIPT = 1
    ENVIRONMENT = 2
    COMMAND_LINE = 3


class Complaint(Exception):
    """A command line, environment or script that cannot be used.

    ``lines`` are printed with the command's name in front (``sbatch: error: …``), after the ``bare`` ones, which
    are printed as they are; ``output`` goes to standard output.
    """

    def __init__(self, *lines: str, code: int = OPTION_ERROR, bare: tuple[str, ...] = (), output: str = "") -> None:
        self.lines = lines
        self.code = code
        self.bare = bare
        self.output = output
        super().__init__("\n".join((*bare, *lines)))


def _no_file(path: str) -> NoReturn:
    raise FileNotFoundError(2, "No such file or directory", path)


@dataclass(frozen=True, slots=True)
class Place:
    """What an option's value may depend on besides its text. ``now`` is in epoch seconds."""

    command: str = "sbatch"
    cwd: str = "/"
    now: float = 0.0
    zone: tzinfo | None = None  # of the caller's clock; None: the process's own
    root: bool = False
    about: Callable[[str], str] = str  # what --help, --usage and --version print, by these names
    read_file: Callable[[str], bytes] = _no_file  # of the caller; relative names are below ``cwd``


@dataclass(frozen=True, slots=True)
class Reading:
    """One value about to be read: the text, the option, and the fields as they are so far."""

    option: "JobOption"
    text: str | None  # None: an optional argument that was left out
    place: Place
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: Source = Source.COMMAND_LINE

    @property
    def given(self) -> str:
        """The text, empty where there is none."""
        return self.text or ""

    def invalid(self, *before: str, bare: tuple[str, ...] = ()) -> Complaint:
        """Slurm's usual words for a value that cannot be read."""
        return Complaint(*before, f"error: Invalid --{self.option.name} specification", bare=bare)


@dataclass(frozen=True, slots=True)
class Value:
    """How an option's text becomes fields, and how ``-v`` shows them again (slurm_opt.c's set and get)."""

    parse: Callable[[Reading], Mapping[str, Any]]
    show: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOption(Option):
    """An option that describes a job. One without a ``value`` is known but refused as an unknown one is."""

    value: Value | None = None
    commands: tuple[str, ...] = ("sbatch", "salloc", "srun")
    variables: tuple[str, ...] = ()  # input environment variables, of whatever command
    sort: str = ""  # its place in Slurm's table of options, where that is not by name
    same_as: str = ""  # the option that -v shows it as
    early: bool = False  # acts on the command line, before the script is read
    late: bool = True  # acts after the script is read, in its directives and the environment, too
    refusal: str = ""  # what to say where an executor refuses it, if the controller does not
    per_component: bool = False  # the components of a heterogeneous job do not hand it on to the next one

    def variables_of(self, command: str) -> tuple[str, ...]:
        """The environment variables from which ``command`` takes this option; the last one that is set counts."""
        prefixes = {"sbatch": ("SBATCH_",), "salloc": ("SALLOC_",), "srun": ("SRUN_", "SLURM_", "SLURMD_")}[command]
        shared = ("SLURM_CLUSTERS", "SLURM_HINT")  # read by all three
        return tuple(name for name in self.variables if name.startswith(prefixes) or name in shared)
