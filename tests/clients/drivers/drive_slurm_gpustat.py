"""slurm_gpustat: GPUs by type, free ones and who holds the rest, from sinfo, squeue -O and scontrol show jobid -dd."""

from support import job, run, run_client, state, until

gpus = [line.split(":")[1:] for line in run("sinfo", "-h", "-N", "-p", "gpu", "-o", "%G").splitlines()]
assert [count for _, count in gpus] == ["4", "4"], "the cluster has GPUs"
types = {kind for kind, _ in gpus}
one = job("-p", "gpu", "--gres=gpu:2", "-J", "holder")
until(lambda: state(one) == "RUNNING")
rows = [line.split() for line in run_client("slurm_gpustat", "--color", "0").splitlines()]
kinds = {row[0]: row[1:] for row in rows if row and row[0] in ("total", *types)}
assert {kind: row[:2] for kind, row in kinds.items()} == {"total": ["8", "8"]} | {kind: ["4", "4"] for kind in types}
owner = run("id", "-un").strip()
assert any(row[0] == owner and int(row[1]) >= 2 for row in rows if row), rows
run("scancel", one)
