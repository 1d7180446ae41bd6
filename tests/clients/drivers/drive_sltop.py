"""sltop: its full-screen dashboard of partitions, CPUs, nodes and jobs, from sinfo, squeue and scontrol."""

from support import BIN, job, partition, run, state, until
from terminal import screen

one = job("-J", "sltopjob", "-N2")
until(lambda: state(one) == "RUNNING")
total = len(set(run("sinfo", "-h", "-N", "-o", "%N").split()))
screen(BIN / "sltop", shows=(partition(), f"{total} total", "CPU used", "MaxTime"))
run("scancel", one)
