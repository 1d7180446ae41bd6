"""slurm-usage: jobs, CPUs and GPUs of each user and partition, and the nodes, from squeue and sinfo."""

from support import job, partition, run, run_client, state, until

one = job("-J", "usage")
until(lambda: state(one) == "RUNNING")
owner = run("id", "-un").strip()
said = run_client("slurm-usage", "current")
assert owner in said, said
assert partition() in said, said
assert "R=" in said, said
nodes = run_client("slurm-usage", "nodes")
assert str(len(set(run("sinfo", "-h", "-N", "-o", "%N").split()))) in nodes.split("Total Nodes")[1].split()[0], nodes
run("scancel", one)
