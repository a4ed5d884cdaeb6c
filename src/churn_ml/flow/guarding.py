"""Guarding: what the house knows, now, of who may be told about and who must not be.

Enters: the house. Leaves: the guard of an export, which asks again before every batch: consent and
objections as they stand, suppression under any reference a customer ever had, and contacts of other
contracts. Worked example: a plan of 2017-10-01 is sent on 2017-10-03; consent withdrawn on the 2nd
is heeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml import crm
from churn_ml.flow.said import consents, purposes
from churn_ml.house import House
from churn_ml.merges import followed, merged, survivors

if TYPE_CHECKING:
    import ibis


def guarded(house: House) -> crm.Guard:
    """Who may be told about under the contract, asked of the house again before every batch."""
    return crm.Guard.of(
        house.config,
        suppressed=barred(house),
        consents=asked(house),
        recent=recent(house),
        purposes=objections(house),
    )


def asked(house: House) -> Any:
    """What the guard calls before every batch: consent as it is now, not as of the plan.

    A row that still carries a merged reference is asked about as the customer who survives.
    """

    def now(customer_ids: Sequence[str]) -> dict[str, bool]:
        said = _newest(house, "consents", "customer_merges")
        if "consents" not in said:
            return {}
        given, gone = consents(merged(said)).to_dict(), survivors(said)
        asked_as = {c: gone.get(c, c) for c in customer_ids}
        return {c: bool(given[person]) for c, person in asked_as.items() if person in given}

    return now


def objections(house: House) -> Any:
    """What the guard calls before every batch: the newest word on profiling and on each channel."""

    def now(customer_ids: Sequence[str]) -> dict[str, dict[str, bool]]:
        said = _newest(house, "consents", "customer_merges")
        found, gone = purposes(merged(said)), survivors(said)
        persons = {c: gone.get(c, c) for c in customer_ids}
        return {c: found[person] for c, person in persons.items() if person in found}

    return now


def barred(house: House) -> Any:
    """What the guard calls before every batch: who must not be sent, whatever the plan says.

    These are the suppressed, under their own or a merged reference, and every merged reference
    itself: the plan may be older than the merge, and its customer is sent as who survives.
    """

    def now(customer_ids: Sequence[str]) -> set[str]:
        gone, ids = survivors(_newest(house, "customer_merges")), set(customer_ids)
        old = [before for before, after in gone.items() if after in ids]
        listed = followed(house.suppressed([*ids, *old]), gone)
        return {c for c in ids if c in listed or c in gone}

    return now


def recent(house: House) -> Any:
    """What the guard calls before every batch: who is contacted under another contract about now.

    That is what another contract's destination acknowledged, or has planned, with an as_of less
    than [policy] contact_window_days away, under whichever reference a merged customer then had.
    """
    config = house.config
    others = sorted(
        name for name, d in config.destinations.items() if (d.contract or "") != config.line
    )
    window = timedelta(days=config.policy.contact_window_days)

    def now(customer_ids: Sequence[str], as_of: date) -> set[str]:
        day = timedelta(days=1)
        told = house.ledger.spoken_to(as_of - window + day, as_of + window, others)
        gone = survivors(_newest(house, "customer_merges")) if told else {}
        reached = followed(told, gone)
        return {c for c in customer_ids if gone.get(c, c) in reached}

    return now


def _newest(house: House, *names: str) -> dict[str, ibis.Table]:
    """The newest rows of the tables named, as far as they have happened."""
    found = {}
    for name, versions in house.ledger.versions(list(names)).items():
        if versions:
            rows = house.warehouse.read(name, versions)
            found[name] = rows.filter(rows.occurred_at <= house.clock().replace(tzinfo=None))
    return found
