"""The kinds of values that many options share: text, numbers, sizes, times."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shim.grammar.errors import GrammarError
from shim.grammar.memory import parse_memory
from shim.grammar.timelimit import UNLIMITED, format_dhms, parse_time_limit
from shim.grammar.when import WhenError, parse_when
from shim.options.joboption import VALUE_ERROR, Complaint, Reading, Value

INT_MAX = 2**31 - 1
MEGABYTES_MAX = 2**63 // 2**20


def _shown(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda fields: str(fields[name])


def set_or_unset(name: str) -> Callable[[Mapping[str, Any]], str]:
    """Show a flag in the words of ``-v``."""
    return lambda fields: "set" if fields[name] else "unset"


def text(name: str) -> Value:
    """Any text, kept as it is; where the argument may be left out, empty without it."""
    return Value(lambda reading: {name: reading.given}, _shown(name))


def optional_text(name: str, otherwise: str) -> Value:
    """Any text, or ``otherwise`` where it is empty or left out."""
    return Value(lambda reading: {name: reading.given or otherwise}, _shown(name))


def flag(name: str) -> Value:
    """True when the option is there."""
    return Value(lambda _: {name: True}, set_or_unset(name))


def switch(name: str, shown: str) -> Value:
    """True when the option is there, which ``-v`` tells in a word of its own."""
    return Value(lambda _: {name: True}, lambda _: shown)


def read_number(text: str, where: str, least: int = 1) -> int:
    """A decimal number as slurm's parse_int reads it; ``where`` is the option's name with its dashes.

    Slurm cuts numbers beyond 2^31-1 to whatever their low bits say; they are refused here like other nonsense.
    """
    number = int(text) if re.fullmatch(r"\s*[+-]?[0-9]+", text, re.ASCII) else None
    if number is None and not text and least == 0:
        number = 0
    if number is None or not least <= number <= INT_MAX:
        raise Complaint(f'error: Invalid numeric value "{text}" for {where}.', code=VALUE_ERROR)
    return number


def count(name: str, least: int = 1) -> Value:
    """A number of at least ``least``."""
    return Value(lambda reading: {name: read_number(reading.given, f"--{reading.option.name}", least)}, _shown(name))


def show_megabytes(size: int) -> str:
    """A size as Slurm's mbytes_to_str prints it: no letter for MB, and its famous ``0?``."""
    if size == 0:
        return "0?"
    unit = 0
    while size % 1024 == 0 and unit < 4:
        size, unit = size // 1024, unit + 1
    return f"{size}{['', 'G', 'T', 'P', 'E'][unit]}"


def megabytes(name: str) -> Value:
    """A size in MB, units K, M, G and T."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        try:
            size = parse_memory(reading.given)
        except GrammarError:
            raise reading.invalid() from None
        if size > MEGABYTES_MAX:
            raise reading.invalid()
        return {name: size}

    return Value(parse, lambda fields: show_megabytes(fields[name]))


def minutes(name: str) -> Value:
    """A duration, in minutes."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        try:
            return {name: min(parse_time_limit(reading.given), UNLIMITED)}
        except GrammarError:
            raise reading.invalid() from None

    return Value(parse, lambda fields: show_minutes(fields[name]))


def show_minutes(limit: int) -> str:
    """A duration in minutes as ``-v`` and scontrol show it."""
    return "UNLIMITED" if limit == UNLIMITED else format_dhms(limit * 60)


def moment(name: str) -> Value:
    """A point in time, in epoch seconds."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        try:
            return {name: int(parse_when(reading.given, reading.place.now, reading.place.zone))}
        except WhenError as error:
            raise reading.invalid(bare=(error.explanation,) if error.explanation else ()) from None

    return Value(parse, lambda fields: datetime.fromtimestamp(fields[name]).strftime("%Y-%m-%dT%H:%M:%S"))


def choice(name: str, **words: object) -> Value:
    """One of some words in any case; ``words`` says what each is worth."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        word = reading.given.lower()
        if word not in words:
            raise reading.invalid()
        return {name: words[word]}

    shown = {worth: word for word, worth in words.items()}
    return Value(parse, lambda fields: shown[fields[name]])
