import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.dependency import Dependency, Kind, Term, parse_dependency
from shim.grammar.errors import GrammarError


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("after:401", "after:401"),
        ("after:401+1", "after:401+1"),
        ("afterok:401:402", "afterok:401,afterok:402"),
        ("afterok:401,afternotok:402", "afterok:401,afternotok:402"),
        ("afterok:401?afterok:402", "afterok:401?afterok:402"),
        ("aftercorr:401", "aftercorr:401"),
        ("AfterOK:401", "afterok:401"),
        ("afterok:401,singleton", "afterok:401,singleton"),
        ("after:401?after:402,afterok:401", "after:401?after:402?afterok:401"),
        ("afterok:401,afterok:402?afterany:403", "afterok:401?afterok:402?afterany:403"),
        ("401", "afterany:401"),
        ("401,402", "afterany:401,afterany:402"),
        ("401,402,401", "afterany:401,afterany:402"),
        ("401_1,402", "afterany:401_1,afterany:402"),
        ("401,singleton", "afterany:401,singleton"),
        ("singleton,401", "singleton,afterany:401"),
        ("afterok:401,402", "afterok:401,afterany:402"),
        ("afterok:401?402", "afterok:401?afterany:402"),
        ("afterok:401+5", "afterok:401+5"),
        ("afterok:401_1", "afterok:401_1"),
        ("afterok:401_*", "afterok:401"),
        ("401_*", "afterany:401"),
        ("after:401_2+3", "after:401_2+3"),
        ("afterok:401_[1-2,7]", "afterok:401_1,afterok:401_2,afterok:401_7"),
        ("afterok:401_[1-9:3]", "afterok:401_1,afterok:401_4,afterok:401_7"),
        ("afterburstbuffer:401", "afterburstbuffer:401"),
        ("expand:401", "expand:401"),
        ("SINGLETON", "singleton"),
        ("singleton,singleton", "singleton"),
        ("sINGLETON?AfterAny:401", "singleton?afterany:401"),
        ("singleton?afterok:401", "singleton?afterok:401"),
        ("afterok: 401", "afterok:401"),
        ("afterok:+401", "afterok:401"),
        ("afterok:0401", "afterok:401"),
        ("afterok:401,afterok:401", "afterok:401"),
        ("afterok:401,afterok:401+5", "afterok:401"),
        ("after:401+2,after:401+5", "after:401+2"),
        ("afterok:401,afterany:401", "afterok:401,afterany:401"),
        ("after:401+05", "after:401+5"),
        ("after:401+2:402+4", "after:401+2,after:402+4"),
        ("afterok:401(unfulfilled)", "afterok:401"),
        ("afterok:401_1(failed),after:402+2(unfulfilled)", "afterok:401_1,after:402+2"),
        ("afterok:-1,afterok:401", "afterok:4294967295,afterok:401"),
        ("", ""),
        ("0", ""),
    ],
)
def test_accepted(text, read):
    assert str(parse_dependency(text)) == read


# fmt: off
REFUSED = [
    " afterok:401", "afterok:401 ", "afterok:401, afterok:402", "401 402", "afterok", "afterok:", "afterok:401,",
    "foo:401", "singleton:5", "singleton:", "afterok:0", "afterok:abc", "401:402", "afterok:401?", "-1", "abc",
    ":401", "afterok::401", "afterok:401:", "after", "afterok:401;afterok:402", "401+5", "after:401+0",
    "after:401+", "after:401+x", "afterok:401,,afterok:402", ",afterok:401", "afterok:401.0", "(null)",
    "401,afterok:402", "401?afterok:402", "401?402", "402,", "0,401", "401,0", "afterok:401,0", "00",
    "401(unfulfilled)", "afterok:401_[1-3", "afterok:401_[]", "afterok:401_x", "afterokay:401", "aft:401",
    "afterok:401_[5-1]", "afterok:401_[1-3:0]", "afterok:401_[0-4000001]",
]
# fmt: on


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    with pytest.raises(GrammarError):
        parse_dependency(text)


KINDS = st.sampled_from([kind for kind in Kind if kind is not Kind.SINGLETON])
TERMS = st.builds(Term, KINDS, st.integers(1, 10**6), st.none() | st.integers(0, 10**5), st.integers(0, 1440))
LISTS = st.lists(TERMS | st.just(Term(Kind.SINGLETON)), unique_by=lambda term: (term.kind, term.job_id, term.task_id))


@given(LISTS, st.booleans())
def test_dependencies_come_back(terms, any_of_them):
    dependency = Dependency(tuple(terms), any=any_of_them and len(terms) > 1)
    assert parse_dependency(str(dependency)) == dependency
