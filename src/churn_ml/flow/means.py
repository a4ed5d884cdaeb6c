"""What destinations may use of the house: its name, its connections, its ledger.

Enters: the house. Leaves: the means that every destination is opened with. Worked example: two
deployments of one shop have ledgers of their own, so the second is refused by the first's target.
"""

from __future__ import annotations

from churn_ml.crm import Means
from churn_ml.crm.protocol import NOT_HELD
from churn_ml.house import House


def means(house: House) -> Means:
    """The means of the house's destinations.

    The owner is the shop with its ledger, known by the id it was born with: two deployments with
    different ledgers cannot feed one target (fault O3), and a moved folder still can.
    """

    def told(destination: str) -> set[str]:
        held = house.ledger.held(destination)
        return {customer for customer, hashed in held.items() if hashed not in NOT_HELD}

    return Means(
        owner=f"{house.config.shop.name} with ledger {house.ledger.id}",
        connections=house.addresses.connections,
        jobs=house.ledger,
        buckets=house.ledger,
        told=told,
        hooks=house.addresses.hooks,
    )
