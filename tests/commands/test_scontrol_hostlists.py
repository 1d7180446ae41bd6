"""``scontrol show hostnames`` and ``show hostlist``, inside jobs the most used command of all."""

from pathlib import Path

import pytest

from shim.commands.scontrol import run
from tests.commands.lab import Lab


@pytest.mark.parametrize(
    ("words", "stdout"),
    [
        (["hostnames", "n[1-3]"], "n1\nn2\nn3\n"),
        (["hostnames=n[1-2]"], "n1\nn2\n"),
        (["hostname", "n3"], "n3\n"),
        (["hostnames", "n[01-03,7]"], "n01\nn02\nn03\nn7\n"),
        (["hostnames", "a[1-2]b[3-4]"], "a1b3\na1b4\na2b3\na2b4\n"),
        (["hostnames", "n[1-3],m5"], "n1\nn2\nn3\nm5\n"),
        (["hostnames", ""], ""),
        (["hostnames", "n[1-"], "n]\n"),
        (["hostlist", "n1,n2,n4"], "n[1-2,4]\n"),
        (["hostlist", "n3,n1"], "n[3,1]\n"),
        (["hostlist", "n1,n1"], "n[1,1]\n"),
        (["hostlistsorted", "n4,n1,n2"], "n[1-2,4]\n"),
        (["hostlist", ""], "\n"),
    ],
)
def test_lists(lab: Lab, words: list[str], stdout: str) -> None:
    answer = lab.ask(run, "scontrol", "show", *words)
    assert (answer.stdout, answer.stderr, answer.code) == (stdout, "", 0)


def test_without_a_list_the_steps_nodes_are_meant(lab: Lab) -> None:
    assert lab.ask(run, "scontrol", "show", "hostnames", SLURM_NODELIST="n[1-2]").stdout == "n1\nn2\n"
    for env in ({}, {"SLURM_JOB_NODELIST": "n[1-2]"}):
        answer = lab.ask(run, "scontrol", "show", "hostnames", **env)
        assert (answer.stdout, answer.stderr, answer.code) == ("", "scontrol: error: host list is empty\n", 0)


@pytest.mark.parametrize(
    ("text", "stderr"),
    [
        ("n[3-1]", "scontrol: error: _parse_single_range: Invalid range: `3-1'\nInvalid hostlist: n[3-1]\n"),
        ("n[a-b]", "scontrol: error: _parse_single_range: Invalid range: `a-b'\nInvalid hostlist: n[a-b]\n"),
        ("n[]", "scontrol: error: _parse_single_range: Invalid range: `'\nInvalid hostlist: n[]\n"),
        ("n[1-2]]", "Invalid hostlist: n[1-2]]\n"),
    ],
)
def test_bad_lists(lab: Lab, text: str, stderr: str) -> None:
    answer = lab.ask(run, "scontrol", "show", "hostnames", text)
    assert (answer.stdout, answer.stderr, answer.code) == ("", stderr, 0)


def test_hosts_from_a_file(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("n1\nn2,n3\n")
    assert lab.ask(run, "scontrol", "show", "hostlist", str(file)).stdout == "n[1-3]\n"
    missing = lab.ask(run, "scontrol", "show", "hostlist", f"{file}x")
    assert (missing.stderr, missing.code) == (f"Can not open {file}x\n", 1)
