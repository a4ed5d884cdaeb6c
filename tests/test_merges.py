"""Merged customers: chains, circles, words taken back, keys that meet; nothing before its time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml import flow, horizon
from churn_ml.attempt import attempt
from churn_ml.cohort import cohort
from churn_ml.config import Contract, load
from churn_ml.crm import Guard, Row
from churn_ml.demo import DEMO_KEY
from churn_ml.events import attributes
from churn_ml.flow.guarding import asked, barred
from churn_ml.house import House, open_house
from churn_ml.in_memory import canonical
from churn_ml.labels import labels
from churn_ml.merges import followed, merged, survivors

from .conftest import FIRST, SECOND

MERGED_ON = date(2017, 10, 15)
GONE30 = Contract(lookback_days=90, horizon_days=30, settle_days=1)


def said(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Merges, each a day after the one before."""
    return [
        {"old_id": old, "customer_id": new, "occurred_at": f"2017-08-{day:02d}"}
        for day, (old, new) in enumerate(pairs, start=1)
    ]


MERGES = {
    "none": ([], {}),
    "one": ([("h9", "h1")], {"h9": "h1"}),
    "chain": ([("h9", "h5"), ("h5", "h1")], {"h9": "h1", "h5": "h1"}),
    "chain told backwards": ([("h5", "h1"), ("h9", "h5")], {"h9": "h1", "h5": "h1"}),
    "corrected": ([("h9", "h1"), ("h9", "h2")], {"h9": "h2"}),
    "taken back": ([("h9", "h1"), ("h9", "h9")], {}),
    "circle": ([("h9", "h1"), ("h1", "h9")], {"h1": "h9"}),
    "circle the other way": ([("h1", "h9"), ("h9", "h1")], {"h9": "h1"}),
    "circle with a tail": (
        [("a", "b"), ("b", "c"), ("c", "a"), ("d", "b")],
        {"b": "a", "c": "a", "d": "a"},
    ),
}


@pytest.mark.parametrize(("pairs", "expected"), MERGES.values(), ids=MERGES)
def test_who_survives(pairs: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert survivors(canonical(customer_merges=said(*pairs))) == expected


def test_without_a_table_of_merges_nothing_is_touched() -> None:
    shop = canonical(orders=[{"customer_id": "h1", "occurred_at": "2017-08-01"}])
    assert survivors(shop) == {}
    assert merged(shop)["orders"] is shop["orders"]


NAMES = st.sampled_from("abcdef")


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), max_size=12))
def test_whatever_was_said_every_survivor_survives(pairs: list[tuple[str, str]]) -> None:
    gone = survivors(canonical(customer_merges=said(*pairs)))
    assert not set(gone) & set(gone.values())
    assert set(gone) <= {old for old, _ in pairs}


def test_orders_become_the_survivors_and_products_stay() -> None:
    shop = canonical(
        orders=[{"customer_id": c, "occurred_at": "2017-08-20"} for c in ("h9", "h1", "h2")],
        products=[{"product_id": "tea", "occurred_at": "2017-08-01"}],
        customer_merges=said(("h9", "h1")),
    )
    now = merged(shop)
    assert now["products"] is shop["products"]
    assert sorted(now["orders"].customer_id.to_pyarrow().to_pylist()) == ["h1", "h1", "h2"]
    assert now["orders"].columns == shop["orders"].columns
    assert cohort(now, date(2017, 9, 1), GONE30).customer_id.tolist() == ["h1", "h2"]


def test_an_empty_attribute_of_the_survivor_hides_no_known_one_of_the_old() -> None:
    shop = canonical(
        customers=[
            {"customer_id": "h1", "tier": "silver", "occurred_at": "2017-01-01"},
            {"customer_id": "h1", "country": "DE", "occurred_at": "2017-03-01"},
            {"customer_id": "h9", "country": "AT", "occurred_at": "2017-05-01"},
            {"customer_id": "h9", "tier": "gold", "occurred_at": "2017-06-01"},
            {"customer_id": "h9", "occurred_at": "2017-07-01"},
            {"customer_id": "h2", "tier": "basic", "occurred_at": "2017-06-01"},
        ],
        customer_merges=said(("h9", "h1")),
    )
    rows = merged(shop)["customers"].order_by(["customer_id", "occurred_at"])
    assert [
        (row["customer_id"], row["occurred_at"].month, row["tier"], row["country"])
        for row in rows.to_pyarrow().to_pylist()
    ] == [
        ("h1", 1, "silver", None),
        ("h1", 3, None, "DE"),
        ("h1", 5, None, "DE"),
        ("h1", 6, "gold", "DE"),
        ("h1", 7, "gold", "DE"),
        ("h2", 6, "basic", None),
    ]


@pytest.mark.parametrize("second", [{"lot_row": 2}, {"lot": "other", "lot_row": 1}])
def test_of_two_old_references_valid_from_one_instant_neither_hides_the_other(
    second: dict[str, object],
) -> None:
    """A drop without valid_from: all its rows are of one instant; h1 itself is not in it."""
    shop = canonical(
        customers=[
            {"customer_id": "h5", "tier": "gold", "occurred_at": "2017-10-01", "lot_row": 1},
            {"customer_id": "h9", "country": "DE", "occurred_at": "2017-10-01"} | second,
        ],
        customer_merges=said(("h5", "h1"), ("h9", "h1")),
    )
    (row,) = merged(shop)["customers"].to_pyarrow().to_pylist()
    assert (row["customer_id"], row["tier"], row["country"]) == ("h1", "gold", "DE")


def test_attributes_are_the_survivors_own_unless_it_has_none() -> None:
    shop = canonical(
        customers=[
            {"customer_id": "h1", "tier": "gold", "occurred_at": "2017-01-01"},
            {"customer_id": "h9", "tier": "basic", "occurred_at": "2017-06-01"},
            {"customer_id": "h8", "tier": "silver", "occurred_at": "2017-06-01"},
        ],
        customer_merges=said(("h9", "h1"), ("h8", "h7")),
    )
    rows = attributes(merged(shop)).to_pyarrow().to_pylist()
    assert sorted((row["customer_id"], row["tier"]) for row in rows) == [
        ("h1", "gold"),
        ("h7", "silver"),
    ]


def test_where_two_rows_meet_under_one_key_the_own_one_and_the_withdrawal_stay() -> None:
    asked = {"purpose": "contact", "occurred_at": "2017-07-01"}
    shop = canonical(
        campaign_contacts=[
            {"customer_id": c, "campaign_id": "7", "channel": c, "occurred_at": "2017-07-01"}
            for c in ("h9", "h1")
        ],
        consents=[
            asked | {"customer_id": "h1", "given": True},
            asked | {"customer_id": "h9", "given": False},
        ],
        customer_merges=said(("h9", "h1")),
    )
    now = merged(shop)
    contacts = now["campaign_contacts"].to_pyarrow().to_pylist()
    assert [(row["customer_id"], row["channel"]) for row in contacts] == [("h1", "h1")]
    consents = now["consents"].to_pyarrow().to_pylist()
    assert [(row["customer_id"], row["given"]) for row in consents] == [("h1", False)]


def test_who_was_merged_since_has_the_label_of_the_survivor() -> None:
    shop = canonical(
        orders=[{"customer_id": "h1", "occurred_at": "2017-10-05"}],
        customer_merges=[{"old_id": "h9", "customer_id": "h1", "occurred_at": "2017-10-02"}],
    )
    found = labels(
        merged(shop), pd.Series(["h9", "h2"]), date(2017, 10, 1), GONE30, date(2017, 11, 1)
    )
    assert found.set_index("customer_id")["label"].to_dict() == {"h2": 1, "h9": 0}
    assert [str(v) for v in found["window_net_amount"]] == ["0.00", "10.00"]


@pytest.mark.parametrize("reached", ["h1", "h9"])
def test_of_two_who_became_one_both_are_treated_and_the_money_counts_once(reached: str) -> None:
    shop = canonical(
        orders=[{"customer_id": "h9", "occurred_at": "2017-10-05"}],
        customer_merges=[
            {"old_id": o, "customer_id": "h1", "occurred_at": "2017-10-09"} for o in ("h8", "h9")
        ],
    )

    def found(*ids: str) -> pd.DataFrame:
        days = (date(2017, 10, 1), GONE30, date(2017, 11, 1))
        return labels(merged(shop), pd.Series(ids), *days, {reached}).set_index("customer_id")

    both = found("h1", "h2", "h9")
    assert both["label"].to_dict() == {"h1": 0, "h2": 1, "h9": 0}
    assert both["treated"].to_dict() == {"h1": True, "h2": False, "h9": True}
    assert [str(v) for v in both["window_net_amount"]] == ["10.00", "0.00", "0.00"]
    assert [str(v) for v in found("h8", "h9")["window_net_amount"]] == ["10.00", "0.00"]


def test_what_was_said_of_the_old_holds_for_the_survivor() -> None:
    assert followed(["h9", "h3"], {"h9": "h1"}) == {"h1", "h3"}


def _merge_first_two(shop: Path, on: date) -> tuple[str, str]:
    """Let the shop merge two of its buyers, told by the drop of `on`; returns (old, survivor)."""
    house = open_house(load(shop / "churn.toml"))
    with attempt(house, "score", FIRST, ()) as trial:
        ids = trial.canonical(FIRST)["orders"].customer_id.to_pyarrow().unique().to_pylist()
        trial.leave("no_data")
    old, survivor = sorted(ids)[:2]
    drop = shop / f"drops/customer_merges/drop={on.isoformat()}"
    drop.mkdir(parents=True)
    (drop / "m.csv").write_text(f"old,new,at\n{old},{survivor},{on.isoformat()} 00:00\n")
    with (shop / "churn.toml").open("a") as file:
        file.write(
            '\n[sources.customer_merges]\nfiles = "drops/customer_merges/drop=*/*.csv"\n'
            '[sources.customer_merges.columns]\nold_id = "old"\ncustomer_id = "new"\n'
            'occurred_at = "at"\n'
        )
    return old, survivor


@pytest.fixture(scope="module")
def united(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A shop that merged two buyers on 2017-10-15, ingested to 2017-11-01; and the two."""
    shop = Path(shutil.copytree(ingested, tmp_path_factory.mktemp("united") / "shop"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
        old, survivor = _merge_first_two(shop, MERGED_ON)
        flow.ingest(open_house(load(shop / "churn.toml")), SECOND)
    return shop, old, survivor


def test_a_merge_counts_from_the_day_it_was_known_and_not_before(
    united: tuple[Path, str, str], copy_of: Callable[[Path], House]
) -> None:
    shop, old, survivor = united
    house = copy_of(shop)

    def customers(cut: date) -> set[str]:
        with attempt(house, "score", cut, ()) as trial:
            ids = trial.canonical(cut)["orders"].customer_id.to_pyarrow().unique().to_pylist()
            trial.leave("no_data")
        return set(ids)

    assert {old, survivor} <= customers(MERGED_ON)
    after = customers(date(2017, 10, 16))
    assert old not in after
    assert survivor in after
    cut = date(2017, 10, 16)
    with attempt(house, "score", cut, ()) as trial:
        as_one = horizon.horizon(trial.canonical(cut), cut, house.config.contract)
        trial.leave("no_data")
    as_two = horizon.horizon(
        {"orders": house.warehouse.read("orders", house.published("orders"), as_of=cut)},
        cut,
        house.config.contract,
    )
    assert flow.horizon(house, cut)["gaps"] == as_one["gaps"] != as_two["gaps"]


def test_at_sending_the_old_references_suppression_and_withdrawal_hold_for_the_survivor(
    ingested: Path, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(ingested, shop)
    old, survivor = _merge_first_two(shop, MERGED_ON)
    drop = shop / "drops/consents/drop=2017-10-02"
    drop.mkdir(parents=True)
    (drop / "c.csv").write_text(f"who,purpose,given\n{old},contact,false\n")
    with (shop / "churn.toml").open("a") as file:
        file.write(
            '\n[sources.consents]\nfiles = "drops/consents/drop=*/*.csv"\n'
            '[sources.consents.columns]\ncustomer_id = "who"\npurpose = "purpose"\n'
            'given = "given"\n'
        )
    house = open_house(load(shop / "churn.toml"))
    flow.ingest(house, SECOND)
    assert asked(house)([survivor]) == {survivor: False}
    assert asked(house)([old]) == {old: False}
    assert barred(house)([survivor]) == set()
    assert barred(house)([old]) == {old}  # a row planned before the merge was known
    house.ledger.suppress(house.suppression_key(old), house.clock())
    assert barred(house)([survivor, "nobody"]) == {survivor}
    assert barred(house)([old, survivor, "nobody"]) == {old, survivor}


def test_a_plan_older_than_the_merge_removes_the_old_reference(
    united: tuple[Path, str, str], copy_of: Callable[[Path], House]
) -> None:
    shop, old, survivor = united
    house = copy_of(shop)
    guard = Guard.of(house.config, suppressed=barred(house), consents=asked(house))
    rows = [Row(c, "upsert", FIRST, {"offer": "NONE"}, "9f") for c in (old, survivor)]
    assert guard.withheld(rows) == {old: "suppressed"}
    house.ledger.suppress(house.suppression_key(survivor), house.clock())
    assert guard.withheld(rows) == {old: "suppressed", survivor: "suppressed"}
