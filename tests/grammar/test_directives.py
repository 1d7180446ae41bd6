import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.grammar import directives
from shim.grammar.directives import Directive, DirectiveError, ScriptError, check_script, parse_script
from tests.grammar.recorded import cases

SHEBANG = "#!/bin/sh\n"


def line_id(case):
    return repr(case["line"])


@pytest.mark.parametrize("case", [c for c in cases("directive_lines") if "words" in c], ids=line_id)
def test_words_of_a_line(case):
    script = parse_script(f"{SHEBANG}{case['line']}\n".encode())
    assert script.groups == ((Directive(2, tuple(case["words"])),),)


@pytest.mark.parametrize("case", [c for c in cases("directive_lines") if "ignored" in c], ids=line_id)
def test_lines_that_are_comments(case):
    assert parse_script(f"{SHEBANG}{case['line']}\n".encode()).groups == ((),)


@pytest.mark.parametrize("case", [c for c in cases("directive_lines") if "separator" in c], ids=line_id)
def test_component_separators(case):
    script = parse_script(f"{SHEBANG}#SBATCH -n1\n{case['line']}\n#SBATCH -n2\n".encode())
    assert script.groups == ((Directive(2, ("-n1",)),), (Directive(4, ("-n2",)),))
    assert script.has_packjob == ("packjob" in case["line"])


@pytest.mark.parametrize("case", [c for c in cases("directive_lines") if "problem" in c], ids=line_id)
def test_lines_that_cannot_be_read(case):
    with pytest.raises(DirectiveError) as caught:
        parse_script(f"{SHEBANG}{case['line']}\n".encode())
    assert (caught.value.line, caught.value.problem, caught.value.rest) == (2, case["problem"], case["rest"])


@pytest.mark.parametrize("case", cases("scripts"), ids=lambda case: repr(case["text"]))
def test_whole_files(case):
    text = case["text"].encode()
    if "error" in case:
        with pytest.raises(getattr(directives, case["error"])) as refused:
            check_script(text)
        assert isinstance(refused.value, ScriptError)
        assert refused.value.lines == tuple(case.get("lines", refused.value.lines))
    elif "fatal" in case:
        check_script(text)
        with pytest.raises(DirectiveError) as fatal:
            parse_script(text)
        assert f"line {fatal.value.line}: {fatal.value.problem} in [{fatal.value.rest}]" == case["fatal"]
    else:
        check_script(text)
        parse_script(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("true\n#SBATCH -n1\n", []),
        ("set -e; #SBATCH -n1\n", []),
        (": <<EOF\n#SBATCH -n1\nEOF\n", []),
        ("\n   \n\t# note\n#SBATCH -n1\n\n#SBATCH -n2", ["-n1", "-n2"]),
        (" \x0b\x0c\r\n#SBATCH -n1\n", ["-n1"]),
        ("\u00a0\n#SBATCH -n1\n", []),  # only ASCII blanks make a line blank
        ("#SBATCH -n1 \\\n  -n2\n#SBATCH -n3\n", ["-n1"]),
    ],
)
def test_where_reading_stops(text, words):
    (group,) = parse_script((SHEBANG + text).encode()).groups
    assert [word for directive in group for word in directive.words] == words


def test_other_batch_systems_count_in_the_whole_file():
    script = parse_script(
        b"#!/bin/sh\n#PBS -N p -l nodes=1:ppn=2 # n\ntrue\n#BSUB -J b\n#PBS-q x\n #PBS -N no\n#pbs -N no\n"
    )
    assert script.pbs == (Directive(2, ("-N", "p", "-l", "nodes=1:ppn=2")), Directive(5, ("-q", "x")))
    assert script.bsub == (Directive(4, ("-J", "b")),)


def test_other_batch_systems_can_be_ignored_with_their_faults():
    text = b'#!/bin/sh\n#PBS -N "p\n'
    with pytest.raises(DirectiveError):
        parse_script(text)
    assert parse_script(text, ignore_pbs=True).pbs == ()


def test_old_magic_is_read_and_told():
    script = parse_script(b"#!/bin/sh\n#SLURM -n2\n#SBATCH -c1\n")
    assert script.has_old_magic
    assert [directive.words for directive in script.groups[0]] == [("-n2",), ("-c1",)]


def test_bytes_that_are_not_utf8_survive():
    (group,) = parse_script(b"#!/bin/sh\n#SBATCH -J a\xffb\n").groups
    assert group[0].words[1].encode(errors="surrogateescape") == b"a\xffb"


def test_long_lines():
    (group,) = parse_script(f"{SHEBANG}#SBATCH --comment={'y' * 200_000} -J a\n".encode()).groups
    assert [len(word) for word in group[0].words] == [200_010, 2, 1]


WORDS = st.lists(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), min_size=1), max_size=5)


def quoted(word):
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(WORDS)
def test_quoted_words_come_back(words):
    line = "#SBATCH " + " ".join(map(quoted, words))
    (group,) = parse_script(f"{SHEBANG}{line}\n".encode()).groups
    assert group[0].words == tuple(words)


@given(st.binary())
def test_any_bytes_are_read_or_refused(body):
    try:
        parse_script(b"#!/bin/sh\n#SBATCH " + body)
    except DirectiveError as error:
        assert error.line >= 2
