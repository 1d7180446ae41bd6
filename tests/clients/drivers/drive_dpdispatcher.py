"""dpdispatcher: four tasks in two jobs, uploaded, submitted and followed with squeue until their results are back."""

from pathlib import Path

from dpdispatcher import Machine, Resources, Submission, Task
from support import partition

for place in ("work", "remote"):
    Path(place).mkdir()
machine = Machine.load_from_dict(
    {
        "batch_type": "Slurm",
        "context_type": "LocalContext",
        "local_root": str(Path.cwd() / "work"),
        "remote_root": str(Path.cwd() / "remote"),
    }
)
resources = Resources.load_from_dict(
    {
        "number_node": 1,
        "cpu_per_node": 1,
        "gpu_per_node": 0,
        "queue_name": partition(),
        "group_size": 2,
        "custom_flags": ["#SBATCH --mem=100M", "#SBATCH --time=3"],
    }
)
tasks = []
for number in range(4):
    directory = Path("work", f"task.{number}")
    directory.mkdir()
    (directory / "input").write_text(str(number))
    command = "echo $(($(cat input) * 2)) > result"
    tasks.append(
        Task(command=command, task_work_path=directory.name, forward_files=["input"], backward_files=["result"])
    )
Submission(work_base=".", machine=machine, resources=resources, task_list=tasks).run_submission(check_interval=1)
assert [int(Path("work", f"task.{number}", "result").read_text()) for number in range(4)] == [0, 2, 4, 6]
