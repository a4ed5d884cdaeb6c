"""Following: MLflow's aliases and marks are a projection of the decisions in the ledger.

Enters: the decisions of a contract. Leaves: in MLflow the aliases `champion` and `former_champion`,
and on the last models what was decided of them. Twice is once. Worked example: on 2017-11-01 ada
promotes xgboost-1 over rule-1: the alias champion moves to the one, former_champion to the other.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from churn_ml.errors import NotReady

if TYPE_CHECKING:
    from churn_ml.house import House

MARKED = 3
"""How many of the last decisions MLflow's versions are marked with."""


def project(house: House) -> str:
    """Let MLflow's aliases follow the contract's newest champion, whatever date was run.

    Raises Unreachable where MLflow is down, NotReady where it never saw the model.
    """
    newest = [d for d in house.decisions() if d.promotes]
    wanted: dict[str, str | None] = {"champion": None, "former_champion": None}
    if newest:
        last = max(newest, key=lambda d: (d.as_of, d.number))
        wanted = {"champion": last.champion_to, "former_champion": last.champion_from}
    held = house.registry.aliases()
    moved = [name for name, model_id in wanted.items() if held.get(name) != model_id]
    for name in moved:
        house.registry.set_alias(name, wanted[name])
    _mark_decided(house)
    return f"moved {', '.join(moved)}" if moved else "unchanged"


def _mark_decided(house: House) -> None:
    """Let MLflow's versions of the last decided models say what was decided, and who."""
    for decision in house.decisions()[-MARKED:]:
        with suppress(NotReady):  # MLflow was never told of that model
            house.registry.tag(
                str(decision.champion_to),
                {
                    "churn_ml.decision": decision.kind,
                    "churn_ml.decided_by": decision.who,
                    "churn_ml.decided_as_of": decision.as_of.isoformat(),
                },
            )
