"""dask-jobqueue: SLURMCluster scales up to two worker jobs, computes on them, and scales down by scancel."""

import os
from pathlib import Path

from dask.distributed import Client
from dask_jobqueue import SLURMCluster
from support import partition, unfinished, until


def square(number: int) -> tuple[int, str]:
    return number * number, os.environ["SLURM_JOB_ID"]


def main() -> None:
    cluster = SLURMCluster(
        queue=partition(),
        cores=1,
        processes=1,
        memory="300MB",
        walltime="00:03:00",
        log_directory="logs",
        local_directory="scratch",
        death_timeout=60,
        scheduler_options={"host": "127.0.0.1", "dashboard_address": None},
    )
    with cluster, Client(cluster) as client:
        cluster.scale(jobs=2)
        client.wait_for_workers(2, timeout=60)
        results = client.gather(client.map(square, range(20)))
        jobs = [worker.job_id for worker in cluster.workers.values()]
        assert [result for result, _ in results] == [number * number for number in range(20)], results
        assert len(jobs) == 2 and {job for _, job in results} <= set(jobs), (jobs, results)
        cluster.scale(0)
        until(lambda: not unfinished(*jobs))
    logs = {path.name for path in Path("logs").iterdir()}
    assert {f"dask-worker-{job}.err" for job in jobs} <= logs, logs


if __name__ == "__main__":
    main()
