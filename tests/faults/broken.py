"""Worse builds of the product, made by patching a child process: the harness must catch each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


BUILDS: Mapping[str, Callable[[], None]] = {
    "ack_before_send": ack_before_send,
    "no_fencing": no_fencing,
    "no_marks": no_marks,
    "sure_when_refused": sure_when_refused,
}
