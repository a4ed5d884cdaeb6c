"""A Salesforce org with the destination that fills it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..fakes.salesforce import Salesforce
from .world import World


@pytest.fixture
def world() -> Iterator[World]:
    with Salesforce() as org:
        yield World(org)
