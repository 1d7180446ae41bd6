"""Whose job it is, and what it is called."""

from shim.options.catalogue.variables import inputs
from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.policy import ONLY_ROOT
from shim.options.values import text

REQUIRED = Argument.REQUIRED

OPTIONS = (
    JobOption(
        name="account",
        short="A",
        argument=REQUIRED,
        metavar="account",
        value=text("account"),
        variables=inputs("ACCOUNT"),
        local=Effect.RECORDED,
        dstack=Effect.RECORDED,
        note="kept for squeue, sacct and SLURM_JOB_ACCOUNT; there are no associations to check it against",
    ),
    JobOption(name="comment", argument=REQUIRED, metavar="string", value=text("comment")),
    JobOption(
        name="job-name",
        short="J",
        argument=REQUIRED,
        metavar="jobname",
        value=text("job_name"),
        variables=("SBATCH_JOB_NAME", "SLURM_JOB_NAME"),
        sort="jobname",
    ),
    JobOption(
        name="qos",
        short="q",
        argument=REQUIRED,
        metavar="qos",
        value=text("qos"),
        variables=inputs("QOS"),
        local=Effect.RECORDED,
        note="any name is taken, as without AccountingStorageEnforce; on dstack the configuration may map it to a "
        "priority",
    ),
    JobOption(
        name="wckey",
        argument=REQUIRED,
        metavar="wckey",
        value=text("wckey"),
        variables=inputs("WCKEY"),
        local=Effect.RECORDED,
        dstack=Effect.RECORDED,
        note="kept for squeue and sacct",
    ),
    JobOption(
        name="mcs-label",
        argument=REQUIRED,
        metavar="mcs",
        value=text("mcs_label"),
        local=Effect.IGNORED,
        dstack=Effect.IGNORED,
        note="there is no MCS plug-in, as in a default Slurm",
    ),
    JobOption(
        name="uid",
        argument=REQUIRED,
        metavar="user",
        value=ONLY_ROOT,
        local=Effect.REFUSED,
        dstack=Effect.REFUSED,
        note="jobs run as the user who submits them; refused in Slurm's words",
    ),
    JobOption(
        name="gid",
        argument=REQUIRED,
        metavar="group",
        value=ONLY_ROOT,
        local=Effect.REFUSED,
        dstack=Effect.REFUSED,
        note="as --uid",
    ),
    JobOption(
        name="context",
        argument=REQUIRED,
        metavar="context",
        value=text("selinux_context"),
        local=Effect.IGNORED,
        dstack=Effect.IGNORED,
        note="SELinux contexts are not set, as where Slurm is built without them",
    ),
)
