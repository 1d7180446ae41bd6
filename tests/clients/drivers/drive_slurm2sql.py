"""slurm2sql: every field of sacct in a database, and the efficiency of jobs."""

import sqlite3

from support import finish, run, run_client, script, until


def job(body: str, *directives: str) -> str:
    return finish(script("job.sh", f"echo $SLURM_JOB_ID; {body}", *directives)).split()[0]


good = job("srun true", "-J good --mem=100M --cpus-per-task=2")
bad = run("sh", "-c", "sbatch --parsable --wait -o /dev/null -J bad --wrap 'exit 3'; true").split(";")[0].strip()
until(lambda: run("sacct", "-X", "-n", "-P", "-j", f"{good},{bad}", "-o", "state").split() == ["COMPLETED", "FAILED"])
run_client("slurm2sql", "jobs.db", "-j", f"{good},{bad}")
rows = sqlite3.connect("jobs.db").execute(
    "SELECT JobID, JobName, State, ExitCode, NCPUS, ReqMem, SubmitLine IS NOT NULL FROM slurm ORDER BY rowid"
)
found = {row[0]: row[1:] for row in rows}
print(found)
assert set(found) >= {good, f"{good}.batch", f"{good}.0", bad, f"{bad}.batch"}, found
assert found[good][:5] == ("good", "COMPLETED", 0, 2, 100 * 1024**2), found[good]
assert found[bad][:3] == ("bad", "FAILED", 3), found[bad]
assert good in run_client("slurm2sql-seff", "-j", good)
