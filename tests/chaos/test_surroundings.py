"""Odd surroundings: folders that are gone or too long to name, users nobody knows, an installation in pieces."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.shim import REPOSITORY, Shim, shim_in

UNREACHED = "Unable to contact slurm controller (connect failure)\n"


def test_a_state_folder_longer_than_a_sockets_address(tmp_path: Path) -> None:
    with shim_in(tmp_path / ("x" * 100) / ("y" * 100)) as shim:
        job = shim.submit("--wrap", "squeue -h -o %i; srun echo step")
        assert shim.wait(job) == "COMPLETED"
        assert shim.output(job) == "1\nstep\n"


def test_no_home(shim: Shim) -> None:
    words = ["env", "-u", "HOME", "-u", "SLURMSHIM_STATE", f"XDG_STATE_HOME={shim.state}"]
    assert shim.run(*words, "sbatch", "--wait", "-o", "out", "--wrap", "echo ${HOME-none}").code == 0
    assert (shim.work / "out").read_text() == "none\n"
    shim.run(*words, "scontrol", "shutdown")


def test_a_working_directory_that_has_been_removed(shim: Shim) -> None:
    job = shim.submit("--hold", "--wrap", "true")
    for command in ("sbatch --wrap true", "srun true", "salloc true"):
        gone = shim.run("bash", "-c", f"mkdir gone; cd gone; rmdir ../gone; {command} 2>&1 | grep -v ^sh:")
        assert gone.out == f"{command.split()[0]}: error: getcwd failed: No such file or directory\n"
    other = shim.run("bash", "-c", f"mkdir gone; cd gone; rmdir ../gone; squeue -h -o %i; scancel {job}")
    assert other.out == f"{job}\n"
    assert shim.states() == {str(job): "CANCELLED"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_user_whom_no_database_knows() -> None:
    stranger = 54321
    needed = (Path(sys.executable).resolve(), Path(pytest.__file__), Path(__file__))
    if not all(folder.stat().st_mode & 1 for path in needed for folder in path.parents):
        pytest.skip("this Python is not for other users")
    with tempfile.TemporaryDirectory() as name, shim_in(Path(name)) as shim:
        for folder in (shim.folder, shim.work):
            os.chown(folder, stranger, stranger)
        done = subprocess.run(
            ["sbatch", "--wait", "-o", "out", "--wrap", "id -u; echo $SLURM_JOB_USER"],
            cwd=shim.work, env=shim.environment, user=stranger, group=stranger, extra_groups=[], check=False,
        )  # fmt: skip
        assert done.returncode == 0
        assert (shim.work / "out").read_text() == f"{stranger}\n{stranger}\n"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_state_folder_that_cannot_be_made(shim: Shim) -> None:
    shim.folder.chmod(0o500)
    answer = shim.run("squeue")
    shim.folder.chmod(0o700)
    assert answer.err == f"slurm-shim: {shim.state}: Permission denied\nslurm_load_jobs error: {UNREACHED}"


def test_a_state_folder_that_is_a_file(shim: Shim) -> None:
    shim.state.touch()
    answer = shim.run("squeue")
    shim.state.unlink()
    assert answer.err == f"slurm-shim: {shim.state}: File exists\nslurm_load_jobs error: {UNREACHED}"
    assert answer.code == 1


def test_an_installation_in_pieces_is_told_in_one_line(shim: Shim, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(REPOSITORY / "bin", broken / "bin")
    shutil.copytree(REPOSITORY / "shim", broken / "shim", ignore=shutil.ignore_patterns("__pycache__"))
    (broken / "shim" / "table" / "table.py").write_text("import no_such_module\n")
    launcher = (shim.bin / "squeue").read_text().replace(f"{REPOSITORY}/bin", f"{broken}/bin")
    (shim.bin / "squeue").write_text(launcher)
    answer = shim.run("squeue")
    first, second = answer.err.splitlines()
    assert first.endswith("ModuleNotFoundError: No module named 'no_such_module'")
    assert second + "\n" == f"slurm_load_jobs error: {UNREACHED}"
