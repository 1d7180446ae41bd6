"""nipype: a workflow of dependent nodes by the SLURM or the SLURMGraph plug-in."""

import sys
from pathlib import Path

from nipype import Node, Workflow, config
from nipype.interfaces.utility import Function
from support import partition, until

HERE = Path.cwd()


def double(number):
    return 2 * number


def keep(number, path):
    from pathlib import Path  # the function travels alone to its job

    Path(path).write_text(str(number))
    return number


config.update_config({"execution": {"crashdump_dir": str(HERE / "crashes"), "poll_sleep_duration": "1"}})
flow = Workflow("flow", base_dir=str(HERE / "work"))
first = Node(Function(input_names=["number"], output_names=["out"], function=double), name="first")
first.inputs.number = 21
second = Node(Function(input_names=["number", "path"], output_names=["out"], function=keep), name="second")
second.inputs.path = str(HERE / "kept")
flow.connect(first, "out", second, "number")
options = f"-p {partition()} -t 3 --mem=600M"
plugin = sys.argv[1]
arguments = (
    {"sbatch_args": options} if plugin == "SLURM" else {"sbatch_args": options, "dont_resubmit_completed_jobs": False}
)
flow.run(plugin=plugin, plugin_args=arguments)
until(lambda: (HERE / "kept").exists() and (HERE / "kept").read_text() == "42", 90)
