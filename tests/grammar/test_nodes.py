import pytest

from shim.grammar.errors import GrammarError
from shim.grammar.nodes import NodeCount, parse_nodes


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2", 2, 2),
        ("1-3", 1, 3),
        ("2k", 2048, 2048),
        ("2K", 2048, 2048),
        ("2m", 2097152, 2097152),
        ("1-2k", 1, 2048),
        ("0", 0, 0),
        (" 2", 2, 2),
        ("2 ", 2, 2),
        ("1 - 3", 1, 3),
        ("3-3", 3, 3),
        ("+2", 2, 2),
        ("02", 2, 2),
        ("0-2", 0, 2),
        ("1-0", 1, 0),
        ("-1", 1, 1),
    ],
)
def test_accepted(text, low, high):
    assert parse_nodes(text) == NodeCount(low, high)
    assert parse_nodes(str(NodeCount(low, high))) == NodeCount(low, high)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", '"x" is not a valid node count'),
        ("", '"" is not a valid node count'),
        ("1-", "Maximum node count -1 is less than minimum node count 1"),
        ("-", "Maximum node count -1 is less than minimum node count 1"),
        ("2-1", "Maximum node count 1 is less than minimum node count 2"),
        ("1k-2", "Maximum node count 2 is less than minimum node count 1024"),
        ("1-2-3", '"2-3" is not a valid node count'),
        ("1.5", '"1.5" is not a valid node count'),
        ("1,2", '"1,2" is not a valid node count'),
        ("1-x", '"x" is not a valid node count'),
        ("x-1", '"x" is not a valid node count'),
        ("2kb", '"2kb" is not a valid node count'),
        ("1-3:2", '"3:2" is not a valid node count'),
        ("2G", '"2G" is not a valid node count'),
        ("4294967295", '"4294967295" is not a valid node count'),
    ],
)
def test_refused(text, problem):
    with pytest.raises(GrammarError) as caught:
        parse_nodes(text)
    assert caught.value.problem == problem
