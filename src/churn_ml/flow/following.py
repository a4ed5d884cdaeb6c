"""Following: MLflow's aliases and marks are a projection of the decisions in the ledger.

Enters: the decisions of a contract. Leaves: in MLflow the aliases `champion` and `former_champion`,
and on the last models what was decided of them. Twice is once. Worked example: on 2017-11-01 ada
promotes xgboost-1 over rule-1: the alias champion moves to the one, former_champion to the other.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from churn_ml.errors import ChurnError, NotReady

if TYPE_CHECKING:
    from collections.abc import Mapping

    from churn_ml.house import House

MARKED = 3
"""How many of the last decisions MLflow's versions are marked with."""


def project(house: House) -> str:
    """Let MLflow's aliases follow the contract's newest champion, whatever date was run.

    Raises Unreachable where MLflow is down, NotReady where it never saw the model.
    """
    asked = wanted(house)
    moved = list(astray(house, asked))
    for name in moved:
        house.registry.set_alias(name, asked[name])
    _mark_decided(house)
    return f"moved {', '.join(moved)}" if moved else "unchanged"


def follow(house: House) -> str:
    """As `project`, but a decision stands where MLflow cannot show it: then that is said."""
    try:
        return project(house)
    except ChurnError as error:
        return f"not moved: {error.what}"


def is_away(house: House) -> bool:
    """Whether MLflow cannot be asked now: who needs only the ledger goes on all the same."""
    try:
        return house.registry.is_down()
    except ChurnError:
        return True


def wanted(house: House) -> dict[str, str | None]:
    """The model that each alias stands for as the ledger decided; None for nobody.

    >>> from churn_ml.config import Config, Shop
    >>> from churn_ml.house import House
    >>> from churn_ml.ledger import Ledger
    >>> from churn_ml.warehouse import Warehouse
    >>> config = Config(shop=Shop(name="s", currency="EUR"))
    >>> wanted(House(config, Warehouse("lake"), Ledger.open("sqlite://")))
    {'champion': None, 'former_champion': None}
    """
    newest = [d for d in house.decisions() if d.promotes]
    if not newest:
        return {"champion": None, "former_champion": None}
    last = max(newest, key=lambda d: (d.as_of, d.number))
    return {"champion": last.champion_to, "former_champion": last.champion_from}


def astray(house: House, asked: dict[str, str | None]) -> dict[str, str | None]:
    """The aliases that point elsewhere than `asked`, each with the model it points at.

    Raises Unreachable where MLflow is down.
    """
    held = house.registry.aliases()
    return {name: held.get(name) for name, model in asked.items() if held.get(name) != model}


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
                }
                | _graded(decision.verdict),
            )


def _graded(verdict: Mapping[str, Any]) -> dict[str, str]:
    """The grade that the gate gave, as MLflow shows it; empty where it gave none.

    >>> _graded({"grade": "B", "grade_words": "B, use it, modest"})
    {'churn_ml.grade': 'B', 'churn_ml.grade_words': 'B, use it, modest'}
    """
    told = {name: verdict.get(name) for name in ("grade", "grade_words")}
    return {f"churn_ml.{name}": str(words) for name, words in told.items() if words}
