"""Airflow: a DAG trains and then evaluates by `sbatch --wait`; a task fails with its job, and holds back the next."""

from pathlib import Path

from support import environment, partition, run, run_client

HERE = Path.cwd()
# Airflow takes a command that ends in .sh for the name of a template: hence the blank at its end.
PIPELINE = f"""
from airflow.sdk import dag, task

SUBMIT = "cd {HERE} && sbatch --wait -p {partition()} -t 3 --mem=100M"

def pipeline(name, training):
    @dag(dag_id=name, schedule=None, catchup=False)
    def steps():
        @task.bash
        def train() -> str:
            return f"{{SUBMIT}} -J {{name}} -o train.log {{training}} "

        @task.bash
        def evaluate() -> str:
            return f"{{SUBMIT}} -J {{name}} -o evaluate.log evaluate.sh "

        train() >> evaluate()

    return steps()

good = pipeline("good", "train.sh")
bad = pipeline("bad", "fail.sh")
"""
JOBS = {
    "train.sh": "echo weights $SLURM_JOB_ID > weights",
    "evaluate.sh": "echo evaluated $(cat weights) > $SLURM_JOB_NAME.evaluated",
    "fail.sh": "exit 7",
}

for name, body in JOBS.items():
    Path(name).write_text(f"#!/bin/bash\n{body}\n")
Path("dags").mkdir()
Path("dags", "pipeline.py").write_text(PIPELINE)
environment(
    AIRFLOW_HOME=HERE / "airflow",
    AIRFLOW__CORE__DAGS_FOLDER=HERE / "dags",
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
)
run_client("airflow", "db", "migrate")
run_client("airflow", "dags", "test", "good", "2026-01-01")
assert (HERE / "good.evaluated").read_text().startswith("evaluated weights ")
run_client("airflow", "dags", "test", "bad", "2026-01-01", status=1)
assert not (HERE / "bad.evaluated").exists()
assert run("sacct", "-X", "-n", "-P", "--name=bad", "-o", "state,exitcode").split() == ["FAILED|7:0"]
