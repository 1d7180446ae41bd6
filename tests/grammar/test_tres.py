import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.errors import GrammarError
from shim.grammar.tres import (
    INVALID_GRES,
    INVALID_TRES,
    MIXED_GRES,
    Gres,
    License,
    echo_gpus,
    echo_gres,
    format_gres,
    format_licenses,
    format_tres,
    parse_gpus,
    parse_gres,
    parse_licenses,
    parse_tres,
)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("gpu", [Gres("gpu")]),
        ("gpu:2", [Gres("gpu", count=2)]),
        ("gpu:02", [Gres("gpu", count=2)]),
        ("gpu:a100", [Gres("gpu", "a100")]),
        ("gpu:a100:2", [Gres("gpu", "a100", 2)]),
        ("gres:gpu:1", [Gres("gpu")]),
        ("gpu:0", [Gres("gpu", count=0)]),
        ("gpu:1K", [Gres("gpu", count=1024)]),
        ("gpu:1k", [Gres("gpu", count=1024)]),
        ("gpu:1kb", [Gres("gpu", count=1000)]),
        ("gpu:1G", [Gres("gpu", count=1073741824)]),
        ("gpu:1P", [Gres("gpu", count=1125899906842624)]),
        ("gpu:a100:1,gpu:h100:1", [Gres("gpu", "a100"), Gres("gpu", "h100")]),
        ("gpu:nvidia_h100_80gb_hbm3_3g.40gb:1", [Gres("gpu", "nvidia_h100_80gb_hbm3_3g.40gb")]),
        ("gpu:2080ti", [Gres("gpu", "2080ti")]),
        ("gpu:1,nvme:1", [Gres("gpu"), Gres("nvme")]),
        ("none", []),
        ("NONE", []),
    ],
)
def test_gres(text, items):
    assert list(parse_gres(text)) == items


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gpu=1", INVALID_GRES),
        ("gpu:", INVALID_GRES),
        ("gpu::1", INVALID_GRES),
        ("gpu:x:y", INVALID_GRES),
        ("gpu:2:a100", INVALID_GRES),
        ("gpu:a100:1:x", INVALID_GRES),
        ("gpu: 1", INVALID_GRES),
        ("gpu:1, gpu:a100:1", INVALID_GRES),
        ("gpu:1.5", INVALID_GRES),
        ("gpu,", INVALID_TRES),
        (",gpu", INVALID_TRES),
        ("", INVALID_TRES),
        ("gpu:1,gpu:a100:1", MIXED_GRES),
    ],
)
def test_gres_refused(text, problem):
    with pytest.raises(GrammarError) as caught:
        parse_gres(text)
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("2", [Gres("gpu", count=2)]),
        ("2k", [Gres("gpu", count=2048)]),
        ("0", [Gres("gpu", count=0)]),
        ("a100", [Gres("gpu", "a100")]),
        ("a100:2,h100:1", [Gres("gpu", "a100", 2), Gres("gpu", "h100")]),
        ("gpu:2", [Gres("gpu", count=2)]),
        ("", []),
    ],
)
def test_gpus(text, items):
    assert list(parse_gpus(text)) == items


def test_tres():
    amounts = parse_tres("cpu=4,mem=1500M,node=1,billing=4,gres/gpu=2,gres/gpu:a100=2")
    assert dict(amounts) == {"cpu": 4, "mem": 1500, "node": 1, "billing": 4, "gres/gpu": 2, "gres/gpu:a100": 2}
    assert format_tres(parse_tres("cpu=1,mem=1024")) == "cpu=1,mem=1G"
    assert format_tres(parse_tres("cpu=1,mem=1K")) == "cpu=1,mem=1M"
    assert parse_tres("") == ()
    for text in ("cpu", "cpu=", "cpu=x", "=1", "cpu=1,"):
        with pytest.raises(GrammarError):
            parse_tres(text)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a", [License("a")]),
        ("a:2", [License("a", 2)]),
        ("a:2,b", [License("a", 2), License("b")]),
        ("a:2;b", [License("a", 2), License("b")]),
        ("a:0", [License("a", 0)]),
        ("a:", [License("a")]),
        ("a:2,", [License("a", 2)]),
        (",a", [License("a")]),
        ("", []),
    ],
)
def test_licenses(text, items):
    assert list(parse_licenses(text)) == items


@pytest.mark.parametrize("text", ["a=2", "a:2|b:1", "a|b", "a:x", "a:2, b", "a:-1", "a:2k", "a:2:3"])
def test_licenses_refused(text):
    with pytest.raises(GrammarError):
        parse_licenses(text)


def test_how_scontrol_shows_requests():
    assert echo_gres("gpu:a100:1,gres:nvme") == "gres:gpu:a100:1,gres:nvme"
    assert echo_gpus("a100:2,h100") == "gres:gpu:a100:2,gres:gpu:h100"


NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
TYPES = st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True)
ITEMS = st.lists(st.builds(Gres, NAMES.filter("none".__ne__), TYPES, st.integers(0, 10**6)), min_size=1)


@given(ITEMS)
def test_gres_come_back(items):
    assert list(parse_gres(format_gres(items))) == items


@given(st.lists(st.builds(License, NAMES, st.integers(0, 10**6))))
def test_licenses_come_back(items):
    assert list(parse_licenses(format_licenses(items))) == items
