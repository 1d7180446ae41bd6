"""Which server, which project, which token: from the shim's configuration or as dstack's command line keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from shim.executor.dstack.errors import DstackError


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client of a dstack server needs. The token never shows in a representation."""

    url: str
    project: str
    token: str = field(repr=False)


def find_credentials(settings: Mapping[str, Any], cli_config: Path) -> Credentials:
    """Credentials from ``[dstack]`` settings (server, project, token), the gaps filled from dstack's ``config.yml``.

    A project that neither names is the default one of ``config.yml``. Raises DstackError where something is missing.
    """
    url, project, token = (str(settings.get(key, "")) for key in ("server", "project", "token"))
    if not (url and project and token):
        kept = _project_of_cli(cli_config, project)
        url, project, token = url or kept.url, project or kept.project, token or kept.token
    return Credentials(url.rstrip("/"), project, token)


def _project_of_cli(path: Path, name: str) -> Credentials:
    """The named project of dstack's ``config.yml``, or the default one."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        projects = content.get("projects") or []
        for project in projects:
            if project["name"] == name if name else project.get("default"):
                return Credentials(project["url"], project["name"], project["token"])
    except FileNotFoundError:
        raise DstackError(f"No dstack project: {path} does not exist; run 'dstack project add'") from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise DstackError(f"{path} is not a configuration of dstack: {type(error).__name__}") from None
    wanted = f"project {name!r}" if name else "default project"
    raise DstackError(f"No {wanted} in {path}; run 'dstack project add'")
