"""The options of one command, in the order of Slurm's own table."""

from collections.abc import Sequence
from functools import cache

from shim.options.catalogue import client, gpus, identity, placement, pyxis, queue, running, size, steps
from shim.options.catalogue.absent import NEWER, OLDER
from shim.options.getopt import Getopt, Index
from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.values import text

ALL = (
    *identity.OPTIONS,
    *size.OPTIONS,
    *gpus.OPTIONS,
    *placement.OPTIONS,
    *queue.OPTIONS,
    *running.OPTIONS,
    *client.OPTIONS,
    *steps.OPTIONS,
    *pyxis.OPTIONS,
)
ABSENT = (*NEWER, *OLDER)


@cache
def options_of(command: str) -> tuple[JobOption, ...]:
    """The options that ``command`` (sbatch, salloc or srun) takes; the order shows in messages about abbreviations."""
    own = [option for option in ALL if command in option.commands]
    return tuple(sorted(own, key=lambda option: option.sort or option.name))


@cache
def plugin_options(names: tuple[str, ...]) -> tuple[JobOption, ...]:
    """Options of SPANK plug-ins that the configuration declares as known; ``name=`` needs an argument."""
    return tuple(
        JobOption(
            name=name.rstrip("="),
            argument=Argument.REQUIRED if name.endswith("=") else Argument.OPTIONAL,
            value=text(f"spank:{name.rstrip('=')}"),
            since="SPANK",
            local=Effect.IGNORED,
            dstack=Effect.IGNORED,
        )
        for name in names
    )


@cache
def variables_of(command: str) -> tuple[tuple[JobOption, tuple[str, ...]], ...]:
    """The options that environment variables can give, each with its variables; the last one that is set counts."""
    pairs = ((option, option.variables_of(command)) for option in options_of(command))
    return tuple((option, names) for option, names in pairs if names)


@cache
def _index(command: str, plugins: tuple[str, ...]) -> Index[JobOption]:
    return Index((*options_of(command), *plugin_options(plugins)))


def getopt_of(command: str, argv: Sequence[str], plugins: tuple[str, ...] = ()) -> Getopt[JobOption]:
    """Iterate over a command line; it ends at the first word that is no option."""
    return Getopt(_index(command, plugins), argv, permute=False)
