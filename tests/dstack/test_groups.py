"""Heterogeneous jobs: their components are the node groups of one run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dstack._internal.core.models.configurations import TaskConfiguration

from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.fleet import names_by_rank, node_states
from shim.executor.dstack.groups import entry_script, merge
from shim.executor.dstack.mapping import to_yaml
from shim.executor.dstack.model import Fleet, Instance, NodeRun, Run
from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.test_end_to_end import accounting, runs
from tests.shim import Shim, shim_in, wait_until

SMALL = {
    "type": "task", "name": "slurm-7", "entrypoint": "/bin/sh", "commands": ["job.sh"], "volumes": ["/home:/home"],
    "resources": {"cpu": "x86:2..", "memory": "100MB..", "disk": None}, "priority": 50, "max_duration": 300,
    "instances": ["lab-0"], "tags": {"slurm-job": "7"},
}  # fmt: skip
LARGE = SMALL | {
    "name": "slurm-8", "nodes": 2, "resources": {"cpu": "8..", "memory": "1GB..", "disk": None}, "max_duration": 600,
    "instances": ["lab-2", "lab-1"], "tags": {"slurm-job": "8"},
}  # fmt: skip


def test_two_tasks_become_one_with_groups() -> None:
    merged = merge([SMALL, LARGE], "/home/d/node")
    parsed = TaskConfiguration.model_validate(yaml.safe_load(to_yaml(merged)))
    assert (parsed.nodes_num, [group.nodes for group in parsed.node_groups]) == (3, [1, 2])
    assert [str(group.resources.cpu.count) for group in parsed.node_groups] == ["2", "8"]
    assert (parsed.shell, parsed.max_duration, parsed.name) == ("/home/d/node", 600, "slurm-7")
    assert merged["instances"] == ["lab-0", "lab-2", "lab-1"]


def test_nodes_that_do_not_exist_yet_may_be_larger() -> None:
    merged = merge([{**SMALL, "instances": []}, LARGE | {"max_duration": None}], "/n")
    assert merged["groups"][0]["resources"]["cpu"] == "x86:2.."
    assert "max_duration" not in merged


@pytest.mark.parametrize("key", ["image", "fleets", "volumes", "user"])
def test_what_a_run_has_once_cannot_differ(key: str) -> None:
    with pytest.raises(NotExpressible, match=f"share a run of dstack, thus its {key}"):
        merge([SMALL, LARGE | {key: ["other"]}], "/n")


def test_the_shell_of_a_group_needs_no_arguments() -> None:
    text = entry_script(Path("/g"), Path("/it's"))
    assert text == b"#!/bin/sh\nexec '/bin/sh' '/g/node.sh' '/it'\\''s'\n"


def test_nodes_keep_to_their_component() -> None:
    instances = [
        Instance(f"lab-{n}", "lab", f"h{n}", "idle", False, 8, 1000, 0, 0, "", 0, 1, 0) for n in range(3)
    ]  # fmt: skip
    nodes = node_states([Fleet("lab", "active", True, None, tuple(instances))], {}, {})

    def names(*hosts: str) -> list[str]:
        ranks = tuple(NodeRun(n, "", "", None, "", "", host) for n, host in enumerate(hosts))
        return names_by_rank(nodes, [["lab-0"], ["lab-1", "lab-2"]], Run("", "", "", "", "", 0.0, {}, ranks))

    assert names("h0", "h2", "h1") == ["lab-0", "lab-2", "lab-1"]
    assert names("h1", "h0", "h2") == ["lab-0", "lab-1", "lab-2"]


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path)) as it:
        yield it


SCRIPT = """\
#!/bin/bash
#SBATCH -N1 -n1
#SBATCH hetjob
#SBATCH -N2 --ntasks-per-node=1 --gres=gpu:1
echo $SLURM_HET_SIZE $SLURM_JOB_NUM_NODES_HET_GROUP_0 $SLURM_JOB_NUM_NODES_HET_GROUP_1
echo $SLURM_JOB_ID_HET_GROUP_1 $SLURM_JOB_NODELIST_HET_GROUP_0 $SLURM_JOB_NODELIST_HET_GROUP_1
srun hostname >/dev/null; echo "code $?"
srun -l --het-group=0,1 bash -c 'echo $SLURM_PROCID $SLURM_JOB_ID $SLURMD_NODENAME $DSTACK_NODE_RANK' | sort
srun --het-group=1 -N1 -n1 squeue -h -j $SLURM_JOB_ID -o '%i %T'
srun true : bash -c 'exit 3'; echo "code $?"
"""


def test_components_run_together(cloud: Shim, dstack_lab: Lab) -> None:
    before = len(runs(dstack_lab))
    job = cloud.submit(script=SCRIPT)
    assert cloud.wait(job) == "COMPLETED", cloud.log
    head, lists, *lines = cloud.output(job).splitlines()
    second, here, there = lists.split()
    assert (head, second) == ("2 1 2", str(job + 1))
    assert lines[0] == "code 0"
    first, last = cloud.run("scontrol", "show", "hostnames", there).out.split()
    ranks = [line.split(" ", 1)[1] for line in lines[1:4]]
    assert [rank.rsplit(" ", 1)[0] for rank in ranks] == [f"0 {job} {here}", f"1 {job} {first}", f"2 {job} {last}"]
    assert ranks[0][-1] == "0"
    assert {rank[-1] for rank in ranks[1:]} == {"1", "2"}
    assert lines[4] == f"{job}+0 RUNNING"
    assert lines[-1] == "code 3"
    assert len(runs(dstack_lab)) - before == 1
    assert accounting(cloud, job) == ["COMPLETED|0:0"] * 2


def test_components_wait_and_end_together(cloud: Shim) -> None:
    script = "#!/bin/bash\necho up\nwhile :; do sleep 0.1; done\n"
    job = cloud.submit("-N1", ":", "-N3", script=script)
    other = cloud.submit("-N1", ":", "-N1", script="#!/bin/sh\n")
    cloud.wait(job, "RUNNING")
    wait_until(lambda: "up" in cloud.output(job), lambda: cloud.log)
    assert cloud.states("-j", str(job)) == {f"{job}+0": "RUNNING", f"{job}+1": "RUNNING"}
    assert cloud.states("-j", str(other)) == {f"{other}+0": "PENDING", f"{other}+1": "PENDING"}
    cloud.kill_controller()
    cloud.run("scancel", str(job))
    assert cloud.wait(job) == "CANCELLED"
    assert [line.split("|")[0].split()[0] for line in accounting(cloud, job)] == ["CANCELLED"] * 2
    assert cloud.wait(other) == "COMPLETED"


def test_the_task_is_shown(cloud: Shim) -> None:
    tested = cloud.run("sbatch", "--test-only", "-v", "-n1", ":", "-N2", "--wrap", "true")
    assert TaskConfiguration.model_validate(yaml.safe_load(tested.out)).nodes_num == 3, str(tested)


OTHER = """
[[partition]]
name = "other"
nodes = "ALL"
executor = "dstack"
dstack = { image = "ubuntu", arch = "x86" }
"""


@pytest.mark.parametrize(
    ("more", "options", "complaint"),
    [
        (OTHER, ["-n1", ":", "-pother"], "the components of a heterogeneous job share a run of dstack, thus its image"),
        ('mode = "upload"\n', ["-n1", ":", "-n1"], "heterogeneous jobs need files that submit host and hosts share"),
    ],
)
def test_what_cannot_be_is_refused(
    dstack_lab: Lab, tmp_path: Path, more: str, options: list[str], complaint: str
) -> None:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path, more)) as cloud:
        answer = cloud.run("sbatch", *options, stdin="#!/bin/sh\n")
    assert answer.code == 1
    assert complaint in answer.err
