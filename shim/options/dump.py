"""What ``-v`` lists: every option that was given, with its value as it was understood (slurm_print_set_options)."""

from collections.abc import Iterator

from shim.options.gather import Gathered
from shim.options.table import options_of

_RULE = "-------------------- --------------------"


def dump(gathered: Gathered, command: str) -> Iterator[str]:
    """The lines, without the command's name in front."""
    yield "defined options"
    yield _RULE
    for option in options_of(command):
        if option.value and (gathered.asked(option.name) or _counted(gathered, option.name)) and not option.same_as:
            yield f"{option.name:<20}: {option.value.show(gathered.fields)}"
    yield _RULE
    yield "end of defined options"


def _counted(gathered: Gathered, name: str) -> bool:
    """SBATCH_DEBUG raises the verbosity without any option."""
    return name == "verbose" and bool(gathered.fields.get("verbose"))
