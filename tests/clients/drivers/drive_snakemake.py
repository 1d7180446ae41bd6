"""snakemake --executor slurm: plain jobs watched by sacct, job arrays watched by squeue, or a rule that fails."""

import subprocess
import sys
from pathlib import Path

from support import BIN, environment, partition

PARTS = """
rule all:
    input: expand("out/{i}", i=[1, 2, 3])
rule part:
    output: "out/{i}"
    resources: runtime=3, mem_mb=100
    shell: "echo {wildcards.i}0 ${{SLURM_ARRAY_TASK_ID:-none}} > {output}"
"""
FAILURE = """
rule bad:
    output: "never"
    resources: runtime=3, mem_mb=100
    shell: "exit 3"
"""


def snakemake(*arguments: str) -> tuple[int, str]:
    """Run the workflow in this directory; return the exit status and all that was said."""
    environment(XDG_CACHE_HOME=Path.cwd() / "cache")
    command = [BIN / "snakemake", "--executor", "slurm", "-j", "8", "--latency-wait", "10"]
    command += ["--default-resources", f"slurm_partition={partition()}"]
    command += ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "1"]
    done = subprocess.run(
        [*command, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    print(done.stdout)
    return done.returncode, done.stdout


def outputs() -> list[list[str]]:
    return [Path(f"out/{number}").read_text().split() for number in (1, 2, 3)]


def plain() -> None:
    Path("Snakefile").write_text(PARTS)
    assert snakemake("--slurm-status-command", "sacct")[0] == 0
    assert outputs() == [["10", "none"], ["20", "none"], ["30", "none"]], outputs()


def array() -> None:
    Path("Snakefile").write_text(PARTS)
    assert snakemake("--slurm-status-command", "squeue", "--slurm-array-jobs", "all")[0] == 0
    assert [made for made, _ in outputs()] == ["10", "20", "30"], outputs()
    assert {task for _, task in outputs()} == {"1", "2", "3"}, outputs()


def fail() -> None:
    Path("Snakefile").write_text(FAILURE)
    status, said = snakemake("--slurm-status-command", "sacct")
    assert status == 1, status
    assert "SLURM status is: 'FAILED'" in said
    assert not Path("never").exists()


{"plain": plain, "array": array, "fail": fail}[sys.argv[1]]()
