"""ClusterShell: its own Slurm node groups, of partitions, states, jobs and users, from sinfo and squeue."""

import shutil
import sys
from pathlib import Path

from support import environment, run, run_client, unfinished, until

EXAMPLE = Path(sys.prefix, "etc", "clustershell", "groups.conf.d", "slurm.conf.example")


def nodes(group: str) -> list[str]:
    return run_client("nodeset", "-e", f"@{group}").split()


def first_word(*argv: str) -> str:
    return run(*argv).split()[0]


groups = Path.cwd() / "clustershell"
groups.mkdir()
shutil.copy(EXAMPLE, groups / "slurm.conf")
(groups / "groups.conf").write_text(f"[Main]\ndefault: slurmpart\nconfdir: {groups}\n")
environment(CLUSTERSHELL_CFGDIR=groups)

names = [name.rstrip("*") for name in run("sinfo", "-h", "-o", "%P").split()]
listed = run_client("nodeset", "-l").split()
assert listed == [f"@{name}" for name in names], listed
for name in names:
    assert nodes(name) == sorted(set(run("sinfo", "-h", "-N", "-p", name, "-o", "%N").split())), name

job = first_word("sbatch", "--parsable", "-N2", "--ntasks-per-node=1", "-o", "/dev/null", "--wrap", "sleep 300").split(
    ";"
)[0]
until(lambda: first_word("squeue", "-h", "-j", job, "-o", "%T") == "RUNNING")
used = nodes(f"sj:{job}")
assert len(used) == 2, used
assert set(used) <= set(nodes("st:mixed") + nodes("st:allocated"))
assert set(used) <= set(nodes("su:" + first_word("squeue", "-h", "-j", job, "-o", "%u")))
assert f"@slurmjob:{job}" in run_client("nodeset", "-s", "slurmjob", "-l", used[0]).split()
run("scancel", job)
until(lambda: not unfinished(job))
