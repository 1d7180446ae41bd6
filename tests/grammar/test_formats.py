import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.errors import GrammarError
from shim.grammar.formats import (
    Column,
    Field,
    Literal,
    SacctColumn,
    parse_long_format,
    parse_percent_format,
    parse_sacct_format,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("%i", [Field("i")]),
        ("%.10i|", [Field("i", 10, right=True), Literal("|")]),
        ("%10i|", [Field("i", 10), Literal("|")]),
        ("%010i", [Field("i", 10)]),
        ("%%i", [Field("i")]),
        ("%i %j", [Field("i"), Literal(" "), Field("j")]),
        ("%i%j", [Field("i"), Field("j")]),
        ("%ii", [Field("i"), Literal("i")]),
        ("%", []),
        ("", []),
        ("x", [Literal("x")]),
        ("%i%", [Field("i")]),
        ("%.i|", [Field("i", right=True), Literal("|")]),
        ("%all", [Field("all")]),
        ("%All", [Field("all")]),
        ("%alll", [Field("a"), Literal("lll")]),
        ("x%allx", [Literal("x"), Field("a"), Literal("llx")]),
        ("%.18all", [Field("a", 18, right=True), Literal("ll")]),
        ("\\t%i\n", [Literal("\\t"), Field("i"), Literal("\n")]),
    ],
)
def test_percent_formats(text, parts):
    assert list(parse_percent_format(text)) == parts


@pytest.mark.parametrize("text", ["%5", "%.", "%.5", "%#", "%5#", "%.5#", "%-", "%5.", "% "])
def test_fields_no_command_knows_print_as_written(text):
    (field,) = parse_percent_format(text)
    assert field.written == text


def test_a_number_and_then_a_field():
    assert parse_percent_format("%5%i") == (Field("", 5), Field("i"))


@given(st.lists(st.builds(Field, st.sampled_from("ijPtTMDR"), st.integers(0, 99), st.booleans())))
def test_fields_come_back(fields):
    assert list(parse_percent_format("".join(field.written for field in fields))) == fields


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("JobID", [Column("JobID", 20)]),
        ("jobid:5", [Column("jobid", 5)]),
        ("JobID:.5,Name:4", [Column("JobID", 5, right=True), Column("Name", 4)]),
        ("JobID:^,Name:4", [Column("JobID", 0, suffix="^"), Column("Name", 4)]),
        ("JobID:", [Column("JobID", 0)]),
        ("JobID:0", [Column("JobID", 0)]),
        ("JobID:-5", [Column("JobID", 0, suffix=" ")]),
        ("State:-12#|", [Column("State", 0, suffix=" #|")]),
        ("JobID:.5###|", [Column("JobID", 5, right=True, suffix="###|")]),
        ("JobID:.|", [Column("JobID", 0, right=True, suffix="|")]),
        ("JobID:x5", [Column("JobID", 0, suffix="x5")]),
        ("JobID:5.", [Column("JobID", 5, suffix=".")]),
        ("JobID:5:6", [Column("JobID", 5, suffix=":6")]),
        ("JobID::5", [Column("JobID", 0, suffix=":5")]),
        ("JobID: 5", [Column("JobID", 5)]),
        ("JobID:5 ,Name", [Column("JobID", 5, suffix=" "), Column("Name")]),
        ("JobID , Name", [Column("JobID "), Column(" Name")]),
        ("JobID,,Name,", [Column("JobID"), Column("Name")]),
        (",JobID", [Column("JobID")]),
        ("", []),
    ],
)
def test_long_formats(text, columns):
    assert list(parse_long_format(text)) == columns


def test_a_long_column_needs_a_name():
    with pytest.raises(GrammarError):
        parse_long_format(":5")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("JobID%20,State%-20", [SacctColumn("JobID", 20), SacctColumn("State", 20, left=True)]),
        ("JobID", [SacctColumn("JobID")]),
        ("JobID%", [SacctColumn("JobID", 0)]),
        ("JobID%x", [SacctColumn("JobID", 0)]),
        ("JobID% 5", [SacctColumn("JobID", 5)]),
        ("JobID%+5", [SacctColumn("JobID", 5)]),
        ("JobID%5x", [SacctColumn("JobID", 5)]),
        ("JobID%5%6", [SacctColumn("JobID", 5)]),
        ("JobID, State", [SacctColumn("JobID"), SacctColumn("State")]),
        ("JobID State", [SacctColumn("JobID State")]),
        ("JobID,,State", [SacctColumn("JobID")]),
        ("JobID,", [SacctColumn("JobID")]),
        (",JobID", []),
        ("", []),
        ("%5", [SacctColumn("", 5)]),
    ],
)
def test_sacct_formats(text, columns):
    assert list(parse_sacct_format(text)) == columns
