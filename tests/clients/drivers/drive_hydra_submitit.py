"""hydra-submitit-launcher: a sweep over three values becomes one array."""

import sys
from pathlib import Path

from support import partition, run

APPLICATION = """
import os, pathlib
import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig

ConfigStore.instance().store(name="config", node={"x": 1})

@hydra.main(version_base=None, config_path=None, config_name="config")
def main(config):
    job = HydraConfig.get().job
    result = f"{config.x * 2} {job.id} {os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    pathlib.Path(HydraConfig.get().runtime.output_dir, "result").write_text(result)

main()
"""

Path("application.py").write_text(APPLICATION)
launcher = {
    "partition": partition(),
    "timeout_min": 3,
    "mem_gb": 1,
    "cpus_per_task": 1,
    "array_parallelism": 3,
}
run(
    sys.executable,
    "application.py",
    "--multirun",
    "x=3,5,7",
    "hydra/launcher=submitit_slurm",
    "hydra.sweep.dir=sweep",
    "hydra.sweep.subdir=${hydra.job.num}",
    *(f"hydra.launcher.{key}={value}" for key, value in launcher.items()),
)
results = [Path("sweep", str(number), "result").read_text().split() for number in range(3)]
assert [doubled for doubled, _, _ in results] == ["6", "10", "14"], results
assert all(job == task for _, job, task in results), results
assert len({job.split("_")[0] for _, job, _ in results}) == 1, results
