"""fsl_sub: a job, an array, an array task by task behind another, and the report of a finished job."""

from pathlib import Path

from support import environment, partition, run_client, until

CONFIGURATION = f"""
method: slurm
method_opts:
  slurm:
    queues: True
    memory_in_gb: False
    mail_support: False
    set_time_limit: True
queues:
  {partition()}:
    time: 60
    max_size: 4
    slot_size: 4
    max_slots: 4
    default: True
    group: 1
    priority: 1
"""


def fsl_sub(*argv: str) -> str:
    return run_client("fsl_sub", "-R", "1", "-T", "3", *argv).split()[-1]


Path("configuration.yml").write_text(CONFIGURATION)
environment(FSLSUB_CONF=Path.cwd() / "configuration.yml")
Path("first").write_text("".join(f"sh -c 'echo {number} > first.{number}'\n" for number in (1, 2)))
Path("second").write_text("".join(f"sh -c 'cat first.{number} > second.{number}'\n" for number in (1, 2)))
array = fsl_sub("-t", "first")
behind = fsl_sub("--array_hold", array, "-t", "second")
last = fsl_sub("-j", behind, "-N", "last", "sh", "-c", "cat second.1 second.2 > total")
until(lambda: Path("total").exists() and Path("total").read_text() == "1\n2\n")
until(lambda: "Finished" in run_client("fsl_sub_report", last))
