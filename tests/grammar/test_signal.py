import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.errors import GrammarError
from shim.grammar.signal import SignalSpec, parse_signal, signal_name, signal_number


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("USR1", "USR1@60"),
        ("SIGUSR1", "USR1@60"),
        ("sigusr1", "USR1@60"),
        ("10", "USR1@60"),
        ("B:USR1", "B:USR1@60"),
        ("b:usr1", "B:USR1@60"),
        ("R:USR1", "R:USR1@60"),
        ("RB:USR1@5", "RB:USR1@5"),
        ("BR:USR1@5", "RB:USR1@5"),
        ("B:SIGUSR1@90", "B:USR1@90"),
        ("15@180", "TERM@180"),
        ("64", "64@60"),
        ("USR1@", "USR1@0"),
        ("B:10@0", "B:USR1@0"),
        ("USR1@65535", "USR1@65535"),
        (" USR1", "USR1@60"),
        ("USR1 ", "USR1@60"),
        ("10 @5", "USR1@5"),
        ("USR1@ 5", "USR1@5"),
        ("XCPU", "XCPU@60"),
    ],
)
def test_accepted(text, shown):
    assert str(parse_signal(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "0", "65", "X:USR1", "B:B:USR1", "B:", "@60", "USR1@x", "USR1@60x", "USR1@65536", "USR1@-1", "FOO", "RTMIN",
     "RTMIN+1", "15x", "-1", "INT,TERM", "CHLD", "PIPE", "SEGV"],
)  # fmt: skip
def test_refused(text):
    with pytest.raises(GrammarError):
        parse_signal(text)


def test_numbers_are_the_systems():
    for name in ("HUP", "INT", "QUIT", "ABRT", "KILL", "ALRM", "TERM", "USR1", "USR2", "URG", "CONT", "STOP", "TSTP",
                 "TTIN", "TTOU", "XCPU"):  # fmt: skip
        assert signal_number(name) == signal.Signals[f"SIG{name}"]
        assert signal_name(signal_number(name)) == name
    for text in ("FOO", "0", "", "-9"):
        with pytest.raises(GrammarError):
            signal_number(text)


@given(st.builds(SignalSpec, st.integers(1, 64), st.integers(0, 65535), st.booleans(), st.booleans()))
def test_signals_come_back(spec):
    assert parse_signal(str(spec)) == spec
