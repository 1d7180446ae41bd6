"""How the batch script runs: files, directory, environment, limits, containers."""

from shim.options.catalogue.variables import inputs
from shim.options.files import CHDIR, stream
from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.policy import GET_USER_ENV, OPEN_MODE
from shim.options.values import optional_text, text

REQUIRED = Argument.REQUIRED
_FILES = ("sbatch", "srun")

OPTIONS = (
    JobOption(
        name="chdir",
        short="D",
        argument=REQUIRED,
        metavar="directory",
        value=CHDIR,
        variables=("SLURM_REMOTE_CWD", "SLURM_WORKING_DIR"),
        sort="cluster-constraint-1",
        early=True,
    ),
    JobOption(
        name="output",
        short="o",
        argument=REQUIRED,
        metavar="filename_pattern",
        value=stream("std_out"),
        variables=("SBATCH_OUTPUT", "SLURM_STDOUTMODE"),
        commands=_FILES,
        note="on dstack, in upload mode, written on the submitting machine from the run's log",
    ),
    JobOption(
        name="error",
        short="e",
        argument=REQUIRED,
        metavar="filename_pattern",
        value=stream("std_err"),
        variables=("SBATCH_ERROR", "SLURM_STDERRMODE"),
        commands=_FILES,
        note="on dstack, in upload mode, one stream with --output",
    ),
    JobOption(
        name="input",
        short="i",
        argument=REQUIRED,
        metavar="filename_pattern",
        value=stream("std_in"),
        variables=("SBATCH_INPUT", "SLURM_STDINMODE"),
        commands=_FILES,
    ),
    JobOption(
        name="open-mode",
        argument=REQUIRED,
        metavar="append|truncate",
        value=OPEN_MODE,
        variables=inputs("OPEN_MODE", "sbatch srun"),
        commands=_FILES,
    ),
    JobOption(
        name="export",
        argument=REQUIRED,
        metavar="[ALL,]environment_variables|ALL|NONE",
        value=text("export"),
        variables=("SBATCH_EXPORT", "SLURM_EXPORT_ENV", "SRUN_EXPORT_ENV"),
        commands=_FILES,
        note="the login environment is taken at submission, by the user's login shell on this machine",
    ),
    JobOption(
        name="export-file",
        argument=REQUIRED,
        metavar="filename|fd",
        value=text("export_file"),
        commands=("sbatch",),
        note="a file; a descriptor of the calling process is not reachable and counts as a file name",
    ),
    JobOption(
        name="get-user-env",
        argument=Argument.OPTIONAL,
        metavar="timeout[mode]",
        value=GET_USER_ENV,
        variables=("SBATCH_GET_USER_ENV",),
        commands=("sbatch", "salloc"),
        note="taken at submission, by the user's login shell on this machine",
    ),
    JobOption(
        name="propagate",
        argument=Argument.OPTIONAL,
        metavar="rlimit[,rlimit...]",
        value=optional_text("propagate", "ALL"),
        variables=("SLURM_PROPAGATE",),
        commands=_FILES,
        dstack=Effect.IGNORED,
        note="limits of this machine say nothing to another one",
    ),
    JobOption(
        name="container",
        argument=REQUIRED,
        metavar="path_to_container",
        value=text("container"),
        variables=("SBATCH_CONTAINER", "SALLOC_CONTAINER", "SRUN_CONTAINER"),
        local=Effect.REFUSED,
        dstack=Effect.REFUSED,
        note="OCI bundles need a runtime that is not there; use --container-image on dstack",
        refusal="OCI bundles are not supported",
    ),
)
