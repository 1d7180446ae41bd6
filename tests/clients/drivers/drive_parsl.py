"""parsl: a HighThroughputExecutor's blocks are jobs of SlurmProvider, started through srun and watched by sacct."""

from pathlib import Path

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SrunLauncher
from parsl.providers import SlurmProvider
from support import partition, unfinished, until


@parsl.python_app
def double(number: int) -> tuple[int, str | None, str | None]:
    import os  # the function travels alone to its worker

    return 2 * number, os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURM_PROCID")


@parsl.bash_app
def say(stdout: str) -> str:
    return "echo job $SLURM_JOB_ID"


def configuration(provider: SlurmProvider) -> Config:
    executor = HighThroughputExecutor(
        label="blocks",
        address="127.0.0.1",
        max_workers_per_node=1,
        cores_per_worker=1,
        provider=provider,
        encrypted=False,
        heartbeat_period=5,
        heartbeat_threshold=60,
    )
    return Config(executors=[executor], run_dir="runs", strategy="none", usage_tracking=0)


def main() -> None:
    provider = SlurmProvider(
        partition=partition(),
        nodes_per_block=1,
        cores_per_node=1,
        mem_per_node=1,
        init_blocks=2,
        max_blocks=2,
        walltime="00:03:00",
        exclusive=False,
        launcher=SrunLauncher(),
        cmd_timeout=30,
    )
    with parsl.load(configuration(provider)):
        results = [future.result() for future in [double(number) for number in range(8)]]
        assert [doubled for doubled, _, _ in results] == [0, 2, 4, 6, 8, 10, 12, 14], results
        assert {rank for _, _, rank in results} == {"0"}, results
        jobs = list(provider.resources)
        assert len(jobs) == 2 and {job for _, job, _ in results} <= set(jobs), (jobs, results)
        until(lambda: {status.state.name for status in provider.status(jobs)} == {"RUNNING"})
        say(stdout="said").result()
    assert Path("said").read_text().strip() in {f"job {job}" for job in jobs}
    until(lambda: not unfinished(*jobs))


if __name__ == "__main__":
    main()
