"""What reads scenarios, compares answers and matches job numbers does what it says."""

import pytest

from .case import Answer, BadCase, read
from .compare import failures
from .conditions import FILE, Conditions, numbers
from .replay import JobNumbers, recorded

SCENARIO = """\
# A title
# not the title
alone
mask a+ -> b
--- job.sh
#!/bin/bash
# not a comment of the scenario
---
A $ sbatch \\
>   job.sh
do touch x
until squeue -h -j $A -o %t -> R
differs because
$ true
"""


def scenario(tmp_path, text=SCENARIO):
    path = tmp_path / "name.case"
    path.write_text(text)
    return read(path)


def test_a_scenario_is_read(tmp_path):
    case = scenario(tmp_path)
    assert (case.name, case.title, case.alone, case.fresh, case.slow) == ("name", "A title", True, False, False)
    assert case.files == {"job.sh": "#!/bin/bash\n# not a comment of the scenario\n"}
    assert case.masks == (("a+", "b"),)
    assert [(step.kind, step.command, step.name, step.text, step.differs) for step in case.steps] == [
        ("compare", "sbatch \\\n  job.sh", "A", "", ""),
        ("do", "touch x", "", "", ""),
        ("until", "squeue -h -j $A -o %t", "", "R", ""),
        ("compare", "true", "", "", "because"),
    ]


@pytest.mark.parametrize("text", ["sbatch job.sh\n", "", "# nothing but a title\n", "until squeue\n$ true\n"])
def test_what_is_no_scenario_is_refused(tmp_path, text):
    with pytest.raises(BadCase, match=r"name\.case"):
        scenario(tmp_path, text)


def test_differences_are_told_and_those_that_ended_too(tmp_path):
    case = scenario(tmp_path)
    runs = [step.command for step in case.steps if step.kind != "do"]
    slurm = [Answer(run, "one\ntwo \n", "", 0) for run in runs]
    ours = [Answer(runs[0], "one\ntwo\n", "", 1), slurm[1], slurm[2]]
    told = failures(case, slurm, ours)
    assert "two·" in told and "0[no newline]" in told
    assert "no longer differs: because" in told
    assert not failures(case, slurm, [*slurm[:2], Answer(runs[2], "other", "", 0)])


def said(stdout, code=0):
    return Answer("squeue", stdout, "", code)


def test_job_numbers_may_stand_for_each_other_once_and_for_all():
    numbers = JobNumbers(100)
    assert numbers.same(said("Submitted batch job 100\n"), said("Submitted batch job 101\n"))
    assert numbers.same(said("100 PD 7\n"), said("101 PD 7\n"))
    assert not numbers.same(said("100 PD\n"), said("102 PD\n")), "100 has been given to 101"
    assert not numbers.same(said("103 PD\n"), said("101 PD\n")), "101 stands for another"
    assert numbers.localised("scancel 100 1000") == "scancel 101 1000"


@pytest.mark.parametrize(("theirs", "ours"), [("99", "98"), ("100 5", "100 6"), ("100", "9999"), ("100 x", "100 y")])
def test_other_differences_remain(theirs, ours):
    assert not JobNumbers(100).same(said(theirs), said(ours))
    assert not JobNumbers(100).same(said("100"), said("100", 1))


def test_a_failed_comparison_teaches_nothing():
    numbers = JobNumbers(100)
    assert not numbers.same(said("100 PD"), said("101 R"))
    assert numbers.same(said("100"), said("100"))


def test_conditions_name_records():
    """What a recording did unseen is said of records and scenarios that there are."""
    scenarios = recorded()
    ids = {record.id for _, records in scenarios.values() for record in records}
    lines = [line.split(None, 1)[0] for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    assert not set(lines) - ids - scenarios.keys()


def test_jobs_of_others_are_left_out():
    listed = Answer("squeue", "ID ST\n 7 R\n 8_[1-3] PD\n9.batch R\n", "", 0)
    assert Conditions(others=frozenset(numbers("8-9"))).without_others(listed).stdout == "ID ST\n 7 R\n"
