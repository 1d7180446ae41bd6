import pytest

from shim.grammar.distribution import INVALID_PLANE, parse_distribution
from shim.grammar.errors import GrammarError
from shim.grammar.mail import MailType, parse_mail_types

EVERYTHING = "INVALID_DEPEND,BEGIN,END,FAIL,REQUEUE,STAGE_OUT"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BEGIN", "BEGIN"),
        ("begin", "BEGIN"),
        ("FAIL,END", "END,FAIL"),
        ("end,End", "END"),
        ("ALL", EVERYTHING),
        ("ALL,ARRAY_TASKS", f"ARRAY_TASKS,{EVERYTHING}"),
        ("BEGIN,END,FAIL,REQUEUE,INVALID_DEPEND,STAGE_OUT", EVERYTHING),
        (
            "TIME_LIMIT,TIME_LIMIT_90,TIME_LIMIT_50,TIME_LIMIT_80",
            "TIME_LIMIT_50,TIME_LIMIT_80,TIME_LIMIT_90,TIME_LIMIT",
        ),
        ("END,FOO", "END"),
        ("END,", "END"),
        (",END", "END"),
        ("NONE", "NONE"),
        ("NONE,END", "NONE"),
        ("END,NONE", "NONE"),
    ],
)
def test_mail_types(text, shown):
    assert str(parse_mail_types(text)) == shown


@pytest.mark.parametrize("text", ["", "FOO", "START", "END FAIL"])
def test_mail_types_refused(text):
    with pytest.raises(GrammarError):
        parse_mail_types(text)


def test_mail_types_of_two_options_add_up():
    assert str(parse_mail_types("BEGIN") | parse_mail_types("END")) == "BEGIN,END"
    assert MailType.END in parse_mail_types("ALL")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("block", "block"),
        ("BLOCK", "block"),
        ("cyclic", "cyclic"),
        ("arbitrary", "arbitrary"),
        ("plane=4", "plane=4"),
        ("plane=+4", "plane=4"),
        ("block:fcyclic", "block:fcyclic"),
        ("cyclic:cyclic:cyclic", "cyclic:cyclic:cyclic"),
        ("*", "block"),
        ("*:*", "block:cyclic"),
        ("*:block", "block:block"),
        ("cyclic:*", "cyclic:cyclic"),
        ("block:*:fcyclic", "block:cyclic:fcyclic"),
        ("block,pack", "block,pack"),
        ("*,pack", "block,pack"),
        ("block:block,NoPack", "block:block,nopack"),
        ("pack", "pack"),
        ("nopack", "nopack"),
    ],
)
def test_distributions(text, shown):
    assert str(parse_distribution(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "foo", "b", "blo", "block:foo", "block,foo", "block:block:block:block", "lllp", "fcyclic", "arbitrary:block",
     "cyclic,Pack:block", "Pack,block", "unknown"],
)  # fmt: skip
def test_distributions_refused(text):
    with pytest.raises(GrammarError):
        parse_distribution(text)


@pytest.mark.parametrize("text", ["plane", "plane=x", "plane=0", "plane=4,Pack", "plane:4", "plane=4:block"])
def test_planes_refused(text):
    with pytest.raises(GrammarError) as caught:
        parse_distribution(text)
    assert caught.value.problem == INVALID_PLANE
