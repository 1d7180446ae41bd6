"""troika (ECMWF): submits by stdin with its own directives, monitors by squeue, kills by signal or outright."""

from pathlib import Path

from support import partition, run, run_client, unfinished, until

CONFIG = """
sites:
  here:
    type: slurm
    connection: local
    pre_submit: ["create_output_dir"]
    at_exit: ["copy_submit_logfile"]
"""
USER = run("id", "-un").strip()


def troika(action: str, script: str, *more: object) -> str:
    return run_client("troika", "-vv", "-c", "troika.yml", action, "-u", USER, *more, "here", script)


def submit(name: str, body: str) -> str:
    output = Path(f"{name}.out").absolute()
    Path(f"{name}.sh").write_text(f"#!/bin/bash\n#SBATCH -p {partition()} -t 3\n{body}\n")
    troika("submit", f"{name}.sh", "-o", output)
    return Path(f"{name}.sh.jid").read_text().split()[-1]


Path("troika.yml").write_text(CONFIG)
job = submit("good", "echo hello from $SLURM_JOB_ID")
until(lambda: Path("good.out").exists() and f"hello from {job}" in Path("good.out").read_text())
long = submit("long", "sleep 300")
until(lambda: "RUNNING" in run("squeue", "-h", "-j", long, "-o", "%T"))
troika("monitor", "long.sh")
assert long in Path("long.sh.stat").read_text()
troika("kill", "long.sh")
until(lambda: not unfinished(long))
