"""Run a script many times through HyperQueue's local cluster and print the seconds it took: COUNT CORES SCRIPT."""

import contextlib
import io
import sys
import time

from hyperqueue import Job  # type: ignore[import-not-found]
from hyperqueue.cluster import LocalCluster, WorkerConfig  # type: ignore[import-not-found]

count, cores, script = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
with contextlib.redirect_stderr(io.StringIO()), LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=cores))
    client = cluster.client()
    start = time.perf_counter()
    job = Job()
    for _ in range(count):
        job.program([script])
    client.wait_for_jobs([client.submit(job)])
    took = time.perf_counter() - start
print("SECONDS", took)
