from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shim.grammar.when import WhenError, parse_when
from tests.grammar.recorded import cases


@pytest.mark.parametrize("case", cases("when"), ids=lambda case: repr(case["text"]) + " past" * ("past" in case))
def test_recorded(case):
    past = case.get("past", False)
    if "epoch" in case:
        assert parse_when(case["text"], case["now"], UTC, past=past) == case["epoch"]
    else:
        with pytest.raises(WhenError) as caught:
            parse_when(case["text"], case["now"], UTC, past=past)
        # Slurm's line ends with the text as written, blanks included
        assert caught.value.explanation.rstrip() == case["explanation"].rstrip()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("16:00", "2027-03-27T17:00", "2027-03-28T16:00"),  # the night in between is an hour shorter
        ("tomorrow", "2027-10-30T12:00", "2027-10-31T00:00"),
        ("noon-tomorrow", "2027-10-30T12:00", "2027-10-31T12:00"),
        ("2027-07-01T10:00", "2027-01-01T00:00", "2027-07-01T10:00"),
        ("12/31", "2027-12-31T00:00", "2027-12-31T00:00"),
        ("12/30", "2027-12-31T00:00", "2028-12-30T00:00"),
    ],
)
def test_clock_times_count_in_the_zone(text, now, expected):
    begin = datetime.fromisoformat(now).replace(tzinfo=BERLIN).timestamp()
    assert parse_when(text, begin, BERLIN) == datetime.fromisoformat(expected).replace(tzinfo=BERLIN).timestamp()


def test_offsets_ignore_the_zone():
    now = datetime(2027, 3, 27, 17, tzinfo=BERLIN).timestamp()
    assert parse_when("now+1day", now, BERLIN) == now + 86400
    assert parse_when("now", now + 0.9, BERLIN) == now


@pytest.mark.parametrize("text", ["0000-01-01", "now+1hour+1hour", "\u0661\u0662:00"])
def test_no_moment(text):
    with pytest.raises(WhenError):
        parse_when(text, 1_800_000_000, UTC)
