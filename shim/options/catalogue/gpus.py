"""GPUs and other generic resources."""

from shim.options.catalogue.variables import inputs
from shim.options.gpu import GPU_BIND, GPU_FREQ, GRES, GRES_FLAGS, TRES_PER_TASK
from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.values import count, text

REQUIRED = Argument.REQUIRED

OPTIONS = (
    JobOption(
        name="gres",
        argument=REQUIRED,
        metavar="list",
        value=GRES,
        variables=("SBATCH_GRES", "SALLOC_GRES", "SLURM_GRES", "SLURM_STEP_GRES"),
        note="on dstack gpu only",
        per_component=True,
    ),
    JobOption(
        name="gres-flags",
        argument=REQUIRED,
        metavar="type",
        value=GRES_FLAGS,
        variables=inputs("GRES_FLAGS"),
        local=Effect.IGNORED,
        dstack=Effect.IGNORED,
        note="CPUs and GPUs are not bound to one another",
        per_component=True,
    ),
    JobOption(
        name="gpus",
        short="G",
        argument=REQUIRED,
        metavar="[type:]number",
        value=text("gpus"),
        variables=inputs("GPUS"),
        note="on dstack the number is divided over the nodes and must divide",
        per_component=True,
    ),
    JobOption(
        name="gpus-per-node",
        argument=REQUIRED,
        metavar="[type:]number",
        value=text("gpus_per_node"),
        variables=inputs("GPUS_PER_NODE"),
        per_component=True,
    ),
    JobOption(
        name="gpus-per-task",
        argument=REQUIRED,
        metavar="[type:]number",
        value=text("gpus_per_task"),
        variables=inputs("GPUS_PER_TASK"),
        per_component=True,
    ),
    JobOption(
        name="gpus-per-socket",
        argument=REQUIRED,
        metavar="[type:]number",
        value=text("gpus_per_socket"),
        variables=("SBATCH_GPUS_PER_SOCKET", "SALLOC_GPUS_PER_SOCKET"),
        per_component=True,
    ),
    JobOption(
        name="cpus-per-gpu",
        argument=REQUIRED,
        metavar="ncpus",
        value=count("cpus_per_gpu"),
        variables=inputs("CPUS_PER_GPU"),
        per_component=True,
    ),
    JobOption(
        name="gpu-bind",
        argument=REQUIRED,
        metavar="[verbose,]type",
        value=GPU_BIND,
        variables=inputs("GPU_BIND"),
        local=Effect.RECORDED,
        dstack=Effect.RECORDED,
        note="checked, and handed to the job as SLURM_GPU_BIND for srun",
        per_component=True,
    ),
    JobOption(
        name="gpu-freq",
        argument=REQUIRED,
        metavar="[type]=value",
        value=GPU_FREQ,
        variables=inputs("GPU_FREQ"),
        local=Effect.RECORDED,
        dstack=Effect.RECORDED,
        note="checked, and handed to the job as SLURM_GPU_FREQ; the frequency is not changed",
        per_component=True,
    ),
    JobOption(
        name="tres-per-task",
        argument=REQUIRED,
        metavar="cpu:n,gres/gpu[:type]:n",
        value=TRES_PER_TASK,
        since="23.11",
        note="in terms of --cpus-per-task and --gpus-per-task",
        per_component=True,
    ),
)
