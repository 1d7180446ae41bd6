"""sfollow: follows a job's output from its start to its end, found by squeue and scontrol."""

from support import BIN, run, script


def follow(*jobs: str) -> str:
    return run("sh", "-c", f"{BIN / 'sfollow'} {' '.join(jobs)} 2>&1")


path = script("job.sh", "echo first line; sleep 3; echo last line; exit 3", "-J followed")
job = run("sbatch", "--parsable", path).split(";")[0].strip()
said = follow(job)
assert "first line" in said, said
assert "last line" in said, said
assert f"Job {job} finished" in said, said
assert "FAILED" in said, said
latest = run("sbatch", "--parsable", script("latest.sh", "echo done", "-J latest")).split(";")[0].strip()
said = follow()
assert f"Job {latest}" in said, said
assert "COMPLETED" in said, said
