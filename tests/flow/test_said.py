"""What customers said reaches scores, actions and export: a household of a real shop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import from_text
from churn_ml.flow.said import offered
from churn_ml.house import House
from churn_ml.in_memory import arrow
from churn_ml.ledger import Ledger
from churn_ml.tables import table
from churn_ml.warehouse import Warehouse

FIRST = date(2017, 10, 1)
TABLES = ("scores", "features", "causes", "named_segments", "actions")
Copy = Callable[[Path], House]


def say(house: House, customer: str, **purposes: bool) -> None:
    """Lay words on consent into the lake, as an ingest of the day before would have."""
    day = FIRST - timedelta(days=1)
    said = {"customer_id": customer, "occurred_at": "2017-09-20 12:00"}
    rows = [said | {"purpose": purpose, "given": given} for purpose, given in purposes.items()]
    with attempt(house, "ingest", day, ("consents",), repin=True) as trial:
        trial.write("consents", arrow("consents", rows).drop(["ingest_key"]))


CAPPED = """
shop = { name = "small", currency = "USD" }
policy = { contact_window_days = 28 }
[[offers]]
code = "GIFT"
label = "a gift"
cap_days = 90
[[offers]]
code = "MAIL"
label = "a mail"
cap_days = 28
"""


def test_an_offer_is_known_as_made_within_its_own_days_in_either_arm_and_no_longer(
    tmp_path: Path,
) -> None:
    """As of 2017-10-01 GIFT, capped at 90 days, counts from 2017-07-04; MAIL's window holds all."""
    house = House(from_text(CAPPED), Warehouse(str(tmp_path)), Ledger.open("sqlite://"))
    for ago, made in ((90, "h1"), (89, "h2"), (30, "h3")):
        row = {"customer_id": made, "offer": "NONE", "would_be_offer": "GIFT", "why": "holdout"}
        rows = [row, row | {"customer_id": "h4", "would_be_offer": "MAIL"}]
        with attempt(house, "score", FIRST - timedelta(days=ago), ("actions",)) as trial:
            frame = pd.DataFrame(rows, columns=[*table("actions").names])
            whole = frame.assign(expected_gain=1.0, expected_cost=0.5, as_of=trial.as_of)
            trial.write("actions", whole)
    with attempt(house, "score", FIRST, ()) as trial:
        assert offered(trial, house.config.own_offers, {"": FIRST}) == {"GIFT": {"h2", "h3"}}
        trial.leave("tried")


def held(house: House, name: str, customer: str) -> int:
    version = house.published(name)[FIRST.isoformat()]
    rows = house.warehouse.read_partition(name, FIRST, version).to_pandas()
    return int((rows["customer_id"] == customer).sum())


@pytest.fixture
def first_scored(scored: Path, copy_of: Copy) -> tuple[House, str]:
    """A shop scored, and a household that shows a sign of some cause."""
    house = copy_of(scored)
    version = house.published("causes")[FIRST.isoformat()]
    rows = house.warehouse.read_partition("causes", FIRST, version)
    return house, str(rows["customer_id"][0])


def test_who_objects_to_profiling_is_in_no_score_and_the_export_says_so_p6(
    first_scored: tuple[House, str],
) -> None:
    house, customer = first_scored
    assert all(held(house, name, customer) for name in TABLES)
    flow.export(house, FIRST)
    say(house, customer, profiling=False)
    withheld = flow.export(house, FIRST).details["destinations"]
    assert {name: row["removed"] for name, row in withheld.items()} == {"crm_file": 1, "crm_sql": 1}
    receipt = flow.score(house, FIRST, repin=True)
    assert receipt.details["consent"]["profiling_opt_out"] == 1
    assert [held(house, name, customer) for name in TABLES] == [0] * len(TABLES)
    told = flow.explain(house, customer, FIRST)
    assert (told["segment"], told["scored"]) == ("PROFILING_OPT_OUT", None)
    assert told["consent"]["said"] == {"profiling": False}
    outcomes = [(one["destination"], one["outcome"]) for one in told["sent"]]
    assert sorted(outcomes[:2]) == [("crm_file", "acknowledged"), ("crm_sql", "acknowledged")]
    assert told["sent"][-1]["offer"] is None
    flow.export(house, FIRST)
    with closing(sqlite3.connect(house.config.root / "crm.db")) as crm:
        query = "select segment, score, offer from churn_segments where customer_id = ?"
        assert crm.execute(query, [customer]).fetchall() == [("PROFILING_OPT_OUT", None, "NONE")]
