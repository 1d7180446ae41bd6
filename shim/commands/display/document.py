"""Nested values written as Slurm's serializers write them: json-c's pretty JSON, libyaml's tagged YAML."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_/.(<+=^$~;][^:#'\"\n\t\\{}`]*(?<! )|-[A-Za-z0-9][^:#'\"\n]*(?<! )")
"""Scalars that YAML reads back without quotes."""


_WORDS = {None: "null", True: "true", False: "false"}
_quoted = json.encoder.encode_basestring


def to_json(value: Any, indent: str = "") -> str:
    """``value`` as JSON: two blanks for each level, slashes escaped, an empty list on two lines."""
    if isinstance(value, str):
        return _quoted(value).replace("/", "\\/")
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return str(value)
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        items = [f"{deeper}{_quoted(key)}: {to_json(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, list):
        items = [deeper + to_json(item, deeper) for item in value]
        return "[\n" + ",\n".join(items) + ("\n" if items else "") + f"{indent}]"
    return json.dumps(value)


def json_stream(frame: dict[str, Any], name: str, items: Iterable[Any]) -> Iterator[str]:
    """The JSON of ``frame`` with one more entry that lists ``items``, a part for each item: lists may be long."""
    yield to_json({**frame, name: []}).removesuffix("  ]\n}")
    separator = ""
    for item in items:
        yield f"{separator}    {to_json(item, '    ')}"
        separator = ",\n"
    yield ("\n" if separator else "") + "  ]\n}"


def to_yaml(value: Any) -> str:
    """``value`` as a YAML document with a tag on every node."""
    lines = ["%YAML 1.1", "--- !!map"]
    _yaml_items(value, "", lines)
    return "\n".join([*lines, "..."])


def yaml_stream(frame: dict[str, Any], name: str, items: Iterable[Any]) -> Iterator[str]:
    """The YAML of ``frame`` with one more entry that lists ``items``, a part for each item."""
    head = to_yaml(frame).removesuffix("...") + f"!!str {name}: !!seq"
    for item in items:
        lines = [head, "- !!map"] if head else ["- !!map"]
        _yaml_items(item, "  ", lines)
        yield "\n".join(lines) + "\n"
        head = ""
    yield f"{head} []\n..." if head else "..."


def _yaml_items(value: Any, indent: str, lines: list[str]) -> None:
    """The entries of a mapping or a sequence; sequences are not indented below their key."""
    if isinstance(value, dict):
        for key, item in value.items():
            _yaml_entry(f"{indent}!!str {key}:", item, indent + "  ", indent, lines)
    else:
        for item in value:
            _yaml_entry(f"{indent}-", item, indent + "  ", indent, lines)


def _yaml_entry(head: str, item: Any, deeper: str, indent: str, lines: list[str]) -> None:
    if isinstance(item, dict) and item:
        lines.append(f"{head} !!map")
        _yaml_items(item, deeper, lines)
    elif isinstance(item, list) and item:
        lines.append(f"{head} !!seq")
        _yaml_items(item, indent, lines)
    else:
        lines.append(f"{head} {_yaml_scalar(item)}")


def _yaml_scalar(value: Any) -> str:
    if value is None or value == "":
        return "!!null null"
    if isinstance(value, bool):
        return f"!!bool {str(value).lower()}"
    if isinstance(value, int):
        return f"!!int {value}"
    if isinstance(value, float):
        return f"!!float {value:f}"
    if isinstance(value, list):
        return "!!seq []"
    if isinstance(value, dict):
        return "!!map {}"
    text = str(value)
    if _PLAIN.fullmatch(text):
        return f"!!str {text}"
    if "\n" in text or "\t" in text:
        return f"!!str {json.dumps(text)}"
    quoted = text.replace("'", "''")
    return f"!!str '{quoted}'"
