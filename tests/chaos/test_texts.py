"""Texts of any bytes, wherever a text may stand: a clear answer, and nothing is harmed."""

import os

import pytest

from tests.shim import Shim

BEFORE_TEXT = """
sbatch -H -J; sbatch -H --comment; sbatch -H -A; sbatch -H --wckey; sbatch -H -p; sbatch -H -q; sbatch -H -C
sbatch -H -d; sbatch -H -o; sbatch -H -D; sbatch -H --mail-user; sbatch -H --export; sbatch -H --reservation
sbatch -H --gres; sbatch
squeue -o; squeue -O; squeue -n; squeue -A; squeue -S; squeue -p; squeue -u; squeue -j; sinfo -o; sinfo -O; sinfo -S
sinfo -n; sacct -o; sacct -j; sacct -S; sacct --name; sacct -u; scancel -n; scancel -u; scancel; scancel -s; sprio -o
sstat -o
scontrol show job; scontrol show node; scontrol show partition; scontrol show hostnames; scontrol show hostlist
scontrol hold; scontrol notify 1; scontrol; scontrol create; scontrol create partitionname=p nodes; sattach
srun; srun -J; srun -o; srun --chdir; srun --mpi; srun --cpu-bind; salloc; salloc -J; sbcast; sacctmgr show
"""
FIELDS = """
jobname comment account wckey admincomment partition qos nodelist excnodelist features gres dependency mailuser licenses
workdir stdout stderr timelimit priority
""".split()  # noqa: SIM905
LONG = "x" * 100_000
BYTES = os.fsdecode(b"a\xff\xfe\xed\xa0\x80b")


@pytest.mark.parametrize("text", [BYTES, LONG, "new\nline\ttab", "", "%s%n{}[]'\"\\$(", "-"], ids=ascii)
def test_no_text_does_harm(shim: Shim, text: str) -> None:
    assert shim.submit("--hold", "--wrap", "true") == 1
    controller = shim.controller
    commands = [[*command.split(), text] for command in BEFORE_TEXT.replace(";", "\n").strip().splitlines()]
    commands += [["scontrol", "update", "jobid=1", f"{field}={text}"] for field in FIELDS]
    commands += [["scontrol", "update", "nodename=" + os.uname().nodename, "state=drain", f"reason={text}"]]
    for command in commands:
        wrap = ["--wrap", "true"] if command[:2] == ["sbatch", "-H"] else []
        answer = shim.run(*command, *wrap)
        assert "internal error" not in answer.err, command
        assert "Traceback" not in answer.err, command
    shim.run("scontrol", "update", "nodename=" + os.uname().nodename, "state=resume")
    for question in ("squeue", "sacct", "sinfo", "scontrol show job", "scontrol show node"):
        assert shim.run(*question.split()).code == 0
    shim.run("squeue", "--json"), shim.run("sacct", "--json")
    assert shim.controller == controller
    assert shim.wait(shim.submit("--wrap", "true")) == "COMPLETED"
    queue = ("squeue", "-h", "-o", "%i %T %r %Q")
    before = shim.run(*queue).out
    shim.kill_controller()
    assert shim.run(*queue).out == before
