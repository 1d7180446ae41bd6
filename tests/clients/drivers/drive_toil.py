"""toil-cwl-runner on the slurm batch system: a scatter over two inputs, each an `sbatch --wrap`."""

import json
from pathlib import Path

from support import environment, partition, run_client

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c]
arguments: ['echo n$0 $SLURM_JOB_ID']
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
environment()
run_client(
    "toil-cwl-runner",
    *("--batchSystem", "slurm", "--slurmPartition", partition(), "--statePollingWait", 1),
    *("--jobStore", here / "store", "--outdir", here / "outputs", "--workDir", here, "--coordinationDir", here),
    *("--defaultMemory", "150M", "--retryCount", 0),
    *("workflow.cwl", "inputs.json"),
)
outputs = sorted(path.read_text().split() for path in Path("outputs").iterdir())
assert [words[0] for words in outputs] == ["n4", "n5"], outputs
assert len({words[1] for words in outputs}) == 2, outputs
