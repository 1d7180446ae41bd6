"""Values of options that make the command print: help, version, verbosity."""

import re
from collections.abc import Mapping
from typing import Any

from shim.options.joboption import Complaint, Reading, Source, Value
from shim.options.values import set_or_unset, text


def _printing(what: str) -> Value:
    """Prints and ends the command, on the command line; in a script it has no effect."""

    def parse(reading: Reading) -> Mapping[str, Any]:
        if reading.source is Source.COMMAND_LINE:
            raise Complaint(code=0, output=reading.place.about(what))
        return {}

    return Value(parse, lambda _: "")


HELP = _printing("help")
USAGE = _printing("usage")
VERSION = _printing("version")


def _verbose(reading: Reading) -> Mapping[str, Any]:
    return {"verbose": reading.fields.get("verbose", 0) + 1} if reading.source is Source.COMMAND_LINE else {}


VERBOSE = Value(_verbose, text("verbose").show)


def _quiet(reading: Reading) -> Mapping[str, Any]:
    return {"quiet": True} if reading.source is Source.COMMAND_LINE else {}


QUIET = Value(_quiet, set_or_unset("quiet"))


def _debug(reading: Reading) -> Mapping[str, Any]:
    match = re.match(r"\d+", reading.given, re.ASCII)
    return {"verbose": int(match[0]) if match else 0}


DEBUG = Value(_debug, VERBOSE.show)

IGNORE_PBS = Value(lambda _: {"ignore_pbs": True}, set_or_unset("ignore_pbs"))
