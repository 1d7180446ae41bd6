"""Every scenario under cases/: what real Slurm answered, and that the shim answers the same."""

import pytest

from .compare import failures
from .conftest import golden, record


def test_recorded_answers_are_slurms(case, real, request):
    """With --live: real Slurm still answers as recorded. With --record: its answers are written down."""
    if real is None:
        pytest.skip("needs --live or --record")
    answers = real.of(case)
    if request.config.getoption("--record"):
        record(case, answers)
    known = recorded(case)
    if known != answers:  # perhaps of this moment only: real Slurm shares the machine with all the other scenarios
        answers = real.again(case)
    if known != answers:
        problems = failures(case, known, answers)
        pytest.fail(f"stale, run with --record; recorded left, now right\n{problems}", pytrace=False)


def test_shim_answers_as_slurm(case, ours):
    """The shim's standard output, standard error and exit codes are those recorded from real Slurm."""
    problems = failures(case, recorded(case), ours.of(case))
    if problems:
        pytest.fail(f"{case.title}\n{problems}", pytrace=False)


def recorded(case):
    """Real Slurm's answers to the commands that the scenario has now."""
    known = golden(case)
    commands = [step.command for step in case.steps if step.kind != "do"]
    assert [answer.run for answer in known] == commands, "changed since its answers were recorded, run with --record"
    return known
