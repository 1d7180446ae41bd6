import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.errors import GrammarError
from shim.grammar.timelimit import (
    UNLIMITED,
    format_dhms,
    format_elapsed,
    format_time_limit,
    parse_seconds,
    parse_time_limit,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1", "1:00"),
        ("90", "1:30:00"),
        ("0", "UNLIMITED"),
        ("-0", "UNLIMITED"),
        ("0-0", "UNLIMITED"),
        ("5:30", "6:00"),
        ("1:2:3", "1:03:00"),
        ("01:00:00", "1:00:00"),
        ("100:00:00", "4-04:00:00"),
        ("1-0", "1-00:00:00"),
        ("1-12", "1-12:00:00"),
        ("2-1:30", "2-01:30:00"),
        ("1-02:03:04", "1-02:04:00"),
        ("0-0:0:1", "1:00"),
        ("UNLIMITED", "UNLIMITED"),
        ("INFINITE", "UNLIMITED"),
        ("unlimited", "UNLIMITED"),
        ("-1", "UNLIMITED"),
        ("-5", "UNLIMITED"),
        ("1-", "1-00:00:00"),
        ("00:00:30", "1:00"),
        ("1440", "1-00:00:00"),
        ("99999999", "INVALID"),
        ("365-0", "365-00:00:00"),
        ("365-0:1", "INVALID"),
        ("366-0", "INVALID"),
        ("1-25", "2-01:00:00"),
        ("0:90", "2:00"),
        ("960:00:00", "40-00:00:00"),
        ("0-100:00", "4-04:00:00"),
    ],
)
def test_accepted(text, shown):
    assert format_time_limit(parse_time_limit(text)) == shown


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("1:", 2),
        ("30s", 2),
        ("1h", 1),
        ("1.5", 1),
        ("  5", 0),
        ("", 0),
        (":5", 0),
        ("-", 0),
        ("1-1-1", 3),
        ("1:2:3:4", 5),
        ("1--1", 2),
        ("--5", 0),
        ("1-:5", 2),
        ("1-2:3:4:5", 7),
        ("1:2-3", 3),
        ("+5", 0),
        ("5\n", 1),
        ("\u0665", 0),
    ],
)
def test_refused(text, position):
    with pytest.raises(GrammarError) as caught:
        parse_time_limit(text)
    assert (caught.value.text, caught.value.position) == (text, position)


@pytest.mark.parametrize(("text", "seconds"), [("1", 60), ("0", 0), ("0:01", 1), ("1-", 86400), ("-1", UNLIMITED)])
def test_seconds_are_exact(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "squeue", "scontrol"),
    [
        (0, "0:00", "00:00:00"),
        (5, "0:05", "00:00:05"),
        (300, "5:00", "00:05:00"),
        (3600, "1:00:00", "01:00:00"),
        (86399, "23:59:59", "23:59:59"),
        (90000, "1-01:00:00", "1-01:00:00"),
        (10_000_000, "115-17:46:40", "115-17:46:40"),
        (31_536_001, "INVALID", "365-00:00:01"),
        (5_999_999_940, "INVALID", "69444-10:39:00"),
        (-1, "INVALID", "INVALID"),
        (UNLIMITED, "INVALID", "UNLIMITED"),
    ],
)
def test_how_durations_print(seconds, squeue, scontrol):
    assert (format_elapsed(seconds), format_dhms(seconds)) == (squeue, scontrol)


@given(st.integers(1, 365 * 1440))
def test_limits_come_back(minutes):
    shown = format_time_limit(minutes)
    assert parse_time_limit(shown) == minutes
    assert parse_seconds(format_dhms(minutes * 60)) == minutes * 60


def test_numbers_beyond_reason():
    with pytest.raises(GrammarError) as caught:
        parse_seconds("9" * 5000)
    assert caught.value.text == "9" * 5000
