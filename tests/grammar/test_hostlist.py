import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist, fold_hostlist


@pytest.mark.parametrize(
    ("text", "folded", "in_order"),
    [
        ("n1", "n1", "n1"),
        ("n[1,3,5]", "n[1,3,5]", "n[1,3,5]"),
        ("n[1-3,5]", "n[1-3,5]", "n[1-3,5]"),
        ("n[01-10]", "n[01-10]", "n[01-10]"),
        ("n[1-3],m4", "n[1-3],m4", "m4,n[1-3]"),
        ("n1,n2,n3", "n[1-3]", "n[1-3]"),
        ("n3,n2,n1", "n[3,2,1]", "n[1-3]"),
        ("n1,n1", "n[1,1]", "n[1,1]"),
        ("n1,n2,n2", "n[1-2,2]", "n[1-2,2]"),
        ("n1]", "n1]", "n1]"),
        (
            "rack[0-1]_blade[2,3]",
            "rack0_blade[2-3],rack1_blade[2-3]",
            "rack0_blade[2-3],rack1_blade[2-3]",
        ),
        ("n01,n2,n003", "n[01,2,003]", "n[2,01,003]"),
        ("n9,n10", "n[9-10]", "n[9-10]"),
        ("n09,n10", "n[09-10]", "n[09-10]"),
        ("n09,n010", "n[09,010]", "n[09,010]"),
        ("n1,m1,n2,m2", "n1,m1,n2,m2", "m[1-2],n[1-2]"),
        ("", "", ""),
        ("a,b", "a,b", "a,b"),
        (
            "a[1-2]b[3-4]c[5-6]",
            "a1b3c[5-6],a2b3c[5-6],a1b4c[5-6],a2b4c[5-6]",
            "a1b3c[5-6],a1b4c[5-6],a2b3c[5-6],a2b4c[5-6]",
        ),
        ("n1-3", "n1-3", "n1-3"),
        ("a-1,a-2", "a-[1-2]", "a-[1-2]"),
        ("n[1-1]", "n1", "n1"),
        ("n[1,1,2]", "n[1,1-2]", "n[1,1-2]"),
        ("n1,,n2", "n[1-2]", "n[1-2]"),
        (",n1", "n1", "n1"),
        ("n1,", "n1", "n1"),
        (" n1 n2\tn3", "n[1-3]", "n[1-3]"),
        ("n1;n2", "n1;n2", "n1;n2"),
        ("0", "0", "0"),
        ("1,2,3", "[1-3]", "[1-3]"),
        ("[1-3]", "[1-3]", "[1-3]"),
        ("007,008", "[007-008]", "[007-008]"),
        ("n[001-3]", "n[001-003]", "n[001-003]"),
        ("n[1-003]", "n[1-3]", "n[1-3]"),
        ("n[8-10,12]", "n[8-10,12]", "n[8-10,12]"),
        ("n1a,n2a", "n1a,n2a", "n1a,n2a"),
        ("n1a1,n1a2,n2a1,n2a2", "n1a[1-2],n2a[1-2]", "n1a[1-2],n2a[1-2]"),
        ("n10,n9,n8,n1", "n[10,9,8,1]", "n[1,8-10]"),
        ("n[1-2],n[4-5],n3", "n[1-2,4-5,3]", "n[1-5]"),
        ("a1,b1,a2", "a1,b1,a2", "a[1-2],b1"),
        ("n1,n01", "n[1,01]", "n[1,01]"),
        ("n[1- 3]", "n[1-3]", "n[1-3]"),
        ("n[1, 3]", "n[1,03]", "n[1,03]"),
        ("n{1..3}", "n{1..3}", "n{1..3}"),
        ("\u00e91,\u00e92", "\u00e9[1-2]", "\u00e9[1-2]"),
    ],
)
def test_recorded(text, folded, in_order):
    names = expand_hostlist(text)
    assert (fold_hostlist(names), fold_hostlist(names, sort=True)) == (folded, in_order)


def test_brackets_expand_in_slurms_order():
    assert expand_hostlist("a[1-2]b[3-4]c[5-6]") == (
        "a1b3c5", "a1b3c6", "a2b3c5", "a2b3c6", "a1b4c5", "a1b4c6", "a2b4c5", "a2b4c6",
    )  # fmt: skip
    assert expand_hostlist("n[1-2][3-4]") == ("n13", "n14", "n23", "n24")


@pytest.mark.parametrize(
    "text",
    ["n[1-2", "n[]", "n[3-1]", "n[a-b]", "n[1-3]x", "n[0-3]0", "a[1]b", "a[[1]]", "tux[1-2]]", "n[1,,2]", "n[1:3]"],
)
def test_refused(text):
    with pytest.raises(GrammarError):
        expand_hostlist(text)


def test_a_range_has_a_limit():
    assert len(expand_hostlist("n[0-65535]")) == 65536
    with pytest.raises(GrammarError):
        expand_hostlist("n[0-65536]")


PREFIXES = st.sampled_from(["n", "node-", "rack1_blade", "x.y"])
NAMES = st.builds(
    lambda prefix, number, width: f"{prefix}{number:0{width}}", PREFIXES, st.integers(0, 120), st.integers(1, 4)
)


@given(st.lists(NAMES | PREFIXES))
def test_folded_names_come_back(names):
    assert list(expand_hostlist(fold_hostlist(names))) == names
    assert sorted(expand_hostlist(fold_hostlist(names, sort=True))) == sorted(names)
