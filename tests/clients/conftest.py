"""Options and fixtures of the clients' trials.

    pytest tests/clients --clients=all                      every client on the shim's local executor
    pytest tests/clients --clients=core                     the quick ones that CI runs
    pytest tests/clients --clients=toil,cylc --cluster=slurm --client-user=alice

`--keep` writes what passed and failed to `results.json`, from which `works_with.py` makes the README's table.
"""

from collections.abc import Callable, Iterator

import pytest

from .clients import CLIENTS, Client
from .clusters import CLUSTERS, Cluster, current_user
from .outcomes import Outcome, record

OUTCOMES = pytest.StashKey[list[Outcome]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("clients")
    group.addoption("--clients", metavar="WHICH", help="run published clients: all, core, or names separated by commas")
    group.addoption("--cluster", choices=sorted(CLUSTERS), default="local", help="what the clients run on")
    group.addoption("--client-user", metavar="USER", help="who runs the clients (default: who runs the tests)")
    group.addoption("--keep", action="store_true", help="keep the outcomes in results.json")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = []
    if config.getoption("clients", None):
        config.option.markexpr = "clients"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "client" not in metafunc.fixturenames:
        return
    chosen = choose(metafunc.config.getoption("clients", None) or "all")
    metafunc.parametrize("client", chosen, ids=[client.name for client in chosen])


def choose(which: str) -> list[Client]:
    """The clients that `--clients` asks for."""
    if which in ("all", "core"):
        return [client for client in CLIENTS if client.core or which == "all"]
    names = set(which.split(","))
    if unknown := names - {client.name for client in CLIENTS}:
        raise pytest.UsageError(f"--clients: no such client: {', '.join(sorted(unknown))}")
    return [client for client in CLIENTS if client.name in names]


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster named by `--cluster`, up for the whole session."""
    user = request.config.getoption("client_user", None) or current_user()
    with CLUSTERS[request.config.getoption("cluster", "local")](user) as up:
        yield up


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[Outcome], None]:
    """Where a trial tells what came of it."""

    def keep(outcome: Outcome) -> None:
        request.config.stash[OUTCOMES].append(outcome)
        if request.config.getoption("keep", False):
            record(outcome)

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for outcome in config.stash[OUTCOMES]:
        terminalreporter.write_line(str(outcome))
