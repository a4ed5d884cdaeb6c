"""Amounts in other currencies: the rate at the event, how old it may be, how it is rounded (D9)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.config import SourceTable
from churn_ml.tables import table
from churn_ml.validate import Rates, Validated
from churn_ml.validate.money import currencies, in_shop_currency

from .judging import judge, rows

SCHEMA = Rates.none().rows.schema


def rates(*told: tuple[str, int, str]) -> Rates:
    """Rates as (currency, day of September 2017, rate), known on their day."""
    return restated(*((code, day, datetime(2017, 9, day), rate) for code, day, rate in told))


def restated(*told: tuple[str, int, datetime, str]) -> Rates:
    """Rates as (currency, day of September 2017, known_at, rate)."""
    made = [
        {"currency": code, "occurred_at": datetime(2017, 9, day), "known_at": known}
        | {"rate": Decimal(rate)}
        for code, day, known, rate in told
    ]
    return Rates(pa.Table.from_pylist(made, schema=SCHEMA))


def judged(currency: str, amount: str, at: str, known: Rates) -> Validated:
    """An order of a shop that counts in USD."""
    return judged_all([(currency, amount, at)], known)


def judged_all(told: list[tuple[str, str, str]], known: Rates) -> Validated:
    """Orders (currency, amount, time) of a shop that counts in USD, numbered from 1."""
    numbers = list(range(1, len(told) + 1))
    currency, amount, at = (list(values) for values in zip(*told, strict=True))
    raw = pa.table(
        {"order_id": [str(n) for n in numbers], "customer_id": ["h"] * len(told)}
        | {"occurred_at": at, "net_amount": amount, "currency": currency}
        | {"shipping_amount": ["1"] * len(told), "lot": ["a"] * len(told), "lot_row": numbers}
        | {"drop_on": [date(2017, 10, 1)] * len(told)}
    )
    return judge(raw, "orders", SourceTable(), rates=known)


def test_every_amount_of_a_row_is_converted_at_the_last_rate_before_it() -> None:
    known = rates(("EUR", 28, "1.1"), ("EUR", 29, "1.2"), ("EUR", 30, "1.3"), ("CNY", 29, "9"))
    found = rows(judged("EUR", "10.00", "2017-09-29 23:59", known).accepted).to_pylist()[0]
    assert (found["net_amount"], found["shipping_amount"]) == (Decimal("12.00"), Decimal("1.20"))
    assert (found["currency"], found["source_currency"]) == ("USD", "EUR")
    assert found["exchange_rate"] == Decimal("1.2")
    assert found["discount_amount"] is None


def test_a_rate_holds_from_the_very_start_of_its_day() -> None:
    known = rates(("EUR", 28, "1"), ("EUR", 29, "2"))
    found = rows(judged("EUR", "10.00", "2017-09-29 00:00", known).accepted)
    assert found["net_amount"].to_pylist() == [Decimal("20.00")]


def test_the_shops_own_currency_needs_no_rate() -> None:
    found = rows(judged("USD", "10.00", "2017-09-29", Rates.none()).accepted).to_pylist()[0]
    assert (found["net_amount"], found["source_currency"]) == (Decimal("10.00"), None)
    assert found["exchange_rate"] is None


def test_a_row_without_a_rate_of_the_last_seven_days_is_set_aside() -> None:
    told: list[tuple[str, str, str | None]] = [
        ("EUR", "2017-09-08 00:00", None),
        ("EUR", "2017-09-08 00:01", "orders.currency.no_rate"),
        ("EUR", "2017-08-31 23:59", "orders.currency.no_rate"),
        ("CNY", "2017-09-02", "orders.currency.no_rate"),
        ("XXX", "2017-09-02", "orders.currency.known"),
        ("eur", "2017-09-02", "orders.currency.known"),
        ("EURO", "2017-09-02", "orders.currency.known"),
        ("", "2017-09-02", "orders.currency.required"),
    ]
    result = judged_all([(code, "10", at) for code, at, _ in told], rates(("EUR", 1, "1.2")))
    aside = {row["lot_row"]: row["rule"] for row in rows(result.quarantine).to_pylist()}
    assert aside == {n: rule for n, (*_, rule) in enumerate(told, start=1) if rule}
    assert rows(result.accepted)["order_id"].to_pylist() == ["1"]


def test_amounts_are_rounded_half_to_even() -> None:
    told = {"0.05": "0.02", "0.15": "0.08", "0.01": "0.00"}
    orders = [("EUR", amount, "2017-09-02") for amount in (*told, "-1")]
    found = rows(judged_all(orders, rates(("EUR", 1, "0.5"))).accepted)
    assert found["net_amount"].to_pylist() == [Decimal(each) for each in told.values()]


def test_an_amount_too_large_after_the_conversion_is_not_lost_in_silence() -> None:
    result = judged("EUR", "9999999999999999", "2017-09-02", rates(("EUR", 1, "9999")))
    assert list(result.rules) == ["orders.currency.no_rate"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["USD", "EUR", "JPY"]),
            st.decimals(0, 10**9, places=2),
            st.decimals("0.00000001", 1000, places=8),
        ),
        max_size=20,
    )
)
def test_conversion_is_the_product_rounded_half_even(told: list[tuple[Any, ...]]) -> None:
    """Exact decimals, whatever the amounts: D9."""
    per_code = {code: rate for code, _, rate in told if code != "USD"}
    known = rates(*((code, 1, str(rate)) for code, rate in per_code.items()))
    made = [
        {"net_amount": amount, "currency": code, "occurred_at": datetime(2017, 9, 2)}
        for code, amount, _ in told
    ]
    typed = pa.Table.from_pylist(made, schema=table("orders").schema())
    typed = typed.append_column("row", pa.array(range(len(made)), pa.int64()))
    done, bad = in_shop_currency(typed, table("orders"), currency="USD", rates=known)
    cent = Decimal("0.01")
    assert bad.tolist() == []
    assert done["net_amount"].to_pylist() == [
        (amount * per_code.get(code, Decimal(1))).quantize(cent) for code, amount, _ in told
    ]


def test_of_two_rates_known_at_once_for_one_day_the_last_told_counts() -> None:
    twice = pa.concat_tables([rates(("EUR", 1, "1")).rows, rates(("EUR", 1, "2")).rows])
    assert Rates.newest(twice, 3).rows["rate"].to_pylist() == [Decimal("2.00000000")]


BEFORE, AFTER, LATER = datetime(2017, 10, 1), datetime(2017, 10, 3), datetime(2017, 10, 20)


@pytest.mark.parametrize(
    ("told", "rate"),
    [
        ([("EUR", 29, BEFORE, "1.1"), ("EUR", 29, LATER, "1.9")], "1.1"),
        ([("EUR", 29, datetime(2017, 9, 30), "1.0"), ("EUR", 29, BEFORE, "1.1")], "1.1"),
        ([("EUR", 28, BEFORE, "1.1"), ("EUR", 29, AFTER, "1.9")], "1.1"),
        ([("EUR", 28, AFTER, "1.0"), ("EUR", 29, LATER, "1.9"), ("EUR", 29, AFTER, "1.1")], "1.1"),
        ([("EUR", 20, BEFORE, "1.0"), ("EUR", 29, AFTER, "1.1")], "1.1"),
    ],
    ids=["restated later", "restated in time", "late", "none known: the first word", "too old"],
)
def test_a_rate_that_was_known_after_the_row_changes_nothing_of_it(
    told: list[tuple[str, int, datetime, str]], rate: str
) -> None:
    found = rows(judged("EUR", "10.00", "2017-09-29 23:59", restated(*told)).accepted)
    assert found["exchange_rate"].to_pylist() == [Decimal(rate)]


def test_the_codes_are_those_of_money_in_use_or_once_in_use() -> None:
    assert {"EUR", "USD", "CNY", "JPY", "DEM"} <= set(currencies())
    assert not {"XXX", "XTS", "XAU", "BTC", ""} & set(currencies())
