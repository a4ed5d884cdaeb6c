"""Refreshing: what the gate's refresh lane asks of the ledger and the models (gate/lanes.py).

Enters: the decisions so far, champion and challenger. Leaves: the last model that won by profit or
predictions, scored on the rows of the evidence, how much older the champion is, and how often this
year was used. Worked example: `xgboost-1` won on 2017-02-01, `xgboost-2` renewed it on 2017-08-01:
on 2018-02-01 `xgboost-3` is measured against `xgboost-1`, so that two small steps down cannot add
up unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.flow.definitions import known_to

if TYPE_CHECKING:
    from churn_ml.gate.policies import PolicyOnRows
    from churn_ml.gate.trial import Refresh
    from churn_ml.house import House
    from churn_ml.ledger import Decision
    from churn_ml.models.bundle import Bundle

LANE = "refresh"


def asked(
    house: House,
    as_of: date,
    pair: tuple[Bundle, Bundle],
    of_today: Callable[[str, Bundle], PolicyOnRows],
    today: PolicyOnRows,
) -> Refresh | None:
    """What the refresh lane asks; None where the last winner's features are built otherwise now.

    `pair`: champion and challenger. `of_today`: a model as a policy on the evidence
    with a threshold of today; `today`: the champion so.
    """
    from churn_ml.gate.trial import Refresh

    champion, challenger = pair
    taken = [d for d in house.decisions() if d.promotes and d.as_of <= as_of]
    last = winner(taken, champion.id)
    bundle = champion if last == champion.id else house.bundle(last)
    if not known_to(bundle, house.config):
        return None
    return Refresh(
        winner=today if last == champion.id else of_today(last, bundle),
        age_days=(challenger.origin.trained_as_of - champion.origin.trained_as_of).days,
        same_recipe=champion.model.family == challenger.model.family,
        used=sum(d.as_of.year == as_of.year and _is_refresh(d) for d in taken),
    )


def winner(taken: Sequence[Decision], champion: str) -> str:
    """The last model that became champion otherwise than by a refresh, `champion` or before it.

    `taken`: the decisions that made a champion, oldest first.

    >>> from types import SimpleNamespace as Row
    >>> steps = [Row(champion_from=a, champion_to=b, kind="promote", verdict={"lane": lane})
    ...          for a, b, lane in ((None, "x1", "profit"), ("x1", "x2", "refresh"))]
    >>> winner(steps, "x2"), winner(steps, "x1")
    ('x1', 'x1')
    """
    made: dict[str, Any] = {
        d.champion_to: d for d in taken if d.champion_to and d.kind != "rollback"
    }
    seen: set[str] = set()
    while champion in made and _is_refresh(made[champion]) and champion not in seen:
        seen.add(champion)
        champion = made[champion].champion_from
    return champion


def _is_refresh(decision: Decision) -> bool:
    return decision.kind == "promote" and decision.verdict.get("lane") == LANE
