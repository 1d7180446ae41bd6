"""Reading the configuration file; every mistake is reported with its file and line."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from shim.config.dstack import SettingsError, parse_partition, parse_settings
from shim.config.settings import Config, NodeConfig, PartitionConfig, short_host_name
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.timelimit import parse_time_limit
from shim.grammar.tres import parse_gres


class ConfigError(ValueError):
    """A mistake in the configuration: ``file:line: what``."""


class _Reader:
    """One file being read: knows where in the text a key stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text()
            self.data = tomllib.loads(self.text)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8 text") from error
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\(at line (\d+)", str(error))
            line = place[1] if place else "1"
            raise ConfigError(f"{path}:{line}: {str(error).split(' (at')[0]}") from error

    def wrong(self, key: str, what: str, table: str = "", number: int = 0) -> ConfigError:
        """The error for a key, in the ``number``-th table of that name."""
        start = 0
        if table:
            headers = list(re.finditer(rf"^\s*\[+\s*{re.escape(table)}\s*\]+", self.text, re.M))
            start = headers[number].end() if number < len(headers) else 0
        word = rf"(?P<key>{re.escape(key)})[\"']?\s*="
        place = re.compile(rf"^\s*[\"']?{word}", re.M).search(self.text, start)
        place = place or re.compile(rf"[{{,]\s*[\"']?{word}").search(self.text, start)  # in an inline table
        line = self.text.count("\n", 0, place.start("key") if place else start) + 1
        return ConfigError(f"{self.path}:{line}: {key}: {what}")


def _time(value: Any) -> int:
    return parse_time_limit(str(value))


def _hosts(value: Any) -> tuple[str, ...]:
    return expand_hostlist(str(value))


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split(","))
    return tuple(str(word) for word in value)


def _gres(value: Any) -> str:
    parse_gres(str(value))
    return str(value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)} is wanted")
        return str(value)

    return check


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "max_time": _time,
    "default_time": _time,
    "features": _words,
    "known_spank_options": _words,
    "gres": _gres,
    "data_parser": _one_of("v0.0.38", "v0.0.40"),
    "memory_enforcement": _one_of("auto", "poll", "none"),
    "mpi_default": _one_of("none", "pmi2", "pmix"),
    "state": _one_of("UP", "DOWN", "DRAIN", "INACTIVE"),
    "executor": _one_of("local", "dstack"),
}


_LEAST = dict.fromkeys(
    ("first_job_id", "max_array_size", "max_job_count", "cpus", "memory", "sockets", "threads_per_core", "min_nodes"), 1
)
"""Smallest values of numbers that make no sense as zero."""


def _values(reader: _Reader, kind: type, given: Mapping[str, Any], table: str, number: int) -> dict[str, Any]:
    """The given keys as values of the dataclass's fields."""
    types = {f.name: f.type for f in fields(kind)}
    values = {}
    for key, value in given.items():
        if key not in types or key in ("source",):
            raise reader.wrong(key, "no such setting", table, number)
        try:
            values[key] = _SPECIAL[key](value) if key in _SPECIAL else _plain(key, types[key], value)
        except (GrammarError, TypeError, ValueError) as error:
            raise reader.wrong(key, f"{value!r} is no valid value ({error})", table, number) from error
    return values


def _plain(key: str, kind: Any, value: Any) -> Any:
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    wanted: dict[str, tuple[type, ...]] = {
        "str": (str,),
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
    }
    allowed = wanted.get(name)
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and name != "bool")):
        raise TypeError(f"a {name} is wanted")
    if name in ("int", "float") and value < _LEAST.get(key, 0):
        raise ValueError(f"at least {_LEAST.get(key, 0)} is wanted")
    return value


def _nodes(reader: _Reader) -> tuple[NodeConfig, ...]:
    nodes = []
    for number, table in enumerate(reader.data.pop("node", [])):
        given = dict(table)
        names = given.pop("name", None)
        if names is None:
            raise reader.wrong("name", "a node needs a name", "node", number)
        values = _values(reader, NodeConfig, given, "node", number)
        for missing in {"cpus", "memory"} - values.keys():
            raise reader.wrong(missing, "a node needs its number of CPUs and its memory in MB", "node", number)
        try:
            nodes += [NodeConfig(name=name, **values) for name in _hosts(names)]
        except GrammarError as error:
            raise reader.wrong("name", str(error), "node", number) from error
    return tuple(nodes)


def _partitions(reader: _Reader) -> tuple[PartitionConfig, ...]:
    partitions = []
    for number, table in enumerate(reader.data.pop("partition", [])):
        given = dict(table)
        try:
            nodes = _hosts(given.pop("nodes", "ALL"))
        except GrammarError as error:
            raise reader.wrong("nodes", str(error), "partition", number) from error
        values = _values(reader, PartitionConfig, given, "partition", number)
        if "name" not in values:
            raise reader.wrong("name", "a partition needs a name", "partition", number)
        try:
            parse_partition(values.get("dstack", {}), values["name"])
        except SettingsError as error:
            raise reader.wrong(error.key, error.what, "partition", number) from error
        partitions.append(PartitionConfig(nodes=nodes, **values))
    return tuple(partitions)


def config_path() -> Path | None:
    """$SLURMSHIM_CONFIG, else slurm-shim/config.toml below $XDG_CONFIG_HOME, None where there is none."""
    if named := os.environ.get("SLURMSHIM_CONFIG"):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 (never raises)
    path = Path(base) / "slurm-shim" / "config.toml"
    return path if path.exists() else None


def load_config(path: Path | None) -> Config:
    """Read the file; the default configuration without one. Raises ConfigError with file and line."""
    if path is None:
        return _complete(Config(partitions=(PartitionConfig("debug", ("ALL",), default=True),)))
    reader = _Reader(path)
    nodes, partitions = _nodes(reader), _partitions(reader)
    values = _values(reader, Config, reader.data, "", 0)
    try:
        parse_settings(values.get("dstack", {}))
    except SettingsError as error:
        raise reader.wrong(error.key, error.what, "dstack") from error
    if not partitions:
        partitions = (PartitionConfig("debug", ("ALL",), default=True),)
    known = {node.name for node in nodes} or {short_host_name()}
    for number, partition in enumerate(partitions):
        if partition.executor != "local" or partition.nodes == ("ALL",):
            continue
        for name in partition.nodes:
            if name not in known:
                raise reader.wrong("nodes", f"there is no node {name}", "partition", number)
    return _complete(Config(nodes=nodes, partitions=partitions, source=str(path), **values))


def _complete(config: Config) -> Config:
    """Make the first partition the default where none is marked."""
    if config.default_partition is None and config.partitions:
        first = replace(config.partitions[0], default=True)
        return replace(config, partitions=(first, *config.partitions[1:]))
    return config
