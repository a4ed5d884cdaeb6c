"""One customer explained: a real household, scored, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from churn_ml import flow, wording
from churn_ml.cli import app
from churn_ml.cli.explained import lines
from churn_ml.config import load
from churn_ml.errors import BadInput, NotReady
from churn_ml.house import House, open_house
from churn_ml.ledger import Ledger
from churn_ml.tables import table

FIRST = date(2017, 10, 1)
Copy = Callable[[Path], House]
WORDS = {"chosen", "holdout", "does_not_pay", "earns_less"}
"""What can become of an offer in a shop without limits, whose offers are for everybody."""


@pytest.fixture(scope="module")
def house(scored: Path) -> House:
    return open_house(load(scored / "churn.toml"))


def some(house: House, name: str, number: int = 0) -> dict[str, Any]:
    """A row of a table scored for the first day."""
    version = house.published(name)[FIRST.isoformat()]
    rows = house.warehouse.read_partition(table(name).name, FIRST, version).to_pylist()
    return dict(rows[number])


def test_a_scored_household_is_told_why_and_what_was_decided(house: House) -> None:
    row = some(house, "scores")
    told = flow.explain(house, row["customer_id"], FIRST)
    scored = told["scored"]
    assert scored["score"] == row["score"]
    assert [one["indicator"] for one in scored["reasons"]] == ["recency_days"]
    assert scored["reasons"][0]["says"].startswith("days since the last order: ")
    assert [one["code"] for one in scored["offers"] if one["chosen"]] in (
        [scored["would_be_offer"]],
        [],
    )
    assert {one["why"] for one in scored["offers"]} <= WORDS
    assert all(one["says"] for one in scored["offers"])
    assert scored["says"] == wording.why(scored["why"])
    assert [name for name in told["named_segments"] if name.startswith("COHORT_2017_")]
    gains = [one["expected_gain"] for one in scored["offers"]]
    assert gains == sorted(gains, reverse=True)
    assert scored["history"] == [{"as_of": "2017-10-01", "score": row["score"]}]
    assert "order_days_90d" in scored["features"]


def test_what_the_shop_never_told_is_no_sign_of_a_cause(house: House) -> None:
    """Complete Journey has no launch days: nobody's 0 launches say that the goods are stale."""
    version = house.published("causes")[FIRST.isoformat()]
    causes = house.warehouse.read_partition("causes", FIRST, version).to_pandas()
    features = house.published("features")[FIRST.isoformat()]
    rows = house.warehouse.read_partition("features", FIRST, features).to_pandas()
    assert (rows["launches_own_categories_90d"] == 0).all()
    assert "PRODUCT_STALE" not in set(causes["cause"])


def test_the_same_in_chinese_and_as_json_on_the_command_line(house: House) -> None:
    row = some(house, "scores")
    asked = [
        *("explain", row["customer_id"], "--as-of", "2017-10-01", "--language", "zh", "--json"),
        *("--config", str(house.config.root / "churn.toml")),
    ]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0
    assert json.loads(told.stdout)["scored"]["reasons"][0]["says"].startswith("距上次下单天数：")


def test_in_chinese_nothing_but_codes_and_the_shops_own_words_is_english(house: House) -> None:
    row = some(house, "causes")
    told = flow.explain(house, row["customer_id"], FIRST, "zh")
    assert told["scored"]["experiment"] is None
    told["scored"]["experiment"] = {"name": "spring", "arm": "control"}
    codes = [told["segment"], *told["named_segments"], told["contract"], told["scored"]["model"]]
    codes += [text for one in told["scored"]["offers"] for text in (one["code"], one["label"])]
    text = "\n".join(lines(told, "zh"))
    assert "实验 spring：对照，不联系" in text
    for code in sorted([*codes, told["customer_id"], "NONE", "spring"], key=len, reverse=True):
        text = text.replace(code, "")
    assert not re.findall("[A-Za-z]{2,}", text)


def test_on_a_screen_it_is_lines(house: House) -> None:
    row = some(house, "causes")
    asked = ["explain", row["customer_id"], "--as-of", "2017-10-01"]
    told = CliRunner().invoke(app, [*asked, "--config", str(house.config.root / "churn.toml")])
    assert "why this score (" in told.stdout
    assert "what may be behind it:" in told.stdout
    assert "no destination holds this customer" in told.stdout


def test_who_was_not_scored_has_a_stage_only(house: House) -> None:
    version = house.published("cohort")[FIRST.isoformat()]
    rows = house.warehouse.read_partition("cohort", FIRST, version).to_pylist()
    silent = next(row for row in rows if not row["eligible"])
    told = flow.explain(house, silent["customer_id"], FIRST)
    assert told["scored"] is None
    assert told["stage"] == silent["stage"]


def test_an_unknown_customer_and_an_unscored_day_are_refused(house: House) -> None:
    with pytest.raises(BadInput, match="no order of that customer"):
        flow.explain(house, "nobody", FIRST)
    with pytest.raises(NotReady, match="nobody was scored"):
        flow.explain(house, "nobody", date(2017, 9, 1))


def test_a_suppressed_customer_is_said_to_be(copy_of: Copy, scored: Path) -> None:
    house = copy_of(scored)
    customer = some(house, "scores")["customer_id"]
    house.ledger.suppress(house.suppression_key(customer), house.clock())
    told = flow.explain(house, customer, FIRST)
    assert told["now"]["suppressed"]
    assert told["scored"]["why"] != "suppressed"


def test_a_destination_is_not_read_whole_for_one_customer(
    copy_of: Copy, scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = copy_of(scored)
    customer, other = (some(house, "scores", number)["customer_id"] for number in (0, 1))
    rows = [(name, "ab", '{"offer": "NONE"}', False) for name in (customer, other)]
    house.ledger.save_plan("crm_sql", "p1", FIRST, rows, base=None)
    house.ledger.acknowledge("p1", [customer, other], at=house.clock())
    read: list[set[str]] = []
    state = Ledger.state

    def watched(ledger: Ledger, *asked: str) -> dict[str, tuple[str, date]]:
        found = state(ledger, *asked)
        read.append(set(found))
        return found

    monkeypatch.setattr(Ledger, "state", watched)
    told = flow.explain(house, customer, FIRST)
    assert [one["destination"] for one in told["now"]["held_by"]] == ["crm_sql"]
    assert set().union(*read) == {customer}


def test_what_came_after_the_day_asked_about_stands_apart(copy_of: Copy, scored: Path) -> None:
    house = copy_of(scored)
    customer = some(house, "scores")["customer_id"]
    later = date(2017, 10, 8)
    quiet = {customer: "contacted under another contract about now"}
    for day, plan, base, why in ((FIRST, "p1", None, {}), (later, "p2", "p1", quiet)):
        row = (customer, "ab", '{"offer": "NONE"}', False)
        house.ledger.save_plan("crm_sql", plan, day, [row], base=base, why=why)
        house.ledger.acknowledge(plan, [customer], at=house.clock())
    told = flow.explain(house, customer, FIRST)
    assert [one["as_of"] for one in told["sent"]] == ["2017-10-01"]
    assert [one["as_of"] for one in told["now"]["sent"]] == ["2017-10-08"]
    held = {"destination": "crm_sql", "holds": True, "as_of": "2017-10-08"}
    assert told["now"]["held_by"] == [held]
    english = "\n".join(lines(told))
    assert "crm_sql as of 2017-10-01: NONE, acknowledged\n" in english
    assert f"2017-10-08: NONE, acknowledged ({quiet[customer]})\n" in english
    assert "    crm_sql holds the row of 2017-10-08" in english
