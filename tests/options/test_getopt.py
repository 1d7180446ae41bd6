"""getopt_long's rules, each as glibc 2.36 answers."""

import doctest

import pytest

from shim.options import getopt
from shim.options.getopt import Getopt, OptionError, usage_error
from shim.options.option import Argument, Option

OPTIONS = (
    Option(name="time", short="t", argument=Argument.REQUIRED),
    Option(name="time-min", argument=Argument.REQUIRED),
    Option(name="exclusive", argument=Argument.OPTIONAL),
    Option(name="no-kill", short="k", argument=Argument.OPTIONAL),
    Option(name="hold", short="H"),
    Option(name="job-name", short="J", argument=Argument.REQUIRED),
    Option(name="jobs", aliases=("joblist",)),
    Option(name="future", since="99.05"),
    Option(name="fur"),
    Option(short="x"),
)


def read(*argv: str, permute: bool = True) -> tuple[list[tuple[str, str | None]], list[str]]:
    scan = Getopt(OPTIONS, argv, permute=permute)
    return [(option.key, value) for option, value in scan], scan.operands


@pytest.mark.parametrize(
    ("argv", "options", "operands"),
    [
        ((), [], []),
        (("-t", "5"), [("time", "5")], []),
        (("-t5",), [("time", "5")], []),
        (("-t=5",), [("time", "=5")], []),
        (("--time=5",), [("time", "5")], []),
        (("--time", "5"), [("time", "5")], []),
        (("--time=",), [("time", "")], []),
        (("--time", ""), [("time", "")], []),
        (("--time=a=b",), [("time", "a=b")], []),
        (("--time", "--hold"), [("time", "--hold")], []),
        (("-t", "-H"), [("time", "-H")], []),
        (("-Ht5",), [("hold", None), ("time", "5")], []),
        (("-HJ", "a b"), [("hold", None), ("job-name", "a b")], []),
        (("-Hx",), [("hold", None), ("x", None)], []),
        (("--exclusive", "user"), [("exclusive", None)], ["user"]),
        (("--exclusive=user",), [("exclusive", "user")], []),
        (("--exclusive=",), [("exclusive", "")], []),
        (("-k", "off"), [("no-kill", None)], ["off"]),
        (("-koff",), [("no-kill", "off")], []),
        (("--time-", "3"), [("time-min", "3")], []),
        (("--ho",), [("hold", None)], []),
        (("--job-=x",), [("job-name", "x")], []),
        (("--joblist",), [("jobs", None)], []),
        (("--joblis",), [("jobs", None)], []),
        (("--fu",), [("fur", None)], []),
        (("--future",), [("future", None)], []),
        (("a", "-H", "b"), [("hold", None)], ["a", "b"]),
        (("-",), [], ["-"]),
        (("--", "-H"), [], ["-H"]),
        (("a", "--", "-H"), [], ["a", "-H"]),
    ],
)
def test_takes_a_command_line_apart(
    argv: tuple[str, ...], options: list[tuple[str, str | None]], operands: list[str]
) -> None:
    assert read(*argv) == (options, operands)


@pytest.mark.parametrize(
    ("argv", "options", "operands"),
    [
        (("-H", "job.sh", "-t", "5"), [("hold", None)], ["job.sh", "-t", "5"]),
        (("--", "job.sh"), [], ["job.sh"]),
        (("-H", "--", "-t"), [("hold", None)], ["-t"]),
    ],
)
def test_stops_at_the_first_operand_where_the_rest_is_another_command(
    argv: tuple[str, ...], options: list[tuple[str, str | None]], operands: list[str]
) -> None:
    assert read(*argv, permute=False) == (options, operands)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (("--nosuch",), "unrecognized option '--nosuch'"),
        (("--nosuch=1",), "unrecognized option '--nosuch=1'"),
        (("--futur",), "unrecognized option '--futur'"),
        (("--tim=5",), "option '--tim=5' is ambiguous; possibilities: '--time' '--time-min'"),
        (("--jo",), "option '--jo' is ambiguous; possibilities: '--job-name' '--jobs' '--joblist'"),
        (("--hold=1",), "option '--hold' doesn't allow an argument"),
        (("--hol=1",), "option '--hold' doesn't allow an argument"),
        (("--time-m",), "option '--time-min' requires an argument"),
        (("-t",), "option requires an argument -- 't'"),
        (("-Ht",), "option requires an argument -- 't'"),
        (("-Z",), "invalid option -- 'Z'"),
        (("-HZ",), "invalid option -- 'Z'"),
        (("-é",), "invalid option -- '\udcc3'"),
    ],
)
def test_complains_as_glibc_does(argv: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(*argv)
    assert str(caught.value) == complaint


def test_yields_what_stands_before_a_mistake() -> None:
    scan = iter(Getopt(OPTIONS, ["-H", "--nosuch"]))
    assert next(scan)[0].name == "hold"
    with pytest.raises(OptionError):
        next(scan)


def test_usage_names_the_command_twice() -> None:
    error = OptionError("unrecognized option '--foo'")
    assert usage_error("squeue", error) == (
        "squeue: unrecognized option '--foo'\nTry \"squeue --help\" for more information"
    )


def test_the_example_in_the_documentation_runs() -> None:
    assert doctest.testmod(getopt).failed == 0
