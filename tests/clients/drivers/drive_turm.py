"""turm: its full-screen list of jobs and the details of one, from squeue -O with suffixes as separators."""

from support import BIN, job, run, state, until
from terminal import screen

one = job("-J", "turmjob", "--mem=100M")
array = job("-J", "turmarray", "--array=1-3%1")
until(lambda: state(one) == "RUNNING")
screen(
    BIN / "turm", "--me", "--slurm-refresh", "1", shows=("turmjob", f"{array}_1", f"{array}_3", "mem=100M", "/dev/null")
)
run("scancel", one, array)
