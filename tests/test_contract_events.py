"""What retains, who is at risk and of whom a contract is: order, order_or_login, renewal, of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from churn_ml.cohort import cohort, eligible
from churn_ml.config import Contract
from churn_ml.errors import BadInput
from churn_ml.events import activity
from churn_ml.in_memory import canonical
from churn_ml.labels import labels

AS_OF, MATURE = date(2017, 10, 1), date(2017, 11, 1)
LOGIN = Contract(
    name="login30", event="order_or_login", lookback_days=90, horizon_days=30, settle_days=1
)
CLUB = Contract(name="club30", event="renewal", lookback_days=90, horizon_days=30, settle_days=1)


def order(who: str, day: str, **more: Any) -> dict[str, Any]:
    return {"customer_id": who, "occurred_at": day, **more}


def login(who: str, day: str) -> dict[str, Any]:
    return {"customer_id": who, "occurred_at": day, "kind": "login"}


def names(found: Any) -> list[str]:
    return sorted(found.to_pyarrow()["customer_id"].to_pylist())


def labelled(tables: Any, who: list[str], contract: Contract, **more: Any) -> list[int]:
    found = labels(tables, pd.Series(who), AS_OF, contract, MATURE, **more)
    return found.label.tolist()


def test_a_login_keeps_a_customer_eligible_and_silent_orders_do_not_make_them_lost() -> None:
    then = canonical(
        orders=[order("anna", "2017-03-01"), order("ben", "2017-03-01")],
        web_events=[login("anna", "2017-09-20"), login("zoe", "2017-09-20")],
    )
    assert names(eligible(then, AS_OF, LOGIN)) == ["anna"]
    people = cohort(then, AS_OF, LOGIN).set_index("customer_id")
    assert people.stage.to_dict() == {"anna": "returning", "ben": "lost"}
    assert people.loc["anna", "last_order_at"] == datetime(2017, 3, 1, 12)
    assert people.loc["anna", ["order_count", "one_time"]].tolist() == [1, True]
    assert names(eligible(then, AS_OF, LOGIN.model_copy(update={"event": "order"}))) == []


def test_a_login_in_the_window_retains_under_order_or_login_only() -> None:
    now = canonical(
        orders=[order("anna", "2017-09-01"), order("ben", "2017-10-05", status="returned")],
        web_events=[
            login("anna", "2017-10-30 23:59:59"),
            {**login("ben", "2017-10-05"), "kind": "page_view"},
        ],
    )
    assert labelled(now, ["anna", "ben"], LOGIN) == [0, 1]
    assert labelled(now, ["anna", "ben"], LOGIN.model_copy(update={"event": "order"})) == [1, 1]


def subscription(who: str, due: str, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": who,
        "occurred_at": "2016-10-01",
        "due_at": datetime.fromisoformat(due),
        **more,
    }


def test_under_a_renewal_contract_those_are_eligible_whose_period_ends_in_the_window() -> None:
    told = {
        "due": subscription("due", "2017-10-30T23:59"),
        "first": subscription("first", "2017-10-01T00:00"),
        "late": subscription("late", "2017-10-31T00:00"),
        "over": subscription("over", "2017-09-30T23:59"),
        "left": subscription("left", "2017-10-10", cancelled_at=datetime(2017, 9, 30)),
        "early": subscription("early", "2017-10-10", renewed_at=datetime(2017, 9, 30)),
        "begins": {**subscription("begins", "2017-10-10"), "occurred_at": "2017-10-02"},
        "stranger": subscription("stranger", "2017-10-10"),
    }
    orders = [order(who, "2016-10-01") for who in told if who != "stranger"]
    tables = canonical(orders=orders, subscriptions=list(told.values()))
    assert names(eligible(tables, AS_OF, CLUB)) == ["due", "first"]


def test_who_does_not_renew_within_the_window_has_churned() -> None:
    tables = canonical(
        orders=[order(who, "2016-10-01") for who in ("anna", "ben", "cleo", "dora")],
        subscriptions=[
            subscription("anna", "2017-10-15", renewed_at=datetime(2017, 10, 30, 23, 59)),
            subscription("ben", "2017-10-15", renewed_at=datetime(2017, 10, 31)),
            subscription("cleo", "2017-10-15", cancelled_at=datetime(2017, 10, 20)),
            subscription("dora", "2017-10-15"),
            subscription("dora", "2017-10-16", renewed_at=datetime(2017, 10, 16)),
        ],
    )
    assert labelled(tables, ["anna", "ben", "cleo", "dora"], CLUB) == [0, 1, 1, 0]


def test_an_early_renewal_that_became_known_late_has_not_churned() -> None:
    """Renewed on 28 September, told in October: due as of 1 October, and kept."""
    orders = [order("anna", "2016-10-01")]
    then = canonical(orders=orders, subscriptions=[subscription("anna", "2017-10-15")])
    renewed = subscription("anna", "2017-10-15", renewed_at=datetime(2017, 9, 28))
    assert names(eligible(then, AS_OF, CLUB)) == ["anna"]
    assert labelled(canonical(orders=orders, subscriptions=[renewed]), ["anna"], CLUB) == [0]


def test_a_renewals_window_begins_at_the_shops_midnight() -> None:
    """16:00 UTC of 30 September is 1 October in Shanghai: due inside the window there."""
    tables = canonical(
        orders=[order("anna", "2016-10-01")], subscriptions=[subscription("anna", "2017-09-30T16")]
    )
    assert names(eligible(tables, AS_OF, CLUB)) == []
    assert names(eligible(tables, AS_OF, CLUB, zone="Asia/Shanghai")) == ["anna"]
    assert labelled(tables, ["anna"], CLUB, zone="Asia/Shanghai") == [1]


def test_of_reads_the_attribute_as_it_is_valid_at_as_of() -> None:
    gold = Contract(lookback_days=90, of={"tier": ("gold",)})
    tiers = [
        {"customer_id": "anna", "tier": "basic", "occurred_at": "2017-01-01"},
        {"customer_id": "anna", "tier": "gold", "occurred_at": "2017-06-01"},
        {"customer_id": "ben", "tier": "gold", "occurred_at": "2017-01-01"},
        {"customer_id": "ben", "tier": "basic", "occurred_at": "2017-06-01"},
    ]
    orders = [order(who, "2017-09-01") for who in ("anna", "ben", "cleo")]
    tables = canonical(orders=orders, customers=tiers)
    assert names(eligible(tables, AS_OF, gold)) == ["anna"]
    people = cohort(tables, AS_OF, gold)
    assert people.loc[people.eligible, "customer_id"].tolist() == ["anna"]
    assert len(people) == 3


@pytest.mark.parametrize(
    ("contract", "table"),
    [
        (LOGIN, "web_events"),
        (CLUB, "subscriptions"),
        (Contract(of={"tier": ("gold",)}), "customers"),
    ],
)
def test_a_contract_names_the_table_it_lacks(contract: Contract, table: str) -> None:
    tables = canonical(orders=[order("anna", "2017-09-01")])
    with pytest.raises(BadInput, match=f"the table '{table}' is missing .*sources.{table}"):
        eligible(tables, AS_OF, contract)


def test_under_the_order_contract_only_orders_are_signs_of_life() -> None:
    tables = canonical(
        orders=[order("anna", "2017-09-01")], web_events=[login("anna", "2017-09-02")]
    )
    assert activity(tables, Contract()).count().to_pyarrow().as_py() == 1
