import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar.environment_file import parse_environment_file
from shim.grammar.export import Export, ExportMode, parse_export

ALL, NONE, LISTED = ExportMode.ALL, ExportMode.NONE, ExportMode.LISTED


@pytest.mark.parametrize(
    ("text", "export"),
    [
        ("ALL", Export(ALL)),
        ("all", Export(ALL)),
        ("NONE", Export(NONE)),
        ("none", Export(NONE)),
        ("NIL", Export(NONE)),
        ("", Export(NONE)),
        ("FOO", Export(LISTED, ("FOO",))),
        ("FOO,BAZ=qux", Export(LISTED, ("FOO",), (("BAZ", "qux"),))),
        ("ALL,X=1", Export(ALL, (), (("X", "1"),))),
        ("X=1,ALL", Export(ALL, (), (("X", "1"),))),
        ('X="a,b",FOO', Export(LISTED, ("FOO",), (("X", '"a,b"'),))),
        ("X='a,b'", Export(LISTED, (), (("X", "'a,b'"),))),
        ('X=a"b,c"d', Export(LISTED, (), (("X", 'a"b,c"d'),))),
        ("X=", Export(LISTED, (), (("X", ""),))),
        ("X=a=b", Export(LISTED, (), (("X", "a=b"),))),
        (",FOO,", Export(LISTED, ("FOO",))),
    ],
)
def test_export(text, export):
    assert parse_export(text) == export


@given(st.text("ALX=,\"' "))
def test_every_export_is_read(text):
    assert parse_export(text).mode in ExportMode


def test_environment_file():
    assert parse_environment_file(b"A=1\0B=x=y\nz\0C\0=v\0A=2\0\xff=1\0") == {"A": "2", "B": "x=y\nz", "\udcff": "1"}
    assert parse_environment_file(b"") == {}


NAMES = st.text(st.characters(exclude_characters="=\0", exclude_categories=["Cs"]), min_size=1)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, VALUES))
def test_environment_files_come_back(environment):
    content = "".join(f"{name}={value}\0" for name, value in environment.items())
    assert parse_environment_file(content.encode()) == environment
