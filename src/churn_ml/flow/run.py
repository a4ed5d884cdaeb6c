"""Run: the whole house for one as_of, in the order in which a shop needs it.

Worked example: on 2017-10-01 there is no champion, so training and promotion come before scoring;
on 2017-11-01 the day's scores go out first, and the challenger is trained afterwards.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from churn_ml.errors import TooEarly
from churn_ml.flow.definitions import can_score
from churn_ml.flow.export import destinations, export
from churn_ml.flow.foreseeing import foresee
from churn_ml.flow.ingest import ingest
from churn_ml.flow.learn import learn
from churn_ml.flow.log import log_if_reachable, owed
from churn_ml.flow.promote import promote
from churn_ml.flow.score import score
from churn_ml.flow.train import due, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from churn_ml.flow.foreseeing import Shown
    from churn_ml.house import House, Progress
    from churn_ml.receipts import Receipt


def run(
    house: House,
    as_of: date,
    *,
    approver: str | None = None,
    repin: bool = False,
    warn: Progress | None = None,
    show: Callable[[Shown], None] | None = None,
) -> list[Receipt]:
    """Walk every step that is due as of `as_of`; returns their receipts in order.

    The ingest comes first, then the steps of the main contract, then those of each further one; in
    a house under one contract only that one's.

    Training is due where no champion can score, and comes first then, or [schedule]
    train_every_days after the last; one that was killed before its verdict is judged first. Where
    there is too little to learn from, or MLflow is away or refuses, that is said to `warn`
    (default: the house's progress) and the other steps go on; the next walk logs what MLflow
    missed. `approver` answers a verdict to promote; without one it waits. `show` sees what would be
    exported, and nothing is sent. Raises what the steps raise.
    """
    warn = warn or house.say
    receipts = [ingest(house, as_of, repin=repin)]
    lines = (house.config.line,) if house.config.line else ("", *house.config.contracts)
    for line in lines:
        of_line = house.under(line)
        receipts += _walked(of_line, as_of, approver=approver, repin=repin, warn=warn, show=show)
    return receipts


def _walked(
    house: House,
    as_of: date,
    *,
    approver: str | None,
    repin: bool,
    warn: Progress,
    show: Callable[[Shown], None] | None,
) -> list[Receipt]:
    """Every step that is due under one contract, after the ingest."""
    receipts: list[Receipt] = []
    first = not can_score(house, as_of)
    if first:
        receipts += _trained(house, as_of, approver, warn)
    receipts.append(score(house, as_of, repin=repin))
    if house.champion(as_of) is not None and destinations(house.config):
        receipts.append(foresee(house, as_of, show) if show else export(house, as_of))
    receipts.append(learn(house, as_of, repin=repin))
    if not first:
        receipts += _trained(house, as_of, approver, warn)
    return receipts


def _trained(house: House, as_of: date, approver: str | None, warn: Progress) -> list[Receipt]:
    """The training, logging and verdict that are due, if any."""
    newest = house.newest("train", upto=as_of)
    if newest is not None and house.publication("judge", newest.as_of) is None:
        logged = _logged(house, newest.as_of, warn)
        return [*logged, promote(house, newest.as_of, approver=approver)]
    if newest is not None and not due(house, as_of):
        return _logged(house, newest.as_of, warn)
    try:
        trained = train(house, as_of)
    except TooEarly as error:
        warn(f"  not trained: {error}")
        return []
    return [trained, *_logged(house, as_of, warn), promote(house, as_of, approver=approver)]


def _logged(house: House, as_of: date, warn: Progress) -> list[Receipt]:
    return log_if_reachable(house, as_of, warn=warn) if owed(house, as_of) else []
