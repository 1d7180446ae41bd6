"""``#PBS`` and ``#BSUB`` lines, which sbatch reads as well unless told not to (--ignore-pbs), as far as it does."""

import re
from collections.abc import Callable, Iterator, Sequence

from shim.grammar.hostlist import fold_hostlist
from shim.options.getopt import Getopt, OptionError
from shim.options.joboption import VALUE_ERROR, Complaint
from shim.options.option import Argument, Option

Setter = Callable[[str, str | None], None]
"""Sets the sbatch option of that name."""


def _letters(with_argument: str, without: str) -> tuple[Option, ...]:
    return (
        *(Option(short=letter, argument=Argument.REQUIRED) for letter in with_argument),
        *(Option(short=letter) for letter in without),
    )


_PBS = _letters("aAcCeJjklmMNopqrStuvW", "hIVz")
_PBS_NAMES = {
    "a": "begin",
    "A": "account",
    "e": "error",
    "h": "hold",
    "J": "array",
    "t": "array",
    "M": "mail-user",
    "N": "job-name",
    "o": "output",
    "p": "nice",
    "q": "partition",
    "v": "export",
}
_PBS_MAIL = {"a": "FAIL", "b": "BEGIN", "e": "END", "n": "NONE"}

_BSUB = _letters("ceJmMnoqW", "x")
_BSUB_NAMES = {
    "c": "chdir",
    "e": "error",
    "J": "job-name",
    "o": "output",
    "q": "partition",
    "W": "time",
    "x": "exclusive",
}


def _options(options: Sequence[Option], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The letters and arguments of one line."""
    scan = Getopt(options, words, permute=False)
    try:
        for option, text in scan:
            yield option.short, text or ""
    except OptionError as error:
        raise Complaint(str(error), "error: Unrecognized command line parameter ?", code=VALUE_ERROR) from None
    if scan.operands:
        raise Complaint(f"error: Invalid argument: {scan.operands[0]}", code=VALUE_ERROR)


def apply_pbs(words: Sequence[str], setter: Setter) -> None:
    """The words of one ``#PBS`` line. Letters that have no meaning to Slurm pass silently."""
    for letter, text in _options(_PBS, words):
        if letter in _PBS_NAMES:
            setter(_PBS_NAMES[letter], text)
        elif letter == "m":
            setter("mail-type", ",".join(_PBS_MAIL[event] for event in text if event in _PBS_MAIL))
        elif letter == "W" and text.startswith("depend="):
            setter("dependency", text.removeprefix("depend="))
        elif letter == "l":
            for resource in text.split(","):
                _apply_resource(resource, setter)


_RESOURCES = {
    "walltime": "time",
    "cput": "time",
    "mem": "mem",
    "file": "tmp",
    "ncpus": "mincpus",
    "mpiprocs": "ntasks-per-node",
    "nice": "nice",
    "mppnodes": "nodelist",
    "proc": "constraint",
}


def _apply_resource(resource: str, setter: Setter) -> None:
    """One item of ``-l``; resources that Slurm does not know pass silently."""
    name, _, value = resource.partition("=")
    if name in ("mem", "file"):
        setter(_RESOURCES[name], value.lower().removesuffix("b"))
    elif name in _RESOURCES:
        setter(_RESOURCES[name], value)
    elif name == "select":
        number, *chunk = value.split(":")
        setter("nodes", number)
        for item in chunk:
            _apply_resource(item, setter)
    elif name == "nodes":
        _apply_nodes(value, setter)
    elif name == "naccelerators" or (name, value.lower()) == ("accelerator", "true"):
        setter("gres", f"gpu:{value}" if name == "naccelerators" else "gpu:1")


def _apply_nodes(value: str, setter: Setter) -> None:
    """``2:ppn=3+1`` or ``host+host``: node counts add up, ppn makes tasks, all else names hosts."""
    count, tasks = 0, 0
    hosts: list[str] = []
    for chunk in value.split("+"):
        for item in chunk.split(":"):
            if item.isdecimal():
                count += int(item)
            elif item.startswith("ppn="):
                tasks = int(item[4:]) if item[4:].isdecimal() else 0
            elif item:
                hosts.append(item)
    if count:
        setter("nodes", str(count))
    if hosts:
        setter("nodelist", fold_hostlist(hosts))
    if tasks:
        setter("ntasks", str(tasks * max(1, count)))


def apply_bsub(words: Sequence[str], setter: Setter) -> None:
    """The words of one ``#BSUB`` line."""
    for letter, text in _options(_BSUB, ["-c" if word == "-cwd" else word for word in words]):
        if letter in _BSUB_NAMES:
            setter(_BSUB_NAMES[letter], text)
        elif letter == "n":
            setter("ntasks", text.rpartition(",")[2])
        elif letter == "M":
            setter("mem-per-cpu", f"{text}K")
        elif letter == "m":
            setter("nodelist", ",".join(re.split(r"\s+", text.strip())))
