"""What srun checks of its own options, and those it does not heed in a job that is there already (srun(1))."""

from collections.abc import Iterator, Mapping
from typing import Any

from shim.commands.stepping.binding import parse_cpu_bind
from shim.commands.stepping.mpi import check_mpi
from shim.commands.submission import check_limit_names
from shim.grammar.indexset import IndexSet
from shim.options.gather import Gathered
from shim.options.joboption import VALUE_ERROR, Complaint

_NUMBERS = ("threads", "msg-timeout", "jobid")
_COMPRESSIONS = ("lz4", "none")


def check_values(gathered: Gathered, mpi_default: str) -> None:
    """Raise Complaint for values that cannot be."""
    fields = gathered.fields
    check_mpi(fields, mpi_default)
    parse_cpu_bind(fields.get("cpu_bind") or "")
    for option in _NUMBERS:
        _numeric(fields, option)
    if fields.get("kill_on_bad_exit"):  # without a value it is 1
        _numeric(fields, "kill-on-bad-exit")
    groups = fields.get("het_group") or fields.get("pack_group") or "0"
    try:
        IndexSet.parse(groups)
    except ValueError:
        raise _error(
            f"_parse_single_range: Invalid range: `{groups}'", f"Invalid --het-group value: {groups}"
        ) from None


def check_together(gathered: Gathered) -> None:
    """Raise Complaint for options that exclude one another, or that are not for everybody."""
    fields = gathered.fields
    if gathered.asked("exclusive") and gathered.asked("overlap"):
        raise _error("--exclusive and --overlap are mutually exclusive")
    if fields.get("no_allocate"):
        if not fields.get("nodelist"):
            raise _error("must specify a node list with -Z, --no-allocate.")
        raise _error("--no-allocate cannot be used: it is for Slurm's administrators")
    check_limit_names(fields)


def unheeded(gathered: Gathered) -> Iterator[str]:
    """Lines about options that have no effect on a step."""
    fields = gathered.fields
    compression = fields.get("compress")
    if compression and compression not in _COMPRESSIONS:
        yield f"error: Compression type '{compression}' unknown, disabling compression support."
    if "jobid" not in fields:
        return
    if "begin" in fields:
        yield "error: --begin is ignored because nodes are already allocated."
    if gathered.asked("core-spec"):
        yield (
            "error: Ignoring --core-spec value for a job step within an existing job. "
            "Set specialized cores at job allocation time."
        )


def _numeric(fields: Mapping[str, Any], option: str) -> None:
    text = fields.get(option.replace("-", "_"))
    if text is not None and not str(text).isdigit():
        raise _error(f'Invalid numeric value "{text}" for --{option}.')


def _error(*lines: str) -> Complaint:
    return Complaint(*(f"error: {line}" for line in lines), code=VALUE_ERROR)
