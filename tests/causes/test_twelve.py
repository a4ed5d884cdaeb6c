"""Twelve customers from their signs to the sentence, the segment and the action, each by name.

They stand in twelve.csv, each with what a retention manager would say and do; a value is in EUR,
scores are probabilities. The offers are those that `[catalogue] defaults = true` switches on, and
every customer is worth a contact.
"""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from churn_ml import wording
from churn_ml.actions import actions
from churn_ml.causes import causes, main_causes
from churn_ml.config import from_text
from churn_ml.offers.known import Known
from churn_ml.segments import named, segments, signs

AS_OF = date(2017, 10, 1)
CONFIG = """
shop = { name = "Corner shop", currency = "EUR" }
consent = { default = "assumed" }
catalogue = { defaults = true }
segments = { high_value_share = 0.25, medium_value_share = 0.5 }
"""

with Path(__file__).with_name("twelve.csv").open(encoding="utf-8", newline="") as file:
    TWELVE = {row["customer"]: row for row in csv.DictReader(file)}


def shown(customer: str) -> dict[str, float]:
    """The signs of one of the twelve: feature -> value."""
    pairs = (sign.split() for sign in TWELVE[customer]["signs"].split("; "))
    return {name: float(value) for name, value in pairs}


@pytest.fixture(scope="module")
def day() -> pd.DataFrame:
    """The twelve together, scored, named and decided on: one row each."""
    config = from_text(CONFIG)
    told = {name: {"customer_id": name, "as_of": AS_OF} for name in TWELVE}
    features = pd.DataFrame([told[name] | shown(name) for name in TWELVE])
    scores = pd.DataFrame(
        [
            told[name] | {"score": float(one["score"]), "value": float(one["value"])}
            for name, one in TWELVE.items()
        ]
    )
    stages = [one["segment"].rpartition("_")[2].lower() for one in TWELVE.values()]
    cohort = pd.DataFrame(told.values()).assign(stage=stages)
    placed = segments(cohort, scores, pd.Series("open", index=list(TWELVE)), config.segments)
    found = causes(features)
    rows = placed.merge(signs(features), on="customer_id")
    names = named(rows, config.segments)
    known = Known(causes=found, named=names, complaining={"gus"})
    nothing_said = pd.Series(dtype=bool)
    done = actions(scores, placed, nothing_said, (), config, 0.0, key=b"key", known=known)
    listed = names.groupby("customer_id")["segment"].agg(list).rename("named")
    own = main_causes(found).drop(columns="as_of").rename(columns={"score": "cause_score"})
    return placed.set_index("customer_id").join(
        [own, listed, done.set_index("customer_id")["offer"]]
    )


@pytest.mark.parametrize("name", TWELVE)
def test_each_leaves_for_the_cause_a_manager_would_name(name: str, day: pd.DataFrame) -> None:
    one, row = TWELVE[name], day.loc[name]
    for column in ("cause", "type", "group"):
        assert row[column] == one[column]
    spoke = {sign["indicator"] for sign in json.loads(str(row["evidence"]))}
    assert spoke
    assert spoke <= set(shown(name))


@pytest.mark.parametrize("name", TWELVE)
def test_each_is_placed_and_gets_the_action_a_manager_would_choose(
    name: str, day: pd.DataFrame
) -> None:
    one, row = TWELVE[name], day.loc[name]
    assert row["segment"] == one["segment"]
    names = [word for word in row["named"] if not word.startswith("STAGE_")]
    assert "; ".join(names) == one["named"]
    assert row["offer"] == one["action"]


@pytest.mark.parametrize("name", TWELVE)
def test_each_cause_is_told_in_english_and_chinese(name: str, day: pd.DataFrame) -> None:
    one, row = TWELVE[name], day.loc[name]
    told = row[["cause", "stated", "evidence"]].to_dict() | {"score": row["cause_score"]}
    assert wording.cause(told) == one["english"]
    assert wording.cause(told, "zh") == one["chinese"]
