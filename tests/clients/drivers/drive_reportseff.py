"""reportseff: the efficiency of finished jobs, from sacct's table of itself and its steps."""

from support import finish, run, run_client, script, until


def job(body: str, *directives: str) -> str:
    path = script("job.sh", f"echo $SLURM_JOB_ID; {body}", *directives)
    return finish(path).split()[0]


good = job("srun true", "-J good --mem=100M")
bad = run("sh", "-c", "sbatch --parsable --wait -o /dev/null --wrap 'exit 3'; true").split(";")[0].strip()
until(lambda: "FAILED" in run("sacct", "-X", "-n", "-j", bad, "-o", "state"))
until(lambda: "COMPLETED" in run("sacct", "-X", "-n", "-j", good, "-o", "state"))
rows = [line.split() for line in run_client("reportseff", "--no-color", good, bad).splitlines()]
assert rows[0][:3] == ["JobID", "State", "Elapsed"], rows
assert {row[0]: row[1] for row in rows[1:]} == {good: "COMPLETED", bad: "FAILED"}, rows
wide = run_client("reportseff", "--no-color", "--format=JobID,JobName,State,NNodes,NCPUS,ReqMem", good).splitlines()
assert wide[1].split() == [good, "good", "COMPLETED", "1", "1", "100M"], wide
