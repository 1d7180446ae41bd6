"""Maestro: a study whose second step waits for the two runs of its first."""

from pathlib import Path

from support import partition, run_client

STUDY = f"""
description:
    name: trial
    description: one step behind two
batch:
    type: slurm
    queue: {partition()}
    bank: proj
    host: localhost
env:
    variables:
        OUTPUT_PATH: ./studies
global.parameters:
    NUMBER:
        values: [1, 2]
        label: NUMBER.%%
study:
    - name: part
      description: one of two
      run:
          cmd: echo $(NUMBER)0 > part
          nodes: 1
          procs: 1
          walltime: "00:03:00"
    - name: total
      description: the sum of both
      run:
          cmd: cat $(part.workspace)/*/part > total
          depends: [part_*]
          nodes: 1
          procs: 1
          walltime: "00:03:00"
"""

Path("study.yaml").write_text(STUDY)
run_client("maestro", "run", "-y", "-fg", "--sleeptime", 2, "study.yaml")
(total,) = Path("studies").glob("trial_*/total/total")
assert sorted(total.read_text().split()) == ["10", "20"]
