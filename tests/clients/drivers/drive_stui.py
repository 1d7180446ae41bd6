"""stui: its full-screen queue with arrays, GPUs and nodes, from squeue, sinfo and scontrol."""

from support import BIN, job, run, state, until
from terminal import screen

one = job("-J", "stuijob", "--mem=100M")
array = job("-J", "stuiarray", "--array=1-3%1")
until(lambda: state(one) == "RUNNING")
screen(BIN / "stui", shows=("stuijob", "stuiarray", "Running", "Pending", "2-3%1"))
run("scancel", one, array)
