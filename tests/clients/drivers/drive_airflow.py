"""Airflow: the DAG of the examples; a task fails with its job, and holds back the next."""

import json
import shutil
from pathlib import Path

from support import environment, run, run_client, until

HERE = Path.cwd()
EXAMPLE = Path(__file__).parents[3] / "examples" / "airflow" / "pipeline.py"
EVALUATE = "echo evaluated $(cat weights) > evaluated"


def folder(name: str, training: str) -> Path:
    """A folder with the pipeline's two batch scripts."""
    made = HERE / name
    made.mkdir()
    for script, body in {"train.sh": training, "evaluate.sh": EVALUATE}.items():
        (made / script).write_text(f"#!/bin/bash\n#SBATCH --mem=100M --job-name={name}\n{body}\n")
    return made


def run_dag(place: Path, status: int = 0) -> None:
    """Run the DAG once in this process."""
    conf = json.dumps({"folder": str(place)})
    run_client("airflow", "dags", "test", "slurm_pipeline", "2026-01-01", "--conf", conf, status=status)


good, bad = folder("good", "echo weights > weights"), folder("bad", "exit 7")
(HERE / "dags").mkdir()
shutil.copy(EXAMPLE, HERE / "dags")
environment(
    AIRFLOW_HOME=HERE / "airflow",
    AIRFLOW__CORE__DAGS_FOLDER=HERE / "dags",
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
)
run_client("airflow", "db", "migrate")
run_dag(good)
assert (good / "evaluated").read_text() == "evaluated weights\n"
run_dag(bad, status=1)
assert not (bad / "evaluated").exists()
until(lambda: run("sacct", "-X", "-n", "-P", "--name=bad", "-o", "state,exitcode").split() == ["FAILED|7:0"])
