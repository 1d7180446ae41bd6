"""The environment that a job is submitted with (sbatch(1), --export, --export-file, --get-user-env)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shim.grammar.export import Export, ExportMode, parse_export

Variables = Mapping[str, str]

_NOT_OF_A_JOB = ("SLURM_CONF",)  # describes the command, not a job: not handed on by --export=NONE
_NOT_OF_A_LOGIN = ("_", "SHLVL", "PWD", "OLDPWD", "DISPLAY", "ENVIRONMENT", "HOSTNAME")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the environment of a job comes from."""

    base: Variables
    login: bool  # below it lies what a login of the user would give


def origin(fields: Mapping[str, Any], env: Variables, file: Variables | None = None) -> Origin:
    """What --export and its relatives make of the submitter's environment (or of ``file``, which replaces it)."""
    source = env if file is None else file
    text = fields.get("export")
    login = "get_user_env" in fields
    if text is None or text.upper() == "ALL":
        return Origin({**source, **({"SLURM_GET_USER_ENV": "1"} if login else {})}, login)
    export = parse_export(text)
    base = dict(_exported(export, env) if file is None else _from_file(export, file))
    base.update(export.assignments)
    base.setdefault("SLURM_EXPORT_ENV", text)
    base["SLURM_GET_USER_ENV"] = "1"
    return Origin(base, True)


def _exported(export: Export, env: Variables) -> Variables:
    """Slurm's own variables always go along."""

    def goes_along(name: str) -> bool:
        return name in export.names or (name.startswith("SLURM_") and name not in _NOT_OF_A_JOB)

    return {name: value for name, value in env.items() if export.mode is ExportMode.ALL or goes_along(name)}


def _from_file(export: Export, file: Variables) -> Variables:
    """A file takes the place of the whole environment: nothing of it is left without ``ALL``."""
    return file if export.mode is ExportMode.ALL else {}


def echoed(fields: Mapping[str, Any]) -> dict[str, str]:
    """Variables that repeat options and concern steps only; the others are set when the job starts."""
    options = {
        "SLURM_ACCTG_FREQ": fields.get("acctg_freq"),
        "SLURM_CONTAINER": fields.get("container"),
        "SLURM_DIST_PLANESIZE": fields.get("plane_size") or None,
        "SLURM_HINT": fields.get("hint"),
        "SLURM_MEM_BIND": fields.get("mem_bind") or None,
        "SLURM_THREADS_PER_CORE": fields.get("hint_threads_per_core"),
    }
    echo = {name: str(value) for name, value in options.items() if value is not None}
    if "SLURM_MEM_BIND" in echo:
        verbose = "verbose" in echo["SLURM_MEM_BIND"].split(",")
        echo["SLURM_MEM_BIND_VERBOSE"] = "verbose" if verbose else "quiet"
    return echo


def with_login(base: Variables, login: Variables) -> dict[str, str]:
    """``base`` over a login environment, without what belongs to the shell that told it."""
    return {**{name: value for name, value in login.items() if name not in _NOT_OF_A_LOGIN}, **base}


def block(variables: Variables) -> bytes:
    """NAME=value, each ended by a NUL byte."""
    text = "".join(f"{name}={value}\0" for name, value in variables.items())
    return text.encode(errors="surrogateescape")
