"""The README's table says what the last recorded runs of the clients showed."""

import pytest

from .outcomes import Outcome, read, record
from .works_with import README, replaced, table


def outcome(**what) -> Outcome:
    known = {
        "client": "toil",
        "version": "9",
        "exercises": "a scatter",
        "cluster": "local",
        "user": "root",
        "seconds": 1,
    }
    return Outcome(**{**known, "passed": True, **what})


def test_the_readme_is_up_to_date() -> None:
    text = README.read_text()
    assert text == replaced(text, read()), "run python -m tests.clients.works_with"


def test_outcomes_are_kept_by_cluster_and_user(tmp_path) -> None:
    path = tmp_path / "results.json"
    for kept in (outcome(), outcome(user="user"), outcome(cluster="dstack", passed=False), outcome(version="10")):
        record(kept, path)
    assert table(read(path)).splitlines()[-1] == (
        "| toil | 10 | a scatter | passes as root and an ordinary user | **fails** as root |"
    )


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="works-with"):
        replaced("no table here", {})
