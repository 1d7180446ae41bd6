"""Options that only srun or salloc have."""

from shim.options.catalogue.variables import inputs
from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.values import count, flag, switch, text

REQUIRED = Argument.REQUIRED
OPTIONAL = Argument.OPTIONAL
_SRUN = ("srun",)
_SALLOC = ("salloc",)
_BCAST = "programs are on every node already: all nodes are this machine, or share its files"


def _srun(
    name: str,
    argument: Argument = Argument.NONE,
    metavar: str = "",
    *,
    short: str = "",
    variables: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    sort: str = "",
    effect: Effect = Effect.HONOURED,
    dstack: Effect | None = None,
    note: str = "",
) -> JobOption:
    field = name.replace("-", "_")
    return JobOption(
        name=name,
        short=short,
        argument=argument,
        metavar=metavar,
        value=flag(field) if argument is Argument.NONE else text(field),
        commands=_SRUN,
        variables=variables,
        aliases=aliases,
        sort=sort,
        local=effect,
        dstack=dstack or effect,
        note=note,
    )


SRUN = (
    _srun("accel-bind", REQUIRED, "options", effect=Effect.RECORDED, note="checked, not acted upon"),
    _srun("bcast", OPTIONAL, "dest_path", variables=("SLURM_BCAST",), effect=Effect.IGNORED, note=_BCAST),
    _srun("bcast-exclude", REQUIRED, "path", variables=("SLURM_BCAST_EXCLUDE",), effect=Effect.IGNORED, note=_BCAST),
    _srun("compress", OPTIONAL, "type", variables=("SLURM_COMPRESS",), effect=Effect.IGNORED, note=_BCAST),
    _srun(
        "cpu-bind",
        REQUIRED,
        "type",
        aliases=("cpu_bind",),
        variables=("SLURM_CPU_BIND",),
        dstack=Effect.REFUSED,
        note="none works everywhere; CPUs of containers are dstack's to choose",
    ),
    _srun("debugger-test", effect=Effect.REFUSED, note="for Slurm's own tests"),
    _srun("disable-status", short="X", variables=("SLURM_DISABLE_STATUS",)),
    _srun("epilog", REQUIRED, "path", variables=("SLURM_EPILOG",)),
    _srun("exact", variables=("SLURM_EXACT",)),
    _srun("het-group", REQUIRED, "expr"),
    _srun("interactive", effect=Effect.IGNORED, note="for salloc's own use in Slurm"),
    _srun("jobid", REQUIRED, "jobid", variables=("SLURM_JOBID", "SLURM_JOB_ID")),
    _srun("kill-on-bad-exit", OPTIONAL, "0|1", short="K", variables=("SLURM_KILL_BAD_EXIT",)),
    _srun("label", short="l", variables=("SLURM_LABELIO",)),
    _srun(
        "threads",
        REQUIRED,
        "nthreads",
        short="T",
        variables=("SLURM_THREADS",),
        sort="max-threads",
        effect=Effect.IGNORED,
        note="how srun talks to nodes in Slurm",
    ),
    _srun(
        "mpi",
        REQUIRED,
        "mpi_type",
        variables=("SLURM_MPI_TYPE",),
        note="none, openmpi, pmi2, and pmix where libpmix is installed (4.2, 5); on dstack neither of the last two",
    ),
    _srun("msg-timeout", REQUIRED, "seconds", effect=Effect.IGNORED, note="how srun talks to nodes in Slurm"),
    _srun("multi-prog", variables=("SLURM_SRUN_MULTI",)),
    _srun("no-allocate", short="Z", effect=Effect.REFUSED, note="for Slurm's administrators"),
    _srun("overlap", variables=("SLURM_OVERLAP",)),
    _srun("pack-group", REQUIRED, "expr", note="an older name of --het-group"),
    _srun("preserve-env", short="E"),
    _srun("prolog", REQUIRED, "executable", variables=("SLURM_PROLOG",)),
    _srun("pty", note="on dstack the image needs script (util-linux)"),
    _srun("quit-on-interrupt"),
    _srun("relative", REQUIRED, "n", short="r"),
    _srun("resv-ports", OPTIONAL, "count", variables=("SLURM_RESV_PORTS",), effect=Effect.IGNORED, note="not reserved"),
    _srun("send-libs", OPTIONAL, "yes|no", variables=("SLURM_SEND_LIBS",), effect=Effect.IGNORED, note=_BCAST),
    _srun("slurmd-debug", REQUIRED, "level", variables=("SLURMD_DEBUG",), effect=Effect.IGNORED, note="no slurmd"),
    _srun("task-epilog", REQUIRED, "executable", variables=("SLURM_TASK_EPILOG",)),
    _srun("task-prolog", REQUIRED, "executable", variables=("SLURM_TASK_PROLOG",)),
    _srun("unbuffered", short="u", variables=("SLURM_UNBUFFEREDIO",)),
    _srun("whole"),
    JobOption(
        name="wait",
        short="W",
        argument=REQUIRED,
        metavar="seconds",
        value=count("wait_seconds", least=0),
        variables=("SLURM_WAIT",),
        commands=_SRUN,
    ),
)

SALLOC = (
    JobOption(name="bell", value=switch("bell", "bell-always"), variables=("SALLOC_BELL",), commands=_SALLOC),
    JobOption(name="no-bell", value=switch("no_bell", "bell-never"), variables=("SALLOC_NO_BELL",), commands=_SALLOC),
    JobOption(
        name="kill-command",
        short="K",
        argument=OPTIONAL,
        metavar="signal",
        value=text("kill_command"),
        variables=("SALLOC_KILL_CMD",),
        commands=_SALLOC,
    ),
    JobOption(name="no-shell", value=flag("no_shell"), commands=_SALLOC),
)

BOTH = (
    JobOption(
        name="immediate",
        short="I",
        argument=OPTIONAL,
        metavar="seconds",
        value=text("immediate"),
        variables=inputs("IMMEDIATE", "salloc srun"),
        commands=("salloc", "srun"),
    ),
    JobOption(
        name="x11",
        argument=OPTIONAL,
        metavar="all|first|last",
        value=text("x11"),
        commands=("salloc", "srun"),
        local=Effect.IGNORED,
        dstack=Effect.REFUSED,
        note="on this machine DISPLAY is the submitter's own",
    ),
)

OPTIONS = (*SRUN, *SALLOC, *BOTH)
