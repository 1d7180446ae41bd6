"""slurm_gpustat: GPUs by type, free ones and who holds the rest, from sinfo, squeue -O and scontrol show jobid -dd."""

from support import job, run, run_client, state, until

gpus = [line for line in run("sinfo", "-h", "-N", "-o", "%N %G").splitlines() if "gpu" in line]
assert gpus, "the cluster has GPUs"
one = job("-p", "gpu", "--gres=gpu:2", "-J", "holder")
until(lambda: state(one) == "RUNNING")
rows = [line.split() for line in run_client("slurm_gpustat", "--color", "0").splitlines()]
kinds = {row[0]: row[1:] for row in rows if row and row[0] in ("total", "a100", "h100")}
assert {kind: row[:2] for kind, row in kinds.items()} == {"total": ["8", "8"], "a100": ["4", "4"], "h100": ["4", "4"]}
owner = run("id", "-un").strip()
assert any(row[0] == owner and int(row[1]) >= 2 for row in rows if row), rows
run("scancel", one)
