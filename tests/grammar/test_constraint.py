import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.constraint import Exclusive, Feature, Joined, parse_constraint
from shim.grammar.errors import GrammarError

# fmt: off
ACCEPTED = [
    "fa", "intel-8", "fa&fb", "fa|fd", "fa&fb|fd", "fa|fb&fc", "[rack1|rack2]", "[fa]", "[fa*2]", "[fa*1&fd*1]",
    "(fa|fb)&fc", "(fa&fb)|fd", "(fa)", "fa&(fb)", "(fa|fb)|(fc)", "(fa|fb)&(fc|fd)", "[fa|fb]&fc", "[fa|fb]|fc",
    "fa&[rack1|rack2]", "[(fa&fb)|fd]", "[rack1*1&rack2*1]&fa", "fa*2", "fa*2&fb*1", "fa*2|fb", "(fa)*2",
]
# fmt: on

# fmt: off
REFUSED = [
    "", "fa & fb", "&fa", "[fa", "fa]", "(fa", "fa)", "fa*0", "fa*x", "((fa))", "fa&&fb", "fa||fb", "[fa&fb]",
    "[fa*1|fd*1]", "[(fa|fb)&fc]", "((fa&fb)|fc)&fd", "(fa&(fb|fc))", "fa(fb)", "[fa|fb|fd]*2", "[fa|(fb&fc)*2]",
    "[fa][fb]", "[[fa]]",
]
# fmt: on


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text):
    assert str(parse_constraint(text)) == text


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    with pytest.raises(GrammarError):
        parse_constraint(text)


@pytest.mark.parametrize(
    ("text", "read"), [("fa,fb", "fa&fb"), ("fa&", "fa"), ("fa|", "fa"), ("fa*+2", "fa*2"), ("fa* 2", "fa*2")]
)
def test_accepted_and_shown_otherwise(text, read):
    assert str(parse_constraint(text)) == read


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("fa", "12"),
        ("fa&fb", "1"),
        ("fc|fd", "12"),
        ("fa|fb&fc", "1"),  # the first operator binds first
        ("fd|fb&fc", "1"),
        ("fd|(fb&fc)", "12"),
        ("fb&(fc|fa)", "1"),
        ("[rack1|fd]", "123"),
        ("[fc*1&fd*1]", "12"),
        ("fb*2", "13"),
        ("nosuch", ""),
    ],
)
def test_which_nodes_match(text, nodes):
    features = {
        "1": frozenset({"fa", "fb", "fc", "rack1"}),
        "2": frozenset({"fa", "fd", "rack2"}),
        "3": frozenset({"fb", "intel-8", "rack1"}),
    }
    constraint = parse_constraint(text)
    assert "".join(node for node in features if constraint.matches(features[node])) == nodes


NAMES = st.sampled_from(["fa", "fb", "intel-8", "x=1", "!y"])
COUNTED = st.builds(Feature, NAMES, st.none() | st.integers(1, 99))
OPERATORS = st.sampled_from("&|")


def joined(operands, grouped=False):
    def build(values, signs, count):
        return Joined(tuple(values), tuple(signs[: len(values) - 1]), grouped, count if grouped else None)

    least = 1 if grouped else 2
    signs = st.lists(OPERATORS, min_size=4, max_size=4)
    return st.builds(build, st.lists(operands, min_size=least, max_size=4), signs, st.none() | st.integers(1, 9))


EXCLUSIVE = st.builds(lambda names: Exclusive(tuple(map(Feature, names))), st.lists(NAMES, min_size=1, max_size=3))
CONSTRAINTS = st.one_of(COUNTED, EXCLUSIVE, joined(st.one_of(COUNTED, EXCLUSIVE, joined(COUNTED, grouped=True))))


@given(CONSTRAINTS)
def test_constraints_come_back(constraint):
    assert parse_constraint(str(constraint)) == constraint
