"""A Tryton server, and a place in it that is a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from .place import Place
from .server import Server, running

NUMBERS = count()


@pytest.fixture(scope="session")
def tryton() -> Iterator[Server]:
    """One server for all tests of a worker; each takes a root category of its own."""
    pytest.importorskip("psycopg_pool", reason="trytond's driver is not installed")
    with running() as server:
        yield server


@pytest.fixture
def place(tryton: Server, request: pytest.FixtureRequest) -> Place:
    return Place(tryton, f"{request.node.name[5:40]} {next(NUMBERS)}")
