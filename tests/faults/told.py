"""What a generation of a small house's tables says: drawn from the seed, never computed.

Worked example: operation 7 of seed 3 publishes 2017-10-01. Of two dozen customers about sixteen are
scored, a third of these with an offer; asked again, it is the same sixteen.
"""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pandas as pd

CUSTOMERS = tuple(f"c{number:02}" for number in range(24))
OFFERS = ("NONE", "NONE", "COUPON")


def said(seed: int, number: int, as_of: date) -> dict[str, dict[str, Any]]:
    """What generation `number` says of `as_of`: about two thirds of the customers, by id."""
    draw = random.Random(f"{seed}/{number}/{as_of}")
    scored = [c for c in CUSTOMERS if draw.random() < 0.66]
    return {
        c: {
            "score": round(draw.randrange(20) * 0.05, 2),
            "stage": draw.choice(("active", "silent", "loyal")),
            "offer": draw.choice(OFFERS),
        }
        for c in scored
    }


def frames(seed: int, number: int, as_of: date) -> dict[str, pd.DataFrame]:
    """The tables that an export reads, as generation `number` of `as_of` says them."""
    told = said(seed, number, as_of)
    ids = pd.DataFrame({"customer_id": pd.Series(list(told), dtype=object)})
    of = {name: [row[name] for row in told.values()] for name in ("score", "stage", "offer")}
    band = {"risk_band": "low", "value_band": "low", "segment": "S", "arm": "open"}
    money: dict[str, Any] = {
        "value": 1.0,
        "value_at_risk": 1.0,
        "reasons": "[]",
        "contract": "gone30-1",
    }
    chosen: dict[str, Any] = {"expected_gain": 1.0, "expected_cost": 0.0, "why": "pays"}
    chosen |= dict.fromkeys(("barred", "experiment", "experiment_arm", "kept_share"))
    return {
        "scores": ids.assign(score=of["score"], model=f"m{number}", **money),
        "segments": ids.assign(stage=of["stage"], **band),
        "actions": ids.assign(offer=of["offer"], would_be_offer=of["offer"], **chosen),
        "causes": pd.DataFrame(
            columns=["customer_id", "cause", "rank", "score", "stated", "type", "group", "evidence"]
        ),
        "named_segments": pd.DataFrame(columns=["customer_id", "segment"]),
    }
