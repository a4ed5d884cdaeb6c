"""Worse builds of the product, made by patching a child process: the harness must catch each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any


def ack_before_send() -> None:
    """Every row of a plan is acknowledged as soon as it is saved, before anything is sent."""
    from churn_ml.ledger import Ledger

    from .failpoints import owner_of

    owner, name = owner_of("churn_ml.crm:Outbox.deliver")
    deliver = getattr(owner, name)

    def hasty(outbox: Any, planned: Any, **told: Any) -> Any:
        ids = [row.customer_id for row in planned.rows]
        Ledger.acknowledge(outbox.journal, planned.id, ids, at=outbox.clock(), run=outbox.run)
        return deliver(outbox, planned, **told)

    setattr(owner, name, hasty)


def no_fencing() -> None:
    """Tokens are taken and never checked, by ledger, lake and target alike."""
    from .failpoints import owner_of

    for where in (
        "churn_ml.ledger.publications:check_token",
        "churn_ml.warehouse.handle:_check_fence",
        "churn_ml.crm:SqlDestination._fence",
    ):
        owner, name = owner_of(where)
        setattr(owner, name, lambda *_args, **_kwargs: None)


def no_marks() -> None:
    """The marks of senders are set and never looked at: what a dead one sent late stays."""
    from .failpoints import owner_of

    owner, name = owner_of("churn_ml.crm.marks:Marks._behind_the_dead")
    setattr(owner, name, lambda _: iter(()))


def sure_when_refused() -> None:
    """Who was refused is taken to be as before, though a try of the row may have been taken."""
    from .failpoints import owner_of

    owner, name = owner_of("churn_ml.ledger.deliveries:_be_unsure")
    setattr(owner, name, lambda *_: None)


def acks_dropped() -> None:
    """Every second attempt of a day drops its acks, and says nothing of it."""
    from churn_ml.ledger import Ledger

    real = Ledger.acknowledge

    def forgetful(ledger: Any, *told: Any, run: str = "", **more: Any) -> None:
        if int(run.rpartition("/")[2]) % 2 == 0:
            real(ledger, *told, run=run, **more)

    setattr(Ledger, "acknowledge", forgetful)  # noqa: B010 - a method is not assigned to


def deaf_to_regret() -> None:
    """The guard is asked when a plan is made, and not before its batches."""
    from churn_ml.crm import Guard
    from churn_ml.crm.desired import Desired

    real = Guard.withheld

    def once(guard: Guard, rows: Any) -> dict[str, str]:
        return real(guard, rows) if isinstance(rows, Desired) else {}

    setattr(Guard, "withheld", once)  # noqa: B010 - a method is not assigned to


def consent_unread() -> None:
    """What customers say of being contacted is not read."""
    from churn_ml.flow import guarding

    def nobody(_: Any) -> Any:
        return lambda _: {}

    setattr(guarding, "asked", nobody)  # noqa: B010 - a function is not assigned to


def two_keys() -> None:
    """HubSpot's contacts are found by one property in some months, by another in the rest."""
    from churn_ml.crm import HubSpotDestination

    real = HubSpotDestination.send

    def send(destination: HubSpotDestination, batch: Any) -> Any:
        key = "customer_ref" if batch.as_of.month % 2 else "shop_ref"
        other = replace(destination, key=key, recreate=True)
        other.preflight()
        return real(other, batch)

    setattr(HubSpotDestination, "send", send)  # noqa: B010 - a method is not assigned to


BUILDS: Mapping[str, Callable[[], None]] = {
    "ack_before_send": ack_before_send,
    "no_fencing": no_fencing,
    "no_marks": no_marks,
    "sure_when_refused": sure_when_refused,
    "acks_dropped": acks_dropped,
    "deaf_to_regret": deaf_to_regret,
    "consent_unread": consent_unread,
    "two_keys": two_keys,
}
