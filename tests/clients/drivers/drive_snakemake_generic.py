"""snakemake --executor cluster-generic: `sbatch --parsable`, a status script on sacct, and scancel to cancel."""

from pathlib import Path

from support import environment, partition, run_client

WORKFLOW = """
rule all:
    input: "total"
rule part:
    output: "part.{i}"
    resources: mem_mb=100
    shell: "echo $((10 * {wildcards.i})) > {output}"
rule total:
    input: expand("part.{i}", i=[1, 2, 3])
    output: "total"
    resources: mem_mb=100
    shell: "sort -n {input} > {output}"
"""
STATUS = """#!/bin/sh
state=$(sacct -P -b -j "$1" -n | head -1 | cut -d'|' -f2)
[ -n "$state" ] || state=$(scontrol -o show job "$1" | grep -o 'JobState=[A-Z_]*' | cut -d= -f2)
case $state in
COMPLETED) echo success ;;
BOOT_FAIL* | CANCELLED* | DEADLINE* | FAILED* | NODE_FAIL* | OUT_OF_MEMORY* | PREEMPTED* | TIMEOUT*) echo failed ;;
*) echo running ;;
esac
"""

Path("Snakefile").write_text(WORKFLOW)
Path("status.sh").write_text(STATUS)
Path("status.sh").chmod(0o755)
environment(XDG_CACHE_HOME=Path.cwd() / "cache")
submit = (
    f"sbatch --parsable --partition={partition()} --cpus-per-task={{threads}} --mem={{resources.mem_mb}} --time=3"
    " --job-name=smk-{rule} --output=slurm-%j.log"
)
run_client(
    "snakemake",
    *("--executor", "cluster-generic", "-j", 4, "--latency-wait", 10, "--seconds-between-status-checks", 1),
    *("--cluster-generic-submit-cmd", submit),
    *("--cluster-generic-status-cmd", Path.cwd() / "status.sh"),
    *("--cluster-generic-cancel-cmd", "scancel"),
)
assert Path("total").read_text() == "10\n20\n30\n"
