"""The ``[dstack]`` table of the configuration and the ``dstack`` table of a partition, checked and typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

DO_NOT_TRAVEL = ("PATH", "LD_LIBRARY_PATH", "HOME", "LD_PRELOAD", "PYTHONHOME", "TMPDIR", "SHELL", "HOSTNAME")
"""Variables of a login node that mean nothing, or harm, inside an image."""


class SettingsError(ValueError):
    """A key that does not exist or a value of the wrong kind."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.key = where.rpartition(".")[2]
        self.what = what


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole executor: the ``[dstack]`` table."""

    server: str = ""  # these three: "" takes what dstack's own command line uses
    project: str = ""
    token: str = field(default="", repr=False)
    mode: str = "shared"  # shared: login node and hosts see the same files; upload: they do not
    shared: tuple[str, ...] = ("/home",)  # directories at the same path everywhere, mounted as instance volumes
    control_dir: str = ""  # where runs and controller meet in shared mode; "": .slurm-shim in the first shared one
    upload: tuple[str, ...] = (".",)  # in upload mode: what of the submit directory goes along; patterns
    drop_env: tuple[str, ...] = DO_NOT_TRAVEL
    gpu_types: Mapping[str, str] = field(default_factory=dict)  # the site's word: dstack's "NAME" or "NAME:80GB"
    priority: int = 50  # of a job without nice, 0 to 100
    qos: Mapping[str, int] = field(default_factory=dict)  # priority of a QOS
    window: int = 4  # runs that may wait at a time for fleets to provision instances
    poll: float = 2.0  # seconds between two looks at the server while something runs
    pack: bool = True  # one run serves many tasks of an array


@dataclass(frozen=True, slots=True)
class PartitionSettings:
    """What a partition adds to its runs, in dstack's own words (reference of the task configuration)."""

    fleets: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    availability_zones: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    reservation: str = ""
    spot_policy: str = ""
    max_price: float = 0
    image: str = ""
    user: str = ""  # "": the submitting user where files are shared, else the image's own
    privileged: bool = False
    arch: str = ""  # x86 or arm
    shm_size: str = ""
    volumes: tuple[str, ...] = ()
    creation_policy: str = ""
    idle_duration: str = ""
    prolog: str = ""  # a shell snippet sourced before the script
    features: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


def parse_settings(table: Mapping[str, Any]) -> Settings:
    """Check the ``[dstack]`` table. Raises SettingsError."""
    settings: Settings = _parse(Settings, table, "dstack")
    if settings.mode not in ("shared", "upload"):
        raise SettingsError("dstack.mode", f'"shared" or "upload" expected, not {settings.mode!r}')
    for low, value, key in ((0, settings.window, "window"), (0.1, settings.poll, "poll")):
        if value < low:
            raise SettingsError(f"dstack.{key}", f"at least {low} expected, not {value}")
    for path in settings.shared:
        if not path.startswith("/"):
            raise SettingsError("dstack.shared", f"{path!r} is not an absolute path")
    if not 0 <= settings.priority <= 100:
        raise SettingsError("dstack.priority", f"0 to 100 expected, not {settings.priority}")
    return settings


def parse_partition(table: Mapping[str, Any], name: str) -> PartitionSettings:
    """Check the ``dstack`` table of partition ``name``. Raises SettingsError."""
    settings: PartitionSettings = _parse(PartitionSettings, table, f"{name}.dstack")
    allowed = {"spot_policy": ("spot", "on-demand", "auto"), "arch": ("x86", "arm")}
    allowed["creation_policy"] = ("reuse", "reuse-or-create")
    for key, words in allowed.items():
        if (value := getattr(settings, key)) and value not in words:
            raise SettingsError(f"{name}.dstack.{key}", f"one of {', '.join(words)} expected, not {value!r}")
    for feature, entries in settings.features.items():
        if unknown := entries.keys() - _FEATURE_KEYS:
            raise SettingsError(f"{name}.dstack.features.{feature}.{min(unknown)}", "no such setting")
    return settings


_FEATURE_KEYS = {"fleets", "backends", "regions", "availability_zones", "instance_types"}


def _parse(kind: type[Any], table: Mapping[str, Any], where: str) -> Any:
    known = {entry.name: entry for entry in fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in known:
            raise SettingsError(f"{where}.{key}", "no such setting")
        values[key] = _CONVERTERS[str(known[key].type)](value, f"{where}.{key}")
    return kind(**values)


def _plain(kind: type | tuple[type, ...], word: str) -> Callable[[Any, str], Any]:
    def convert(value: Any, where: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SettingsError(where, f"{word} expected, not {value!r}")
        return value

    return convert


def _texts(value: Any, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise SettingsError(where, f"a list of texts expected, not {value!r}")
    return tuple(items)


def _table_of(convert: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def convert_table(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise SettingsError(where, f"a table expected, not {value!r}")
        return {key.lower(): convert(item, f"{where}.{key}") for key, item in value.items()}

    return convert_table


_text = _plain(str, "a text")
_integer = _plain(int, "a whole number")
_CONVERTERS: Mapping[str, Callable[[Any, str], Any]] = {
    "<class 'str'>": _text,
    "<class 'int'>": _integer,
    "<class 'float'>": _plain((int, float), "a number"),
    "<class 'bool'>": _plain(bool, "true or false"),
    "tuple[str, ...]": _texts,
    "collections.abc.Mapping[str, str]": _table_of(_text),
    "collections.abc.Mapping[str, int]": _table_of(_integer),
    "collections.abc.Mapping[str, collections.abc.Mapping[str, tuple[str, ...]]]": _table_of(_table_of(_texts)),
}
