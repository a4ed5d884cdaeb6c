"""An account, and a destination that has found it in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from churn_ml.crm import HubSpotDestination

from ..fakes.hubspot import HubSpot
from .world import opened


@pytest.fixture
def account() -> Iterator[HubSpot]:
    with HubSpot() as fake:
        yield fake


@pytest.fixture
def crm(account: HubSpot) -> HubSpotDestination:
    found = opened(account)
    found.preflight()
    return found
