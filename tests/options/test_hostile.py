"""Whatever somebody types, writes or exports is understood or refused in a line; nothing else ever happens."""

import contextlib
import os
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shim.grammar.directives import DirectiveError, ScriptError, check_script, parse_script
from shim.job.errors import SlurmError
from shim.options.dump import dump
from shim.options.gather import CommandLine, Gathered, Inputs, gather, gather_allocation
from shim.options.getopt import OptionError
from shim.options.grescheck import check_gres
from shim.options.joboption import Complaint, JobOption, Place
from shim.options.option import Argument
from shim.options.request import make_request
from shim.options.table import options_of
from shim.options.verify import verify, verify_after

FEW = settings(deadline=None, max_examples=40)
PLACE = Place(cwd="/home/carol", now=1_800_000_000.0)
REFUSALS = (Complaint, OptionError, SlurmError)

WORDS = st.text(st.characters(blacklist_characters="\0"), max_size=30) | st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1-2",
        "1k",
        "99999999999999999999",
        "now+1hour",
        "1:2:3:4",
        "gpu:a100:2",
        "n[1-",
        "%",
        "\udcff",
        "²",
    ]
)


def understand(components: Iterable[Gathered]) -> None:
    for gathered in components:
        gathered.fields["submit_dir"] = PLACE.cwd
        verify(gathered)
        list(dump(gathered, "sbatch"))
        verify_after(gathered, PLACE)
        check_gres(gathered.fields, {"gpu"})
        make_request(gathered.fields)


@pytest.mark.parametrize("option", options_of("sbatch"), ids=lambda option: option.name)
@FEW
@given(text=WORDS)
def test_any_value_of_any_option(option: JobOption, text: str) -> None:
    argv = (f"--{option.name}",) if option.argument is Argument.NONE else (f"--{option.name}={text}",)
    line = CommandLine("sbatch", argv)
    try:
        early, _ = line.early(PLACE)
        understand(gather(Inputs(line, {}, None, PLACE), early))
    except REFUSALS as error:
        assert str(error) or isinstance(error, Complaint)


@FEW
@given(argv=st.lists(WORDS | st.sampled_from([f"-{option.short}" for option in options_of("sbatch") if option.short])))
def test_any_command_line(argv: list[str]) -> None:
    line = CommandLine("sbatch", tuple(argv))
    with contextlib.suppress(*REFUSALS):
        early, operands = line.early(PLACE)
        assert all(word in argv for word in operands)
        understand(gather(Inputs(line, {}, None, PLACE), early))


@FEW
@given(
    env=st.dictionaries(
        st.sampled_from([name for option in options_of("sbatch") for name in option.variables_of("sbatch")]),
        WORDS,
        max_size=4,
    )
)
def test_any_environment(env: dict[str, str]) -> None:
    line = CommandLine("sbatch", ())
    with contextlib.suppress(*REFUSALS):
        understand(gather(Inputs(line, env, None, PLACE), line.early(PLACE)[0]))


LINES = st.builds(lambda magic, text: f"{magic} {text}", st.sampled_from(["#SBATCH", "#PBS", "#BSUB", "#SLURM"]), WORDS)


@FEW
@given(lines=st.lists(LINES, max_size=4))
def test_any_script(lines: list[str]) -> None:
    text = os.fsencode(
        "\n".join(["#!/bin/sh", *lines, "true", ""]).encode(errors="surrogatepass").decode(errors="ignore")
    )
    line = CommandLine("sbatch", ())
    with contextlib.suppress(*REFUSALS, ScriptError, DirectiveError):
        check_script(text)
        script = parse_script(text)
        understand(gather(Inputs(line, {}, script, PLACE), line.early(PLACE)[0]))


@pytest.mark.parametrize("command", ["srun", "salloc"])
@FEW
@given(argv=st.lists(WORDS, max_size=4))
def test_any_allocation(command: str, argv: list[str]) -> None:
    with contextlib.suppress(*REFUSALS):
        components, _ = gather_allocation(CommandLine(command, tuple(argv)), {}, PLACE)
        understand(components)
