"""The declaration of one option: what everything else about it is derived from."""

from dataclasses import dataclass
from enum import Enum


class Argument(Enum):
    """Whether an option takes an argument, in getopt_long(3)'s sense."""

    NONE = "none"
    REQUIRED = "required"
    OPTIONAL = "optional"  # only as --name=value or -nvalue, never as a word of its own


class Effect(Enum):
    """What becomes of an option on one executor; the words that compat-matrix.md uses."""

    HONOURED = "honoured"
    RECORDED = "recorded"  # shown by the queue commands and given to the job's environment, nothing else
    IGNORED = "no effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of one or more commands.

    ``local`` and ``dstack`` say what it does on each executor, ``note`` why it differs from Slurm (one line for
    compat-matrix.md; empty where it does what Slurm does).
    """

    name: str = ""  # the long name without its dashes; empty for an option with a short form only
    short: str = ""
    argument: Argument = Argument.NONE
    metavar: str = ""
    aliases: tuple[str, ...] = ()  # further long names with the same meaning
    local: Effect = Effect.HONOURED
    dstack: Effect = Effect.HONOURED
    note: str = ""
    since: str = ""  # the release of Slurm that brought it, or the plug-in, where the one imitated lacks it

    @property
    def abbreviates(self) -> bool:
        """False for what the imitated release lacks: it must not make abbreviations of others ambiguous."""
        return not self.since

    @property
    def key(self) -> str:
        """The one name it goes by in programs: the long name, or the letter."""
        return self.name or self.short

    @property
    def synopsis(self) -> str:
        """How a manual writes it: ``-J, --job-name=<jobname>``."""
        metavar = self.metavar or "value"
        long = {
            Argument.NONE: f"--{self.name}",
            Argument.REQUIRED: f"--{self.name}=<{metavar}>",
            Argument.OPTIONAL: f"--{self.name}[=<{metavar}>]",
        }[self.argument]
        if not self.name:
            return f"-{self.short}" if self.argument is Argument.NONE else f"-{self.short} <{metavar}>"
        return f"-{self.short}, {long}" if self.short else long


def dump_option(name: str) -> Option:
    """``--json`` and ``--yaml`` of squeue, sacct and sinfo: their argument came with Slurm 23.11."""
    note = "`v0.0.40` is the layout of Slurm 23.11; without an argument `data_parser` of the configuration holds"
    return Option(name=name, argument=Argument.OPTIONAL, metavar="data_parser", note=note)
