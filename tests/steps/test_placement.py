"""How steps are laid out and placed: by recorded answers, and by what must hold for any step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.job.errors import Errno, SlurmError
from shim.job.layout import arbitrary, distribute
from shim.job.record import Share
from shim.scheduler.stepplacement import Held, Placed, StepRequest, place_step


@pytest.mark.parametrize(
    ("ntasks", "slots", "distribution", "plane", "expected"),
    [
        (4, (3, 1), "", 0, ((0, 1, 2), (3,))),
        (4, (6, 2), "block", 0, ((0, 1), (2, 3))),
        (3, (4, 1), "cyclic", 0, ((0, 2), (1,))),
        (4, (4, 1), "plane", 2, ((0, 1, 3), (2,))),
        (6, (4, 2), "block,pack", 0, ((0, 1, 2, 3), (4, 5))),
        (6, (2, 1), "block", 0, ((0, 1, 2, 3), (4, 5))),
    ],
)
def test_distributions(
    ntasks: int, slots: tuple[int, ...], distribution: str, plane: int, expected: tuple[tuple[int, ...], ...]
) -> None:
    assert distribute(ntasks, slots, distribution, plane) == expected


def test_arbitrary() -> None:
    assert arbitrary(("n2", "n1", "n2", "n2"), ("n1", "n2")) == ((1,), (0, 2, 3))


SLOTS = st.lists(st.integers(1, 5), min_size=1, max_size=5)


@given(st.integers(1, 30), SLOTS, st.sampled_from(["", "block", "cyclic", "block,pack"]), st.integers(0, 3))
def test_each_task_has_one_place(ntasks: int, slots: list[int], distribution: str, plane: int) -> None:
    ranks = distribute(ntasks, slots, distribution, plane)
    assert sorted(rank for own in ranks for rank in own) == list(range(ntasks))
    assert all(own == tuple(sorted(own)) for own in ranks)
    if ntasks <= sum(slots):
        assert all(len(own) <= room for own, room in zip(ranks, slots, strict=True))


def shares(*cpus: int, memory: int = 0, gpus: int = 0) -> list[Share]:
    return [Share(f"n{index + 1}", count, memory, tuple(range(gpus))) for index, count in enumerate(cpus)]


def test_a_step_takes_all_cpus_unless_it_wants_no_more_than_it_needs() -> None:
    job = shares(4, 4)
    whole = place_step(StepRequest(ntasks=1), job, {})
    assert whole is not None
    assert whole.held == (Held("n1", 4, 0),)
    exact = place_step(StepRequest(ntasks=1, exact=True), job, {})
    assert exact is not None
    assert exact.held == (Held("n1", 1, 0),)
    busy = {"n1": exact.held}
    beside = place_step(StepRequest(ntasks=1), job, busy)
    assert beside is not None
    assert beside.nodes[0].name == "n2"
    assert place_step(StepRequest(ntasks=1, nodes_min=2), job, busy) is None
    assert place_step(StepRequest(ntasks=8, exact=True), job, busy) is None
    shared = place_step(StepRequest(ntasks=8, overlap=True), job, busy)
    assert shared is not None
    assert shared.held == ()


def test_memory_and_gpus_make_steps_wait() -> None:
    job = shares(4, memory=400, gpus=2)
    one = place_step(StepRequest(ntasks=1, exact=True), job, {})
    assert one is not None
    assert place_step(StepRequest(ntasks=1, exact=True), job, {"n1": one.held}) is None  # it holds all the memory
    small = StepRequest(ntasks=1, exact=True, memory_per_node=100, gpus_per_node=1)
    first = place_step(small, job, {})
    assert first is not None
    second = place_step(small, job, {"n1": first.held})
    assert second is not None
    assert (first.nodes[0].gpus, second.nodes[0].gpus) == ((0,), (1,))
    assert place_step(small, job, {"n1": (*first.held, *second.held)}) is None


def test_other_generic_resources_make_steps_wait() -> None:
    job = (Share("n1", cpus=4, memory=0, gres=(("license_slot", 3),)),)
    two = StepRequest(ntasks=1, exact=True, gres=(("license_slot", 2),))
    first = place_step(two, job, {})
    assert first is not None
    assert place_step(two, job, {"n1": first.held}) is None
    assert place_step(StepRequest(ntasks=1, exact=True, gres=(("license_slot", 1),)), job, {"n1": first.held})
    assert Placed.parse(first.text()) == first


@pytest.mark.parametrize(
    ("request_", "errno"),
    [
        (StepRequest(ntasks=9), Errno.TOO_MANY_REQUESTED_CPUS),
        (StepRequest(ntasks=1, cpus_per_task=5), Errno.TOO_MANY_REQUESTED_CPUS),
        (StepRequest(ntasks=1, memory_per_node=500), Errno.INVALID_TASK_MEMORY),
        (StepRequest(ntasks=1, nodelist=("n9",)), Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE),
        (StepRequest(ntasks=1, nodes_min=3), Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE),
        (StepRequest(ntasks=1, gpus=1), Errno.INVALID_GRES),
        (StepRequest(ntasks=2, nodes_min=1, nodes_max=1, nodelist=("n2",), exact=True, cpus_per_task=4), None),
    ],
)
def test_what_can_never_be_is_refused(request_: StepRequest, errno: Errno | None) -> None:
    with pytest.raises(SlurmError) as refused:
        place_step(request_, shares(4, 4, memory=400), {})
    assert refused.value.errno is (errno or Errno.REQUESTED_NODE_CONFIG_UNAVAILABLE)


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=8),
)
def test_steps_never_hold_more_than_the_job_has(cpus: list[int], wanted: list[tuple[int, bool]]) -> None:
    job = shares(*cpus)
    holds: dict[str, list[Held]] = {}
    for ntasks, exact in wanted:
        try:
            placed = place_step(StepRequest(ntasks=ntasks, exact=exact), job, holds)
        except SlurmError:
            continue
        if placed is None:
            continue
        assert sum(len(node.ranks) for node in placed.nodes) == ntasks
        assert Placed.parse(placed.text()) == placed
        for held in placed.held:
            holds.setdefault(held.node, []).append(held)
    for share in job:
        assert sum(held.cpus for held in holds.get(share.node, ())) <= share.cpus
