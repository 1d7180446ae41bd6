"""The grammar room is pure: it knows no clock, no environment, no other room, and costs nothing to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import shim.grammar

MODULES = sorted(Path(shim.grammar.__file__).parent.glob("*.py"))
FORBIDDEN = {"os", "time", "subprocess", "socket", "sqlite3", "random", "asyncio", "dstack", "click"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_grammar_knows_nothing_else(path):
    for name in imports(path):
        assert name.split(".")[0] not in FORBIDDEN
        assert not name.startswith("shim.") or name.startswith("shim.grammar.")


def test_importing_all_grammars_does_not_import_lark():
    names = ",".join(f"shim.grammar.{path.stem}" for path in MODULES if path.stem != "__init__")
    code = f"import sys, {names}; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_grammar_file_has_its_module():
    files = Path(shim.grammar.__file__).parent.glob("*.lark")
    assert {path.stem for path in files} <= {path.stem for path in MODULES}
