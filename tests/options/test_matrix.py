"""compat-matrix.md is what the declarations say."""

import pkgutil
from pathlib import Path

import shim.options
from shim.options import matrix

ROOT = Path(__file__).parents[2]


def test_the_file_is_fresh() -> None:
    written = (ROOT / "compat-matrix.md").read_text()
    assert written == matrix.matrix(), "stale: python -m shim.options.matrix > compat-matrix.md"


def test_every_command_with_declarations_is_in_it() -> None:
    modules = [module.name for module in pkgutil.iter_modules(shim.options.__path__)]
    declared = {
        name
        for name in modules
        if name.startswith("s") and "OPTIONS = (" in (ROOT / "shim" / "options" / f"{name}.py").read_text()
    }
    assert declared <= {command for command, _ in matrix.COMMANDS}


def test_cells_do_not_break_the_table() -> None:
    for line in matrix.matrix().splitlines():
        if line.startswith("| `"):
            assert line.replace("\\|", "").count("|") == 5
