"""From fields to the request that the controller gets."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from shim.job.request import Request

_REQUEST = {field.name for field in dataclasses.fields(Request)} - {"extra"}

OF_THE_COMMAND = frozenset(
    (
        "clusters",
        "export_file",
        "extra_node_info",
        "get_user_env",
        "hint_threads_per_core",
        "ignore_pbs",
        "nodefile",
        "notes",
        "parsable",
        "priority_top",
        "propagate",
        "quiet",
        "test_only",
        "verbose",
        "wait",
        "wrap",
    )
)
"""Fields that are the command's own business and not the job's."""


def make_request(fields: Mapping[str, Any], **facts: Any) -> Request:
    """The request that the fields describe, completed by ``facts`` about the submission."""
    known = {name: value for name, value in fields.items() if name in _REQUEST}
    extra = {name: value for name, value in fields.items() if name not in _REQUEST and name not in OF_THE_COMMAND}
    return Request(**{**known, **facts}, extra=extra)
