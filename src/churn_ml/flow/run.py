"""Run: the whole house for one as_of, in the order in which a shop needs it.

Worked example: on 2017-10-01 there is no champion, so training and promotion come before scoring;
on 2017-11-01 the day's scores go out first, and the challenger is trained afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from churn_ml.errors import NotReady
from churn_ml.flow.export import export
from churn_ml.flow.ingest import ingest
from churn_ml.flow.learn import learn
from churn_ml.flow.promote import promote
from churn_ml.flow.score import score
from churn_ml.flow.train import train

if TYPE_CHECKING:
    from churn_ml.house import House
    from churn_ml.receipts import Receipt

RETRAIN_DAYS = 28
"""A challenger is trained at most this often (13 planned looks a year)."""


def run(house: House, as_of: date, *, approver: str | None = None) -> list[Receipt]:
    """Walk every step that is due as of `as_of`; returns their receipts in order.

    Training is due where there is no champion, or 28 days after the last. Where history is too
    short to train, that is said and the other steps go on.
    """
    receipts = []
    for step in _due(house, as_of, approver):
        try:
            receipts.append(step())
        except NotReady as error:
            if step.__name__ != "training":
                raise
            house.say(f"  not trained: {error}")
    return receipts


def _due(house: House, as_of: date, approver: str | None) -> Iterator[Callable[[], Receipt]]:
    def training() -> Receipt:
        train(house, as_of)
        return promote(house, as_of, approver=approver)

    yield lambda: ingest(house, as_of)
    first = house.ledger.champion(as_of) is None
    if first:
        yield training
    yield lambda: score(house, as_of)
    if house.ledger.champion(as_of) is not None and house.config.destinations:
        yield lambda: export(house, as_of)
    yield lambda: learn(house, as_of)
    newest = house.ledger.newest("train", upto=as_of)
    if not first and (newest is None or as_of - newest.as_of >= timedelta(days=RETRAIN_DAYS)):
        yield training
