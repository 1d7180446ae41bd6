"""A pipeline of two Slurm jobs as an Airflow DAG: each task is one job, waits for it, and fails when it fails.

Copy it into the folder of your DAGs; `folder` is where `train.sh` and `evaluate.sh` lie. `sbatch --wait` exits with the
job's own exit status, so Airflow needs nothing else: no polling, no operator, no connection.
"""

from airflow.sdk import dag, task

# The blank at the end keeps Airflow from taking a command that ends in ".sh" for the name of a template.
SUBMIT = "cd {{ params.folder }} && sbatch --wait --time=3 "


@dag(schedule=None, catchup=False, params={"folder": "."})
def slurm_pipeline() -> None:
    """Train, and evaluate what was trained."""

    @task.bash
    def train() -> str:
        return f"{SUBMIT} train.sh "

    @task.bash
    def evaluate() -> str:
        return f"{SUBMIT} evaluate.sh "

    train() >> evaluate()


slurm_pipeline()
