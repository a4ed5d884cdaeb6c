"""Explain: everything the house concluded of one customer, and why, at one as_of.

Enters: what was published for that as_of. Leaves: one JSON-able report of stage, score, reasons,
causes, offers considered, consent, arm, score history and what was sent. Nothing is computed anew
but the gains of the offers, by the formula that chose among them. Under `now` stands what the
ledger knows as it is today and not as it was then: the suppression list, what was sent for later
days, and what each destination holds. Worked example: as of 2017-11-01 h1 has the score .62, mostly
since the last order is 47 days ago; BASKET_5 would earn 4.10 and REMINDER 3.20, so BASKET_5 was
chosen, and crm_file took it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.errors import BadInput
from churn_ml.flow.considered import considered
from churn_ml.house import House

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.ledger import Publication
    from churn_ml.wording import Language

TABLES = ("cohort", "features", "scores", "causes", "segments", "named_segments", "actions")


def explain(
    house: House, customer_id: str, as_of: date, language: Language = "en"
) -> dict[str, Any]:
    """What the house concluded of a customer as of `as_of`, ready for JSON.

    Reads the derived tables that `score` published for that date, and the ledger; writes nothing.
    Who was not scored has their stage only, and `scored` is None. Raises NotReady where nothing was
    scored for `as_of`, BadInput where no order of that customer was known then.
    """
    published = house.publication("score", as_of)
    if published is None:
        raise house.before("score", "nobody was scored for this date", as_of)
    rows = {name: _rows(house, name, as_of, customer_id) for name in TABLES}
    if rows["cohort"].empty:
        raise BadInput(
            "no order of that customer was known then",
            where=f"explain as of {as_of.isoformat()}",
            expected="a customer_id as the source of orders writes it",
            next_step="check the id; churn-ml ingest brings newer orders",
        )
    placed, sent = rows["segments"].iloc[0], _sent(house, customer_id)
    told = {
        "customer_id": customer_id,
        "as_of": as_of.isoformat(),
        "contract": house.config.contract.name,
        "stage": str(placed["stage"]),
        "segment": str(placed["segment"]),
        "named_segments": _named(rows["named_segments"]),
        "arm": str(placed["arm"]),
        "consent": _consent(house, published, customer_id),
        "scored": None,
        "sent": [one for one in sent if one["as_of"] <= as_of.isoformat()],
        "now": {
            "suppressed": bool(house.suppressed([customer_id])),
            "sent": [one for one in sent if one["as_of"] > as_of.isoformat()],
            "held_by": _held(house, customer_id),
        },
    }
    if not rows["scores"].empty:
        told["scored"] = _scored(house, published, rows, language)
    return told


def _named(rows: pd.DataFrame) -> list[str]:
    """The names of the customer's segments; none where the table was not written then."""
    return sorted(map(str, rows["segment"])) if "segment" in rows else []


def _rows(house: House, name: str, as_of: date, customer_id: str) -> pd.DataFrame:
    """The customer's rows of one derived table; none where the table was not written then."""
    import pandas as pd
    import pyarrow.compute as pc

    version = house.published(name).get(as_of.isoformat())
    if version is None:
        return pd.DataFrame(columns=["customer_id"])
    place = house.config.called(name)
    rows = house.warehouse.read_partition(place, as_of, version)
    mine: pd.DataFrame = rows.filter(pc.field("customer_id") == customer_id).to_pandas()
    return mine


def _scored(
    house: House, published: Publication, rows: Mapping[str, pd.DataFrame], language: Language
) -> dict[str, Any]:
    from churn_ml import wording

    score, action = rows["scores"].iloc[0], rows["actions"].iloc[0]
    reasons = json.loads(score["reasons"])
    causes: list[dict[str, Any]] = rows["causes"].sort_values("rank").to_dict("records")  # type: ignore[assignment] # columns are strings
    features = rows["features"].drop(columns=["customer_id", "as_of"]).iloc[0]
    return {
        "model": str(published.pins["model"]),
        "score": float(score["score"]),
        "value": float(score["value"]),
        "value_at_risk": float(score["value_at_risk"]),
        "reasons": [one | {"says": wording.reason(one, language)} for one in reasons],
        "causes": [
            {key: one[key] for key in ("cause", "score", "stated", "type", "group")}
            | {"evidence": json.loads(one["evidence"]), "says": wording.cause(one, language)}
            for one in causes
        ],
        "offers": considered(house, published, score, action, language),
        "offer": str(action["offer"]),
        "would_be_offer": str(action["would_be_offer"]),
        "experiment": _drawn(action),
        "why": str(action["why"]),
        "says": wording.why(str(action["why"]), language),
        "history": _history(house, str(score["customer_id"]), published.as_of),
        "features": {str(name): _known(value) for name, value in features.items()},
    }


def _drawn(action: Any) -> dict[str, str] | None:
    """The experiment of the would-be offer and the customer's arm in it; None outside of any.

    >>> _drawn({"experiment": "spring", "experiment_arm": "control"})
    {'name': 'spring', 'arm': 'control'}
    """
    if not isinstance(action["experiment"], str):
        return None
    return {"name": action["experiment"], "arm": str(action["experiment_arm"])}


def _consent(house: House, published: Publication, customer_id: str) -> dict[str, Any]:
    """The customer's newest words on contact, channels and profiling that the scoring knew.

    `said`: purpose -> whether given; `default` holds where nothing was said of contact.
    """
    from churn_ml.flow import said
    from churn_ml.merges import MERGES, merged

    world = merged(
        {
            name: house.warehouse.read(name, published.inputs[name], as_of=published.as_of)
            for name in ("consents", MERGES)
            if published.inputs.get(name)
        }
    )
    if "consents" not in world:
        return {"said": {}, "default": house.config.consent.default}
    rows = world["consents"]
    world = {"consents": rows.filter(rows.customer_id == customer_id)}
    given = said.consents(world)
    told = {} if given.empty else {"contact": bool(given.iloc[0])}
    told |= said.purposes(world).get(customer_id, {})
    return {"said": told, "default": house.config.consent.default}


def _sent(house: House, customer_id: str) -> list[dict[str, Any]]:
    """What was planned for the customer at the contract's destinations, oldest first."""
    from churn_ml.flow.export import destinations

    found = (
        (one, json.loads(one.payload))
        for one in house.ledger.story(customer_id)
        if one.destination in destinations(house.config)
    )
    return [
        {
            "as_of": one.as_of.isoformat(),
            "destination": one.destination,
            "offer": payload.get("offer"),
            "outcome": one.outcome,
            "why": ": ".join(part for part in (one.code, one.message) if part),
        }
        for one, payload in found
    ]


def _known(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number


def _history(house: House, customer_id: str, upto: date) -> list[dict[str, Any]]:
    """The customer's score at every as_of that was published up to a day, oldest first."""
    found = []
    days = sorted(day for day in house.published("scores") if day <= upto.isoformat())
    for day in days:
        rows = _rows(house, "scores", date.fromisoformat(day), customer_id)
        if not rows.empty:
            found.append({"as_of": day, "score": float(rows["score"].iloc[0])})
    return found


def _held(house: House, customer_id: str) -> list[dict[str, Any]]:
    """What each destination took of this customer last, and of which as_of.

    `holds`: whether it is a row; else it was told to forget the customer.
    """
    from churn_ml.ledger.held import NOT_HELD

    found = []
    for name in sorted(house.config.destinations):
        state = house.ledger.state(name, customer_id).get(customer_id)
        if state is not None:
            holds = state[0] not in NOT_HELD
            found.append({"destination": name, "holds": holds, "as_of": state[1].isoformat()})
    return found
