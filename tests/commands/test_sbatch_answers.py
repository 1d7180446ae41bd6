"""What real sbatch answered to more than a thousand command lines, environments and scripts, recorded once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.sbatchworld import Answer, SbatchWorld, normalised

RECORDED = (Path(__file__).parent / "data" / "sbatch_answers.jsonl").read_text().splitlines()
FILES: dict[str, str] = json.loads(RECORDED[0])["files"]
CASES: list[dict[str, Any]] = [json.loads(line) for line in RECORDED[1:]]


def name_of(case: dict[str, Any]) -> str:
    words = [f"{name}={value}" for name, value in case.get("env", {}).items()] + case["argv"]
    script = next(iter(case.get("files", {}).values()), "")
    return ascii(" ".join(words) + (f" <- {script.removeprefix('#!/bin/bash')}" if script else ""))


@pytest.fixture(scope="module")
def world() -> Iterator[SbatchWorld]:
    world = SbatchWorld()
    yield world
    world.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbatch")
    write(folder, FILES)
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(errors="surrogateescape"))


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_answers_as_slurm_does(case: dict[str, Any], world: SbatchWorld, shared: Path, tmp_path: Path) -> None:
    cwd = tmp_path if case.get("files") else shared
    write(cwd, case.get("files", {}))
    argv = [word.replace("{cwd}", str(cwd)).replace("{name}", cwd.name) for word in case["argv"]]
    answer = normalised(world.sbatch(*argv, cwd=cwd, **case.get("env", {})), cwd)
    assert answer == Answer(case["rc"], case.get("stdout", ""), tuple(case.get("stderr", ())))
