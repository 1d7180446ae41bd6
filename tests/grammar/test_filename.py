import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.filename import expand_filename

FIELDS = {"j": 1133, "A": 1133, "J": 1133, "x": "nm", "u": "alice", "N": "vm", "n": 0, "t": 0, "s": "batch"}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%j-%x-%u-%N-%n-%t-%s-%A-%a-%J-%b-%%-%q.o", "1133-nm-alice-vm-0-0-batch-1133-4294967294-1133-%b-%-%q.o"),
        ("%3n-%3t-%3s-%3x-%3u-%3N.o", "000-000-batch-nm-alice-vm.o"),
        ("%5j|%03j|%10A|%2j|%12j.o", "01133|1133|0000001133|1133|0000001133.o"),
        ("%4%.o", "4%.o"),
        ("%%j.o", "%j.o"),
        ("%%%j.o", "%1133.o"),
        ("%%%%5j", "%%5j"),
        ("a%", "a%"),
        ("%j%a%A.o", "113342949672941133.o"),
        ("%5", "5"),
        ("x%05", "x5"),
        ("x%0j", "x1133"),
        ("%5q", "5q"),
        ("%12q", "2q"),
        ("%1%j", "11133"),
        ("x%00005j", "x01133"),
        ("x%5J", "x01133"),
        ("x%5%", "x5%"),
        ("%-5j", "%-5j"),
        ("x%5 j", "x5 j"),
        ("%9999999999999999999999j", "0000001133"),
        ("x%3a", "x4294967294"),
        ("x%.3j", "x%.3j"),
        ("%.txt", "%.txt"),
        ("%10.txt", "0.txt"),
        ("a\\%j.o", "a%j.o"),
        ("%j\\.o", "%j.o"),
        ("a\\\\b%j", "a\\b%j"),
        ("a\\b\\c", "abc"),
        ("x\\", "x"),
        ("$HOME/~/x-%j", "$HOME/~/x-1133"),
        ("", ""),
    ],
)
def test_recorded(pattern, name):
    assert expand_filename(pattern, FIELDS) == name


def test_array_tasks():
    fields = {"A": 183, "a": 12, "j": 184}
    assert expand_filename("%A_%a-%4a-%j-%b.o", fields) == "183_12-0012-184-%b.o"


def test_a_step_with_a_width():
    assert expand_filename("x-%5J-%J", {"J": "183.0"}) == "x-00183.0-183.0"


def test_what_scontrol_expands():
    assert expand_filename("/tmp/%x-%j-%u-%N-%5j.o", {"x": "nm", "j": 44359, "u": "carol"}, widths=False) == (
        "/tmp/nm-44359-carol-%N-%5j.o"
    )


@given(st.text(st.characters(exclude_characters="%\\")))
def test_text_without_patterns_stays(text):
    assert expand_filename(text, FIELDS) == text


@given(st.text("%0123456789jAaxq\\ /"))
def test_every_pattern_expands(pattern):
    assert isinstance(expand_filename(pattern, FIELDS), str)
