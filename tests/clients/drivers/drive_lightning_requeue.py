"""Lightning's auto-requeue: USR1 makes the Trainer save and run `scontrol requeue`; the second start resumes there."""

from pathlib import Path

from support import run, script, until

PROGRAM = """
import os
import time
import lightning
import torch

RESTARTS = os.environ.get("SLURM_RESTART_COUNT", "0")

class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        with open("steps", "a") as steps:
            print(RESTARTS, self.trainer.global_step, file=steps)
        time.sleep(0.2)
        return self.layer(batch).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

class StopWhenResumed(lightning.Callback):
    def on_train_batch_end(self, trainer, *unused):
        trainer.should_stop = RESTARTS != "0"

data = torch.utils.data.DataLoader(torch.ones(2000, 1), batch_size=1)
quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False)
trainer = lightning.Trainer(
    accelerator="cpu", devices=1, num_nodes=1, min_epochs=0, max_epochs=1, default_root_dir=os.getcwd(),
    callbacks=[StopWhenResumed()], **quiet)
trainer.fit(Model(), data)
open("ended", "w").write(RESTARTS)
"""


def steps(restarts: str) -> list[int]:
    """The training steps taken by the start with so many restarts before it."""
    text = Path("steps").read_text() if Path("steps").exists() else ""
    pairs = [line.split() for line in text.splitlines() if line.count(" ") == 1]
    return [int(step) for start, step in pairs if start == restarts]


Path("program.py").write_text(PROGRAM)
directives = (
    "-N 1 --ntasks-per-node=1 -J train --mem-per-cpu=1500M",
    "--open-mode=append --signal=SIGUSR1@90 --requeue -t 10",
)
job = run("sbatch", "--parsable", script("job.sh", "srun python program.py", *directives)).strip().split(";")[0]
until(lambda: len(steps("0")) >= 5)
run("scancel", "--signal=USR1", job)
until(Path("ended").exists, 240)
assert Path("ended").read_text() == "1"
assert steps("1")[0] >= 5, (steps("0"), steps("1"))
