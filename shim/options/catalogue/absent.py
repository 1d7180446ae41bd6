"""Options that other releases of Slurm have and the imitated one has not: refused as it refuses them."""

from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect


def _absent(name: str, since: str, note: str, argument: Argument = Argument.REQUIRED, short: str = "") -> JobOption:
    return JobOption(
        name=name,
        short=short,
        argument=argument,
        since=since,
        note=note,
        local=Effect.REFUSED,
        dstack=Effect.REFUSED,
        commands=("sbatch",),
    )


NEWER = (
    _absent("consolidate-segments", "25.05", "block topologies only", Argument.NONE),
    _absent("container-id", "23.02", "OCI runtimes only"),
    _absent("oom-kill-step", "24.05", "steps are not killed as one for running out of memory", Argument.OPTIONAL),
    _absent("resv-ports", "23.11", "ports are not reserved", Argument.OPTIONAL),
    _absent("segment", "23.11", "block topologies only"),
    _absent("spread-segments", "25.05", "block topologies only", Argument.NONE),
    _absent("stepmgr", "24.05", "steps are always managed beside the job", Argument.NONE),
    _absent("tres-bind", "23.11", "use --gpu-bind"),
)

OLDER = (
    _absent("checkpoint", "until 19.05", "checkpoints are the job's own business"),
    _absent("checkpoint-dir", "until 19.05", "checkpoints are the job's own business"),
    _absent("immediate", "until 2.x", "salloc and srun have it", Argument.OPTIONAL, "I"),
    _absent("jobid", "until 18.08", "job IDs are given by the controller"),
    _absent("share", "until 17.11", "use --oversubscribe", Argument.NONE),
    _absent("workdir", "until 18.08", "use --chdir"),
)
