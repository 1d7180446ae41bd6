"""ipyparallel: a cluster whose engines are the tasks of one Slurm job."""

import os

from support import environment, partition, unfinished, until

environment(IPYTHONDIR="ipython")

import ipyparallel  # noqa: E402  # reads its directory when it is imported


def main() -> None:
    cluster = ipyparallel.Cluster(n=2, controller_ip="127.0.0.1", engines="slurm", engine_timeout=60)
    cluster.config.SlurmEngineSetLauncher.queue = partition()
    cluster.config.SlurmEngineSetLauncher.timelimit = "3"
    with cluster as client:
        client.wait_for_engines(2, timeout=60)
        (job,) = set(client[:].apply_sync(os.getenv, "SLURM_JOB_ID"))
        assert sorted(client[:].apply_sync(os.getenv, "SLURM_PROCID")) == ["0", "1"]
        assert client[:].map_sync(lambda number: number**2, range(6)) == [0, 1, 4, 9, 16, 25]
    until(lambda: not unfinished(job))


if __name__ == "__main__":
    main()
