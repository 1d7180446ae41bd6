"""toil-cwl-runner on the slurm batch system: a scatter over two inputs, each an `sbatch --wrap`."""

import json
from pathlib import Path

from support import partition, run, run_client

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c]
arguments: ['echo n$0']
requirements: {ResourceRequirement: {coresMin: 1, ramMin: 100, tmpdirMin: 1, outdirMin: 1}}
inputs: {n: {type: int, inputBinding: {position: 2}}}
outputs: {out: {type: stdout}}
"""
WORKFLOW = """
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}}
inputs: {ns: 'int[]'}
outputs: {outs: {type: 'File[]', outputSource: step/out}}
steps:
  step: {run: tool.cwl, scatter: n, in: {n: ns}, out: [out]}
"""

here = Path.cwd()
Path("tool.cwl").write_text(TOOL)
Path("workflow.cwl").write_text(WORKFLOW)
Path("inputs.json").write_text(json.dumps({"ns": [4, 5]}))
run_client(
    "toil-cwl-runner",
    *("--batchSystem", "slurm", "--slurmPartition", partition(), "--statePollingWait", 1),
    *("--jobStore", here / "store", "--outdir", here / "outputs", "--workDir", here, "--coordinationDir", here),
    *("--defaultMemory", "150M", "--retryCount", 0),
    *("workflow.cwl", "inputs.json"),
)
outputs = sorted(path.read_text() for path in Path("outputs").iterdir())
assert outputs == ["n4\n", "n5\n"], outputs
jobs = [line for line in run("squeue", "-h", "-t", "all", "-o", "%Z %T").splitlines() if line.startswith(str(here))]
assert len(jobs) == 2 and all(line.endswith(" COMPLETED") for line in jobs), jobs
