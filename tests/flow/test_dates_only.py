"""A shop that knows only who came and when: no amounts, no products, and yet files to export."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.config import from_text
from churn_ml.errors import NotReady, TooEarly
from churn_ml.house import House, open_house

AS_OF = date(2017, 10, 1)
STAYS = "until then without a champion nobody is scored"
SETTINGS = """
shop = { name = "Dates only", currency = "EUR" }
contract = { name = "gone30", lookback_days = 60, horizon_days = 30, settle_days = 1 }
training = { candidates = ["logistic"], min_rows = 100, min_churners = 20 }
offers = [{ code = "MAIL", label = "a letter", contact_amount = 1.0, needs_consent = false }]
destinations.files = { kind = "file", target = "out", first_load = "send" }

[sources.orders]
files = "visits.csv"
columns = { order_id = "number", customer_id = "customer", occurred_at = "date" }
constants = { currency = "EUR" }
"""


def visits(customers: int) -> str:
    """Customers with a rhythm of 7, 10 or 20 days, some of whom stop."""
    luck, lines = random.Random(7), ["number,customer,date"]
    for customer in range(customers):
        every, stop = luck.choice([7, 10, 20]), luck.choice([120, 200, 300, 300, 300])
        day = luck.randrange(20)
        while day < stop:
            when = date(2017, 1, 1) + timedelta(days=day)
            lines.append(f"{len(lines)},c{customer},{when}")
            day += max(1, int(luck.gauss(every, 3)))
    return "\n".join(lines) + "\n"


def house_of(folder: Path, customers: int, *more: str) -> House:
    (folder / "visits.csv").write_text(visits(customers), encoding="utf-8")
    return open_house(from_text("\n".join((SETTINGS, *more)), root=folder))


def test_it_goes_from_ingest_to_export_with_a_value_of_nothing(tmp_path: Path) -> None:
    house = house_of(tmp_path, 200)
    receipts = {r.step: r for r in flow.run(house, AS_OF)}
    assert receipts["export"].details["destinations"]["files"]["sent"] > 0
    version = house.published("scores")["2017-10-01"]
    scores = house.warehouse.read_partition("scores", AS_OF, version).to_pandas()
    assert (scores["value"] == 0).all()
    assert scores["score"].between(0, 1).all()
    told = receipts["train"].details["preflight"]
    assert told["verdict"] == "ready"
    absent = {line.partition(":")[0]: line for line in told["absent"]}
    assert absent["last_basket_ratio_90d"].endswith("not available, needs orders.net_amount")
    assert any(line.endswith("needs order_lines") for line in told["absent"])
    assert "recency_days" not in absent


def test_the_preflight_says_what_a_training_would_come_to(tmp_path: Path) -> None:
    """D14: each outcome is a word of its own, and none is an error."""
    house = house_of(tmp_path, 30, """expressions = { status = "'completed'" }""")
    flow.ingest(house, AS_OF)
    small = flow.preflight(house, AS_OF)
    assert small.status == "rule_only"
    assert "the shop keeps it" in small.details["words"][0]
    assert "100 rows and 20 churners are needed" in small.details["words"][0]
    assert any("map orders.cancelled_at too" in line for line in small.details["words"])
    for layer in small.details["layers"].values():
        assert layer["rows"] == layer["churners"] + layer["stayers"]
    early = flow.preflight(house, date(2017, 4, 1))
    assert early.status == "too_early"
    assert early.details["needs"].startswith("data until 2017-0")


def test_before_the_first_order_there_are_no_data_and_a_lost_lake_is_an_error(
    tmp_path: Path,
) -> None:
    house = house_of(tmp_path, 0)
    (tmp_path / "visits.csv").write_text("number,customer,date\n1,anna,2017-09-01\n")
    flow.ingest(house, AS_OF)
    empty = flow.preflight(house, date(2017, 9, 1))
    assert empty.status == "no_data"
    assert empty.details["words"] == ["there is no order to learn from"]
    shutil.rmtree(house.config.path(house.config.paths.lake))
    with pytest.raises(NotReady, match="the lake does not hold"):
        flow.preflight(open_house(house.config), AS_OF)


@pytest.mark.parametrize(
    ("rows", "status", "says"),
    [
        ("1,anna,2017-01-02\n", "no_data", "train as of a date that the orders reach"),
        ("1,anna,2017-01-02\n2,anna,2017-06-01\n3,anna,2017-07-30\n", "degenerate_label", STAYS),
        (
            "".join(
                f"{c}{k},{c},{date(2017, 1, 1) + timedelta(days=7 * k)}\n"
                for c in "ab"
                for k in range(39)
            ),
            "degenerate_label",
            STAYS,
        ),
    ],
    ids=["a single row", "a lone customer", "all one class"],
)
def test_a_degenerate_shop_is_told_so_and_crashes_nothing(
    rows: str, status: str, says: str, tmp_path: Path
) -> None:
    house = house_of(tmp_path, 0)
    (tmp_path / "visits.csv").write_text("number,customer,date\n" + rows, encoding="utf-8")
    flow.ingest(house, AS_OF)
    assert flow.preflight(house, AS_OF).status == status
    assert house.champion(AS_OF) is None
    with pytest.raises(TooEarly if says == STAYS else NotReady, match=says):
        flow.train(house, AS_OF)


def test_what_could_not_be_judged_is_not_trained_and_the_walk_goes_on(tmp_path: Path) -> None:
    """Some leave before the choosing and in its window, nobody in the window to be judged on."""
    house = house_of(tmp_path, 0)
    stop = {c: {0: 150, 1: 160, 2: 205, 3: 208}.get(c, 272) for c in range(30)}
    rows = (f"{c}x{day},{c},{date(2017, 1, 1) + timedelta(days=day)}"
            for c in stop for day in range(c % 7, stop[c], 7))  # fmt: skip
    text = "\n".join(("number,customer,date", *rows, ""))
    (tmp_path / "visits.csv").write_text(text, encoding="utf-8")
    short = house.config.contract.model_copy(update={"lookback_days": 30})
    house = replace(house, config=house.config.model_copy(update={"contract": short}))
    warned: list[str] = []
    walked = {r.step: r.status for r in flow.run(house, AS_OF, warn=warned.append)}
    assert walked == {"ingest": "done", "score": "no_champion", "learn": "no_data"}
    assert "degenerate label in the evaluate layer" in warned[0]
