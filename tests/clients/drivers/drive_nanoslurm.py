"""nanoslurm: submission with a signal, its record by scontrol -o, state by squeue, counts by sinfo, cancellation."""

from nanoslurm import stats
from nanoslurm.job import submit
from support import partition, state, until

job = submit(["sleep", "300"], name="nano", cluster=partition(), time="00:05:00", cpus=1, memory=1, gpus=0)
until(lambda: job.status == "RUNNING")
record = job.info()
assert record["JobState"] == "RUNNING", record
assert record["TimeLimit"] == "00:05:00", record
assert partition() in stats.partition_utilization()
assert sum(stats.node_state_counts().values()) >= 1
job.cancel()
until(lambda: state(str(job.id)) == "CANCELLED")
