"""What the command itself does: how it asks, waits and prints."""

from shim.options.catalogue.variables import inputs
from shim.options.joboption import JobOption
from shim.options.option import Argument
from shim.options.reporting import DEBUG, HELP, IGNORE_PBS, QUIET, USAGE, VERBOSE, VERSION
from shim.options.values import flag, text

REQUIRED = Argument.REQUIRED
_CLUSTERS = "this cluster's name, or all; others are unknown, in Slurm's words"

OPTIONS = (
    JobOption(name="help", short="h", value=HELP, early=True, late=False),
    JobOption(name="usage", value=USAGE, early=True, late=False, sort="version-1"),
    JobOption(name="version", short="V", value=VERSION, early=True, late=False),
    JobOption(
        name="verbose",
        short="v",
        value=VERBOSE,
        early=True,
        late=False,
        note="lists the options as Slurm does; the lines about its plug-ins are not imitated",
    ),
    JobOption(name="quiet", short="Q", value=QUIET, early=True, late=False),
    JobOption(name="parsable", value=flag("parsable"), commands=("sbatch",)),
    JobOption(name="test-only", value=flag("test_only"), commands=("sbatch", "srun")),
    JobOption(name="wait", short="W", value=flag("wait"), variables=("SBATCH_WAIT",), commands=("sbatch",)),
    JobOption(
        name="wrap",
        argument=REQUIRED,
        metavar="command_string",
        value=text("wrap"),
        commands=("sbatch",),
        early=True,
        late=False,
    ),
    JobOption(
        name="ignore-pbs",
        value=IGNORE_PBS,
        variables=("SBATCH_IGNORE_PBS",),
        commands=("sbatch",),
        early=True,
        note="without it #PBS and #BSUB lines are read, as in 22.05",
    ),
    JobOption(
        name="clusters",
        short="M",
        argument=REQUIRED,
        metavar="string",
        value=text("clusters"),
        variables=(*inputs("CLUSTERS", "sbatch salloc"), "SLURM_CLUSTERS"),
        note=_CLUSTERS,
    ),
    JobOption(
        name="cluster",
        argument=REQUIRED,
        metavar="string",
        value=text("clusters"),
        sort="cluster-constraint-2",
        note="as --clusters",
    ),
)

DEBUG_VARIABLE = ("DEBUG", DEBUG)
"""SBATCH_DEBUG, SALLOC_DEBUG and SLURM_DEBUG raise the verbosity by a number, which no option does."""
