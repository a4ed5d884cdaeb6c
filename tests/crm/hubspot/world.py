"""A HubSpot destination as the tests of HubSpot open it."""

from __future__ import annotations

from datetime import date

from churn_ml.crm import Batch, HubSpotDestination, Means, Row
from churn_ml.limits import Limit

from ..fakes.hubspot import HubSpot
from ..fakes.rig import Clock

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)


def opened(
    account: HubSpot, owner: str = "me", connection: str = "", told: tuple[str, ...] = ()
) -> HubSpotDestination:
    clock = Clock()
    where = {"hubspot_crm": connection or account.connection}
    return HubSpotDestination(
        "crm",
        "hubspot_crm",
        Means(owner, where, told=lambda name: told),
        Limit(1000),
        test_host=True,
        clock=clock,
        sleep=clock.sleep,
    )


def batch(*rows: Row) -> Batch:
    return Batch("b1", "p1", rows[0].as_of, rows)
