"""The examples of Slurm's arrays and dependencies that people bring along, unmodified, on the local executor."""

import shutil
import sys
from pathlib import Path

from tests.shim import Shim, wait_until

HERE = Path(__file__).parent
TRAIN = """\
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--config")
config = open(parser.parse_args().config).read().strip()
print(os.environ["SLURM_ARRAY_JOB_ID"], os.environ["SLURM_ARRAY_TASK_ID"], config, os.environ["CUDA_VISIBLE_DEVICES"])
"""


def python(shim: Shim) -> None:
    """The scripts say ``python``: the one of the tests."""
    (shim.bin / "python").symlink_to(sys.executable)


def test_hyperparameter_sweep(cluster: Shim) -> None:
    python(cluster)
    shutil.copy(HERE / "sweep.sh", cluster.work / "array_job.sh")
    (cluster.work / "train.py").write_text(TRAIN)
    (cluster.work / "configs").mkdir()
    for task in range(1, 101):
        (cluster.work / f"configs/hp_config_{task}.yaml").write_text(f"rate-{task}\n")
    assert cluster.run("sbatch", "array_job.sh").out == "Submitted batch job 1\n"
    shown = cluster.run("squeue", "-j", "1").out.splitlines()
    assert shown[0].split()[0] == "JOBID"
    assert {line.split()[0].split("_")[0] for line in shown[1:]} == {"1"}
    # Eight GPUs: at most eight tasks at a time, whatever the nodes have of CPUs.
    assert len(cluster.run("squeue", "-h", "-t", "R", "-j", "1").out.splitlines()) <= 8
    assert cluster.wait(1) == "COMPLETED"
    for task in range(1, 101):
        job, index, config, gpu = cluster.output(f"1_{task}").split()
        assert (job, index, config) == ("1", str(task), f"rate-{task}")
        assert gpu in "0123"


def test_train_evaluate_cleanup(cluster: Shim) -> None:
    for name, body in {
        "train.sh": "echo train >> order",
        "evaluate.sh": "echo evaluate >> order; exit 1",
        "cleanup.sh": "echo cleanup >> order",
    }.items():
        (cluster.work / name).write_text(f"#!/bin/bash\n{body}\n")
    chain = """
    JOB_TRAIN=$(sbatch train.sh | awk '{print $4}')
    sbatch --dependency=afterok:$JOB_TRAIN evaluate.sh
    sbatch --dependency=afterany:$JOB_TRAIN cleanup.sh
    """
    assert cluster.run("bash", "-euc", chain).out == "Submitted batch job 2\nSubmitted batch job 3\n"
    assert [cluster.wait(job) for job in (1, 2, 3)] == ["COMPLETED", "FAILED", "COMPLETED"]
    order = (cluster.work / "order").read_text().split()
    assert order[0] == "train"
    assert sorted(order) == ["cleanup", "evaluate", "train"]


def test_singletons_submitted_at_once_never_run_together(cluster: Shim) -> None:
    script = "#!/bin/bash\nmkdir running || exit 9\necho $SLURM_JOB_ID >> order\nrmdir running\n"
    (cluster.work / "train.sh").write_text(script)
    submit = ["sbatch", "--parsable", "--job-name=ModelTraining", "--dependency=singleton", "train.sh"]
    calls = [cluster.popen(*submit) for _ in range(3)]
    jobs = sorted(int(call.communicate()[0]) for call in calls)
    assert [cluster.wait(job) for job in jobs] == ["COMPLETED"] * 3
    assert [int(line) for line in (cluster.work / "order").read_text().split()] == jobs


def test_evaluation_of_a_checkpoint_starts_before_all_checkpoints_are_there(cluster: Shim) -> None:
    gate = cluster.work / "gate"
    await_gate = "[ $SLURM_ARRAY_TASK_ID = 1 ] || until [ -e gate ]; do sleep 0.05; done"
    train = f"echo checkpoint > $SLURM_ARRAY_TASK_ID.ckpt; {await_gate}"
    first = cluster.submit("--array=1-3", "--wrap", train)
    evaluate = "cat $SLURM_ARRAY_TASK_ID.ckpt > $SLURM_ARRAY_TASK_ID.eval"
    second = cluster.submit("--array=1-3", f"--dependency=aftercorr:{first}", "--wrap", evaluate)
    wait_until((cluster.work / "1.eval").exists, "the evaluation of the first checkpoint")
    states = cluster.states("-j", str(first))
    assert {states[f"{first}_2"], states[f"{first}_3"]} <= {"CONFIGURING", "RUNNING"}  # neither is over
    assert not (cluster.work / "2.eval").exists()
    gate.touch()
    assert cluster.wait(second) == "COMPLETED"
    assert all((cluster.work / f"{task}.eval").exists() for task in (1, 2, 3))
