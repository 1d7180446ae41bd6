"""Recorded conversations with real Slurm, replayed: each record matches, or is listed with the reason why not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .compare import difference
from .conftest import beside_real
from .replay import VARIES, known_differences, recorded, replay

AT_ONCE = 3
SLOW = {"tl01"}
"""Conversations about time limits; a limit is a minute at least."""
SCENARIOS = recorded()


@pytest.fixture(scope="session")
def replays(request, playground):
    """The outcomes of every selected scenario, computed in the background."""
    chosen = [
        item.callspec.params["scenario"]
        for item in request.session.items
        if "scenario" in getattr(item, "fixturenames", ())
    ]
    if not beside_real(request.config):
        chosen = [scenario for scenario in chosen if scenario not in SLOW]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {name: pool.submit(replay, name, *SCENARIOS[name], playground / "replay") for name in chosen}
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_transcript(scenario, replays, request):
    """What is listed as different differs, everything else matches."""
    if scenario not in replays:
        pytest.skip("takes minutes, see --live")
    outcomes = replays[scenario].result()
    known = known_differences()
    counted = [outcome for outcome in outcomes if not known.get(outcome.record.id, "").startswith(VARIES)]
    rate = f"{sum(outcome.matches for outcome in counted)} of {len(outcomes)} records match"
    request.node.user_properties.append(("transcript", rate))
    problems = [
        f"{outcome.record.id}: {difference(outcome.expected, outcome.got)}"
        for outcome in counted
        if not outcome.matches and outcome.record.id not in known
    ]
    problems += [
        f"{outcome.record.id}: no longer differs ({known[outcome.record.id]})"
        for outcome in counted
        if outcome.matches and outcome.record.id in known
    ]
    if problems:
        pytest.fail(f"{scenario}: {rate}\n" + "\n".join(problems), pytrace=False)


def test_list_names_records():
    """The list of differences has no entries for records that do not exist."""
    ids = {record.id for _, records in SCENARIOS.values() for record in records}
    assert not known_differences().keys() - ids
