"""slurm-monitor-top: its full-screen table of jobs, CPUs and memory, from squeue --Format, sinfo and scontrol."""

from support import BIN, job, run, state, until
from terminal import screen

one = job("-J", "topjob", "--mem=100M", "-N2")
until(lambda: state(one) == "RUNNING")
screen(BIN / "slurm-top", shows=("topjob", one, "100M"))
run("scancel", one)
