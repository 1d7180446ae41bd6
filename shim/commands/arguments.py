"""The arguments of commands that need no more of them than flags and values."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shim.commands.call import Call, Exit
from shim.commands.display.version import version_line
from shim.commands.help import help_text, usage_text
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.option import Option


@dataclass
class Arguments:
    """Which flags were given, which values, and what is left."""

    flags: set[str] = field(default_factory=set)
    given: dict[str, str] = field(default_factory=dict)
    operands: list[str] = field(default_factory=list)

    def words(self, option: str) -> list[str] | None:
        """The words of a comma separated list; None: it was not given."""
        text = self.given.get(option)
        return None if text is None else [word for word in text.split(",") if word]


def read_arguments(call: Call, options: Sequence[Option], *, hint: bool = True, permute: bool = True) -> Arguments:
    """Read them. Raises Exit after --help, --usage and --version, and for what getopt_long refuses.

    ``hint`` adds the line that points to --help, which some of Slurm's commands leave out.
    """
    found = Arguments()
    scan = Getopt(options, call.argv, permute=permute)
    try:
        for option, value in scan:
            if option.key == "help":
                call.out(help_text(call.command))
                raise Exit(0)
            if option.key == "usage":
                call.out(usage_text(call.command))
                raise Exit(0)
            if option.key == "version":
                call.out(version_line(call.queue.config) + "\n")
                raise Exit(0)
            if value is None:
                found.flags.add(option.key)
            else:
                found.given[option.key] = value
    except OptionError as error:
        text = usage_error(call.command, error)
        call.err(text if hint else text.partition("\n")[0])
        raise Exit(1) from None
    found.operands = scan.operands
    return found


def refuse(call: Call, what: str, code: int = 1) -> Exit:
    """Say in one line that this cannot be done here."""
    call.error(f"{what} is not supported by this controller")
    return Exit(code)
