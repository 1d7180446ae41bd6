"""The queue that tests of commands ask."""

from collections.abc import Iterator

import pytest

from tests.commands.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()
