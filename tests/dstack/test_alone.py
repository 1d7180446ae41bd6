"""srun and sbcast in a job on one node without shared files: the node does by itself what it can."""

import shutil
import subprocess
from pathlib import Path

import pytest

from shim.executor.dstack import payload
from tests.dstack.test_guest import SHELLS

VARIABLES = {
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NUM_NODES": "1",
    "SLURM_CPUS_ON_NODE": "4",
    "SLURM_GPUS_ON_NODE": "2",
    "SLURMD_NODENAME": "n1",
    "SLURM_JOB_USER": "ada",
    "SLURM_JOB_NAME": "train",
    "SHIM_TICK": "0.02",
    "HOME": "/nonexistent",
}


class Node:
    """A job's directory as it is in the job, and a shell to run its commands with."""

    def __init__(self, shell: list[str], folder: Path) -> None:
        self.shell, self.work, self.directory = shell, folder / "work", folder / "job dir"
        self.work.mkdir()
        (self.directory / "bin").mkdir(parents=True)
        for name, content in payload.guest_files().items():
            (self.directory / name).write_bytes(content)
        (self.directory / "job.conf").write_text("JOB_KILL_WAIT=2\n")
        for name in ("srun", "sbcast"):
            (self.directory / "bin" / name).symlink_to("../command.sh")

    def run(self, command: str, *argv: str, stdin: str = "", **env: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*self.shell, str(self.directory / "bin" / command), *argv],
            cwd=self.work,
            env={"PATH": "/usr/bin:/bin", **VARIABLES, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(params=SHELLS)
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Node:
    shell = SHELLS[request.param]
    if not shutil.which(shell[0]):
        pytest.skip(f"no {shell[0]} here")
    return Node(shell, tmp_path)


def test_tasks_know_their_place(node: Node) -> None:
    show = "echo $SLURM_PROCID/$SLURM_NTASKS $SLURM_LOCALID $SLURM_NODEID/$SLURM_NNODES $SLURM_GTIDS $SLURM_STEP_ID"
    code, out, err = node.run("srun", "-n2", "-N", "1", "--cpus-per-task=2", "sh", "-c", show)
    assert (code, sorted(out.splitlines()), err) == (0, ["0/2 0 0/1 0,1 0", "1/2 1 0/1 0,1 0"], "")
    code, out, _ = node.run("srun", "sh", "-c", "echo $SLURM_NTASKS $SLURM_STEP_ID", SLURM_NTASKS="3")
    assert (code, out) == (0, "3 1\n" * 3)


def test_words_arrive_as_they_are(node: Node) -> None:
    words = ["it's", "a  b", "$HOME `x`", "line\nline\n", "", "*"]
    code, out, _ = node.run("srun", "printf", "<%s>", *words)
    assert (code, out) == (0, "".join(f"<{word}>" for word in words))


def test_output_is_labelled_and_input_read(node: Node) -> None:
    code, out, err = node.run("srun", "-ln2", "sh", "-c", "cat; echo err >&2", stdin="input\n")
    assert (code, sorted(out.splitlines())) == (0, ["0: input", "1: input"])
    assert sorted(err.splitlines()) == ["0: err", "1: err"]


def test_output_goes_to_files(node: Node) -> None:
    assert (
        node.run("srun", "-n2", "-oout-%j.%s-%t", "-e", "%x.err", "sh", "-c", "echo $SLURM_PROCID; echo e >&2")[0] == 0
    )
    assert [(node.work / f"out-7.0-{rank}").read_text() for rank in (0, 1)] == ["0\n", "1\n"]
    assert (node.work / "train.err").read_text() == "e\ne\n"
    (node.work / "in").write_text("from a file\n")
    assert node.run("srun", "--input", "in", "-D", str(node.work), "cat")[1] == "from a file\n"


def test_the_worst_exit_code_counts(node: Node) -> None:
    code, _, err = node.run("srun", "-n3", "sh", "-c", "exit $((SLURM_PROCID * 2))")
    assert code == 4
    assert "srun: error: n1: task 2: Exited with exit code 4\n" in err
    assert node.run("srun", "no-such-program")[0] == 2
    code, _, err = node.run("srun", "-n2", "-K", "sh", "-c", "[ $SLURM_PROCID = 0 ] && exit 3; sleep 1000")
    assert "srun: launch/slurm: _step_signal: Terminating StepId=7.2" in err
    assert code == 143


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["-n5", "true"], "Unable to create step for job 7: More processors requested than permitted"),
        (["-N2", "true"], "Only allocated 1 nodes asked for 2"),
        (["--multi-prog", "conf"], "--multi-prog needs the queue, and this job has no directory in common"),
        (["--gres=gpu:1", "true"], "--gres=gpu:1: a step has all 2 GPUs of its job"),
        (["-t1", "true"], "--time needs the queue"),
        (["true", ":", "true"], "a call for several components (:) needs the queue"),
        (["--mpi=pmix", "true"], "--mpi=pmix is not there on dstack"),
        (["-nx", "true"], 'Invalid numeric value "x" for --ntasks.'),
    ],
)
def test_the_rest_is_refused_in_one_line(tmp_path: Path, argv: list[str], complaint: str) -> None:
    code, out, err = Node(["/bin/sh"], tmp_path).run("srun", *argv)
    assert (code, out) == (1, "")
    assert err.startswith(f"srun: error: {complaint}")
    assert err.count("\n") == 1


def test_other_nodes_are_out_of_reach(tmp_path: Path) -> None:
    code, _, err = Node(["/bin/sh"], tmp_path).run("srun", "true", SLURM_JOB_NUM_NODES="2")
    assert code == 1
    assert err == (
        "srun: error: srun on the other nodes of a job needs the queue, "
        "and this job has no directory in common with its submit host\n"
    )


def test_sbcast_copies(node: Node) -> None:
    (node.work / "file").write_text("text")
    assert node.run("sbcast", "file", "copy") == (0, "", "")
    assert (node.work / "copy").read_text() == "text"
    code, _, err = node.run("sbcast", "-p", "file", "copy")
    assert (code, err) == (17, "sbcast: error: REQUEST_FILE_BCAST(n1): File exists\n")
    assert node.run("sbcast", "-f", "file", "copy")[0] == 0
    assert node.run("sbcast", "none", "copy")[0] == 255
