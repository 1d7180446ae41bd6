import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.errors import GrammarError
from shim.grammar.memory import format_memory, parse_memory


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("100", "100M"),
        ("100K", "1M"),
        ("1024K", "1M"),
        ("1025K", "2M"),
        ("1300K", "2M"),
        ("0", "0"),
        ("0K", "0"),
        ("2G", "2G"),
        ("2g", "2G"),
        ("1T", "1T"),
        ("1024T", "1P"),
        ("3072G", "3T"),
        ("100MB", "100M"),
        ("100KB", "1M"),
        ("16Gb", "16G"),
        ("64gb", "64G"),
        ("+5", "5M"),
        ("512", "512M"),
        ("1025", "1025M"),
        ("1536", "1.50G"),
        ("2560", "2.50G"),
        ("1048577", "1048577M"),
        ("1572864", "1.50T"),
        ("1000000", "1000000M"),
    ],
)
def test_accepted(text, shown):
    assert format_memory(parse_memory(text)) == shown


@pytest.mark.parametrize(
    "text", ["", "1.5G", "2 G", "2GiB", "1P", "1B", "2B", "-5", "G", "1KK", "0x10", " 5", "5_", "MaxMemPerNode", "5\n"]
)
def test_refused(text):
    with pytest.raises(GrammarError):
        parse_memory(text)


@given(st.integers(0, 2**40))
def test_whole_units_come_back(megabytes):
    shown = format_memory(megabytes)
    if "." not in shown and "P" not in shown and "E" not in shown:
        assert parse_memory(shown) == megabytes
