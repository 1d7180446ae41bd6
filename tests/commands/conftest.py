"""The queue that tests of commands ask."""

from collections.abc import Iterator

import pytest

from tests.commands.accounted import account_for
from tests.commands.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


@pytest.fixture
def accounted(lab: Lab) -> Lab:
    """The queue after the jobs of a recorded session."""
    return account_for(lab)
