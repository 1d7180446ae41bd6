"""How scenarios are run: ours always, real Slurm beside it when asked to; all of them at once, in the background."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from .case import Answer, Case, Player, read
from .cluster import Unavailable, running, started
from .sides import Ours, Real

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
OURS_AT_ONCE = 3
REAL_AT_ONCE = 8


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("oracle", "comparison with real Slurm")
    group.addoption(
        "--live", action="store_true", help="run real Slurm beside the shim; fail on stale recorded answers"
    )
    group.addoption("--record", action="store_true", help="write real Slurm's answers to tests/oracle/golden")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = [read(path) for path in sorted((HERE / "cases").glob("*.case"))]
        metafunc.parametrize("case", cases, ids=[case.name for case in cases])


class Plays:
    """The answers of one cluster to the selected scenarios, computed by a few threads while tests wait for them."""

    def __init__(self, cluster: Ours | Real, cases: Sequence[Case], at_once: int) -> None:
        self.cluster = cluster
        self.crowd = ThreadPoolExecutor(at_once)
        self.single = ThreadPoolExecutor(1)
        together = [case for case in cases if isinstance(cluster, Ours) or not case.alone]
        self.futures = {case.name: self.crowd.submit(self.play, case) for case in together}
        others = list(self.futures.values())
        for case in cases:
            if case not in together:
                self.futures[case.name] = self.single.submit(self.play_after, others, case)

    def play(self, case: Case) -> list[Answer]:
        with self.cluster.open(case) as side:
            return Player(case, side).play()

    def play_after(self, others: Sequence[Future[list[Answer]]], case: Case) -> list[Answer]:
        wait(others)
        return self.play(case)

    def of(self, case: Case) -> list[Answer]:
        """The answers to one scenario."""
        return self.futures[case.name].result()

    def again(self, case: Case) -> list[Answer]:
        """The answers to one scenario, played once more when the others are over."""
        return self.single.submit(self.play_after, list(self.futures.values()), case).result()

    def close(self) -> None:
        """Drop what has not begun."""
        for pool in (self.crowd, self.single):
            pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def playground() -> Iterator[Path]:
    """A directory that every user reaches, which pytest's own (mode 700, again and again) is not."""
    path = Path(tempfile.mkdtemp(prefix="oracle-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def selected(request: pytest.FixtureRequest) -> list[Case]:
    """The scenarios that this run was asked for."""
    chosen = {}
    for item in request.session.items:
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        if isinstance(case, Case) and (not case.slow or beside_real(request.config)):
            chosen[case.name] = case
    return list(chosen.values())


@pytest.fixture(autouse=True)
def only_live_when_slow(request: pytest.FixtureRequest) -> None:
    """Leave out scenarios that take minutes unless real Slurm, which takes as long, runs beside."""
    case = request.node.callspec.params.get("case") if hasattr(request.node, "callspec") else None
    if case and case.slow and not beside_real(request.config):
        pytest.skip("takes minutes, see --live")


def beside_real(config: pytest.Config) -> bool:
    """Whether real Slurm answers in this run."""
    return bool(config.getoption("--live", False) or config.getoption("--record", False))


@pytest.fixture(scope="session")
def ours(playground: Path, selected: list[Case]) -> Iterator[Plays]:
    """The shim's answers."""
    plays = Plays(Ours(playground / "ours"), selected, OURS_AT_ONCE)
    yield plays
    plays.close()


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest, playground: Path, selected: list[Case]) -> Iterator[Plays | None]:
    """Real Slurm's answers, with --live or --record; None without."""
    if not beside_real(request.config):
        yield None
        return
    with contextlib.ExitStack() as stack:
        if conf := os.environ.get("ORACLE_SLURM_CONF"):
            address = running(Path(conf))
        else:
            try:
                address = stack.enter_context(started(playground / "slurm"))
            except Unavailable as error:
                if os.environ.get("CI"):
                    raise
                warnings.warn(f"NOT COMPARED WITH REAL SLURM: {error}", stacklevel=1)
                pytest.skip(f"NOT COMPARED WITH REAL SLURM: {error}")
        plays = Plays(Real(address, playground / "real"), selected, REAL_AT_ONCE)
        stack.callback(plays.close)
        yield plays


def golden(case: Case) -> list[Answer]:
    """The answers of real Slurm that were recorded for a scenario; none when none were."""
    path = GOLDEN / f"{case.name}.json"
    return [Answer(**entry) for entry in json.loads(path.read_text())] if path.exists() else []


def record(case: Case, answers: Sequence[Answer]) -> None:
    """Keep real Slurm's answers to a scenario."""
    GOLDEN.mkdir(exist_ok=True)
    text = json.dumps([vars(answer) for answer in answers], indent=1, ensure_ascii=False)
    (GOLDEN / f"{case.name}.json").write_text(text + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much of each recorded conversation the shim answers alike."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    rates = {report.nodeid: dict(report.user_properties).get("transcript") for report in reports}
    for nodeid, rate in sorted((nodeid, rate) for nodeid, rate in rates.items() if rate):
        terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}: {rate}")
