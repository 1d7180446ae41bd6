"""slurm-shim check: which scripts will work, before anything is moved."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from shim.cli import main


def check(*argv: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["check", *argv], env={"SLURMSHIM_CONFIG": None, "XDG_CONFIG_HOME": "/nowhere"})
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("#SBATCH --time=30s", "refused: Invalid --time specification"),
        ("#SBATCH --nosuch", "refused: sbatch: unrecognized option '--nosuch'"),
        ('#SBATCH -J "open', 'refused: line 2: Unmatched `"` in [ "open]'),
        ("#SBATCH --bb=x", "--bb has no effect: there is no burst buffer, as in Slurm without the plug-in"),
        ("#SBATCH --container=x", "refused on local: --container: "),
        ("echo", ""),
    ],
)
def test_a_script_is_read_as_sbatch_reads_it(tmp_path: Path, line: str, said: str) -> None:
    script = tmp_path / "job.sh"
    script.write_text(f"#!/bin/bash\n{line}\n")
    code, output = check(str(script))
    assert said in output
    assert code == ("refused" in said)


def test_folders_are_searched_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "good.sh").write_text("#!/bin/bash\n#SBATCH -n 2\n")
    (tmp_path / "a" / "bad.sh").write_text("#!/bin/bash\n#SBATCH -n x\n")
    (tmp_path / "a" / "other.txt").write_text("no script\n")
    code, output = check(str(tmp_path))
    assert code == 1
    assert output.splitlines() == [
        f'{tmp_path}/a/bad.sh: refused: Invalid numeric value "x" for --ntasks.',
        "1 scripts will run as they are, 1 would be refused",
    ]


def test_a_container_is_for_dstack(tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\n#SBATCH --container-image=ubuntu\n")
    assert check(str(script))[0] == 1
    assert check("--executor=dstack", str(script))[0] == 0


def test_the_configuration_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("kil_wait = 3\n")
    result = CliRunner().invoke(main, ["config"], env={"SLURMSHIM_CONFIG": str(path)})
    assert result.exit_code == 1
    assert f"{path}:1: kil_wait: no such setting" in result.output


def test_emulated_nodes_get_addresses(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[node]]\nname = "no-such-host-[1-2],localhost"\ncpus = 1\nmemory = 1\naddress = "127.0.0.9"\n')
    result = CliRunner().invoke(main, ["hosts"], env={"SLURMSHIM_CONFIG": str(path)})
    assert result.output == "127.0.0.9 no-such-host-1\n127.0.0.9 no-such-host-2\n"
