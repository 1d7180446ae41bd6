import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.array import MAX_INDEX, ArraySpec, IndexSet, parse_array
from shim.grammar.errors import GrammarError


@pytest.mark.parametrize(
    ("text", "shown", "throttle"),
    [
        ("0-3", "0-3", 0),
        ("1,3,5", "1,3,5", 0),
        ("0-15:4", "0,4,8,12", 0),
        ("1-10%2", "1-10", 2),
        ("0", "0", 0),
        ("1-3,5-7", "1-3,5-7", 0),
        ("1-10:3%1", "1,4,7,10", 1),
        ("0-10000", "0-10000", 0),
        ("1,1,2", "1-2", 0),
        ("1-3%0", "1-3", 0),
        ("1-3%", "1-3", 0),
        ("%2", "0", 2),
        ("%", "0", 0),
        ("[]", "0", 0),
        ("1,2,", "1-2", 0),
        ("1-5,3-7", "1-7", 0),
        ("3,1,2", "1-3", 0),
        ("01-03", "1-3", 0),
        ("[1-3]", "1-3", 0),
        ("1-3:1", "1-3", 0),
        ("2-11:3,1%2", "1-2,5,8,11", 2),
        ("0-4:8", "0", 0),
        ("1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39,41", "1-41:2", 0),
        ("1, 2", "1-2", 0),
        (" 1", "1", 0),
        ("1-2,,3", "1-3", 0),
        (",1", "1", 0),
        ("[1-3]%2", "1-3", 2),
        ("[1-3%2]", "1-3", 2),
        ("[1-3", "1-3", 0),
        ("1-3]", "1-3", 0),
        ("1-3%2%1", "1-3", 2),
        ("1-3%x", "1-3", 0),
        ("1%2,3", "1,3", 2),
        ("[1],[2]", "1-2", 0),
        ("1-3%-1", "1-3", 0),
        ("1-3%2x", "1-3", 2),
        ("1-3%2,5", "1-3,5", 2),
        ("1-3% 2", "1-3", 2),
        ("1-3%02", "1-3", 2),
        ("+1", "1", 0),
        ("1-+3", "1-3", 0),
        ("1-3:+2", "1,3", 0),
        ("1-10:2,1-10:3", "1,3-5,7,9-10", 0),
        ("5-5", "5", 0),
        ("45-47,56-57,001", "1,45-47,56-57", 0),
        ("0-", "0", 0),
    ],
)
def test_accepted(text, shown, throttle):
    spec = parse_array(text)
    assert (spec.indices.display(), spec.throttle) == (shown, throttle)


@pytest.mark.parametrize(
    "text",
    ["5-1", "1-", "-1", "-5", "a", "1--3", "1-3:0", "0x1", "1 - 3", "1-3:2:1", "1-2-3", "1:2", "1,3:2", "1-3:", ":2",
     "[1-2][3]", "10-5:5", "1.5", "1-3:x", "1_2", "", "4294967294", f"{MAX_INDEX + 1}", "\u0661"],
)  # fmt: skip
def test_refused(text):
    with pytest.raises(GrammarError):
        parse_array(text)


@pytest.mark.parametrize(
    ("text", "low", "high", "step", "count"),
    [
        ("1,3,5", 1, 5, 1, 3),
        ("5-11:3", 5, 11, 3, 3),
        ("0-4:2,6", 0, 6, 2, 4),
        ("1,4", 1, 4, 1, 2),
        ("7", 7, 7, 1, 1),
        ("2-4:2", 2, 4, 2, 2),
        ("1-10:2,1-10:3", 1, 10, 2, 7),
        ("1-3,5", 1, 5, 1, 4),
        ("3,1-9:4", 1, 9, 4, 4),
        ("0-10:99", 0, 0, 99, 1),
        ("1-3,7-9:2", 1, 9, 2, 5),
        ("6-9:3,1", 1, 9, 3, 3),
    ],
)
def test_what_a_task_is_told(text, low, high, step, count):
    spec = parse_array(text)
    assert (spec.min, spec.max, spec.step, len(spec.indices)) == (low, high, step, count)


THINNED = "1,3,5,7,10-20,30-40,42,45,100-200,300-301,303,305,307,309-400,500-600,800"


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (0, THINNED),
        (1, ""),
        (3, ".."),
        (4, "..."),
        (5, "1..."),
        (8, "1,3,..."),
        (15, "1,3,5,7,10-..."),
        (20, "1,3,5,7,10-20,30..."),
        (30, "1,3,5,7,10-20,30-40,42,45,..."),
        (64, "1,3,5,7,10-20,30-40,42,45,100-200,300-301,303,305,307,309-40..."),
        (66, "1,3,5,7,10-20,30-40,42,45,100-200,300-301,303,305,307,309-400,..."),
        (72, "1,3,5,7,10-20,30-40,42,45,100-200,300-301,303,305,307,309-400,500-60..."),
    ],
)
def test_display_is_cut(limit, shown):
    assert parse_array(THINNED).indices.display(limit) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0-12:2", "0-12:2"),
        ("0-10:2", "0,2,4,6,8,10"),
        ("0-15:4", "0,4,8,12"),
        ("0-25:5", "0-25:5"),
        ("0-20:2", "0-20:2"),
        ("0,2,4,6,8,10,12", "0-12:2"),
        ("0-20", "0-20"),
    ],
)
def test_when_a_step_is_displayed(text, shown):
    assert parse_array(text).indices.display() == shown


def test_a_million_tasks_cost_nothing():
    tasks = parse_array("0-999999:3").indices
    assert str(tasks) == "0-999999:3"
    taken = []
    for _ in range(1000):
        task, tasks = tasks.pop_first()
        taken.append(task)
    assert taken == list(range(0, 3000, 3))
    assert str(tasks) == "3000-999999:3"
    assert str(tasks.without(6000)) == "3000-5997:3,6003-999999:3"
    assert str(parse_array("0-999999").indices - parse_array("0-999999:2").indices) == "1-999999:2"
    assert str(parse_array("0-999999:4").indices & parse_array("0-999999:6").indices) == "0-999996:12"


def test_the_empty_set():
    empty = IndexSet()
    assert (len(empty), list(empty), str(empty), empty.display(), 3 in empty) == (0, [], "", "", False)
    assert IndexSet.parse("") == empty
    for call in (empty.first, empty.pop_first, lambda: empty.min, lambda: empty.max):
        with pytest.raises(ValueError, match="no index"):
            call()


INDICES = st.sets(st.integers(0, 60))
PROGRESSIONS = st.builds(lambda start, length, step: range(start, start + length, step), st.integers(0, 60),
                         st.integers(0, 60), st.integers(1, 7))  # fmt: skip
PROGRESSION_LISTS = st.lists(PROGRESSIONS, max_size=4)


@given(PROGRESSION_LISTS)
def test_sets_of_progressions(progressions):
    plain = set().union(*progressions)
    indices = IndexSet(progressions)
    assert list(indices) == sorted(plain)
    assert len(indices) == len(plain)
    assert indices == IndexSet.from_iterable(plain)
    assert hash(indices) == hash(IndexSet.from_iterable(plain))
    assert {index for index in range(130) if index in indices} == plain
    assert IndexSet.parse(str(indices)) == indices


@given(PROGRESSION_LISTS, PROGRESSION_LISTS)
def test_algebra_is_that_of_plain_sets(left, right):
    a, b = IndexSet(left), IndexSet(right)
    plain_a, plain_b = set(a), set(b)
    assert list(a | b) == sorted(plain_a | plain_b)
    assert list(a & b) == sorted(plain_a & plain_b)
    assert list(a - b) == sorted(plain_a - plain_b)
    assert (a == b) == (plain_a == plain_b)


@given(INDICES.filter(bool))
def test_popping_empties_a_set_in_order(plain):
    indices, taken = IndexSet.from_iterable(plain), []
    while indices:
        assert (indices.min, indices.max) == (indices.first(), max(plain))
        index, indices = indices.pop_first()
        taken.append(index)
    assert taken == sorted(plain)


@given(INDICES, st.integers(0, 60))
def test_without_one(plain, index):
    assert set(IndexSet.from_iterable(plain).without(index)) == plain - {index}


@given(st.integers(0, 50), st.integers(2, 50), st.integers(1, 9), st.randoms())
def test_a_regular_set_is_one_progression_however_it_came_about(start, count, step, random):
    regular = list(range(start, start + count * step, step))
    shuffled = random.sample(regular, len(regular))
    indices = IndexSet()
    for index in shuffled:
        indices |= IndexSet.from_iterable([index])
    assert str(indices) == str(IndexSet([range(start, start + count * step, step)]))


@given(INDICES.filter(bool), st.integers(0, 9))
def test_what_is_displayed_in_full_reads_back(plain, throttle):
    indices = IndexSet.from_iterable(plain)
    assert parse_array(indices.display(0)).indices == indices
    spec = ArraySpec(indices, throttle)
    assert parse_array(str(spec)).throttle == throttle


@given(st.sets(st.integers(0, 30), min_size=3), st.randoms())
def test_thinning_keeps_regular_sets_as_one_progression(plain, random):
    indices = IndexSet.from_iterable(plain)
    for index in random.sample(sorted(plain), len(plain) - 2):
        indices = indices.without(index)
        assert indices.display(0) == IndexSet.from_iterable(indices).display(0)
