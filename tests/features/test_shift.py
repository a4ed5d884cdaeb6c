"""A shift between categories, by hand: the main one was not bought before, the whole mix moved."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from churn_ml.features import trainable
from churn_ml.features.indicator import Indicator
from churn_ml.features.shift import CATEGORY_DISTANCE, MAIN_CATEGORY, SHIFT

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]
Bought = tuple[int, str, str]
GOODS = ("milk", "bread", "soap")
BEFORE: tuple[Bought, ...] = ((90, "milk", "5"), (46, "milk", "5"), (60, "bread", "10"))


@pytest.fixture
def at(read: Read, on: On) -> Callable[..., float | None]:
    """at(INDICATOR, (10, "milk", "5.00"), ...): its column; an order a line, a category a product.

    The customer has been one for 90 days, unless told otherwise.
    """

    def column(indicator: Indicator, *bought: Bought, first: int = 90) -> float | None:
        orders, lines = on(first, order_id="first"), []
        for number, (days, product, amount) in enumerate(bought):
            (order,) = on(days, order_id=str(number))
            orders.append(order)
            lines.append(order | {"product_id": product, "net_amount": Decimal(amount)})
        products = [{"occurred_at": "2017-01-01", "product_id": p, "category": p} for p in GOODS]
        (found,) = read(indicator, orders=orders, order_lines=lines, products=products).values()
        return found

    return column


At = Callable[..., float | None]


@pytest.mark.parametrize(
    ("late", "moved", "distance"),
    [
        # shares before: milk 1/2, bread 1/2
        ((("milk", "8"), ("bread", "8")), 0, 0.0),
        ((("soap", "8"),), 1, 1.0),
        ((("milk", "8"), ("soap", "8")), 0, 0.5**0.5),  # two main ones: the one known speaks
        ((("soap", "9"), ("milk", "8")), 1, None),
        # (3/4 log2 1.2 + 1/4 log2 (2/3) + 1/2 log2 0.8 + 1/2 log2 (4/3)) / 2 = 0.0487949
        ((("milk", "6"), ("bread", "2")), 0, 0.0487949**0.5),
    ],
)
def test_the_last_days_are_compared_with_as_many_before(
    at: At, late: tuple[tuple[str, str], ...], moved: int, distance: float | None
) -> None:
    bought = (*BEFORE, *((45 - n, product, amount) for n, (product, amount) in enumerate(late)))
    assert at(MAIN_CATEGORY, *bought) == moved
    if distance is not None:
        assert at(CATEGORY_DISTANCE, *bought) == pytest.approx(distance, abs=1e-5)


@pytest.mark.parametrize(("soap", "moved"), [("0.99", 1), ("1.00", 0)])
def test_the_main_category_moved_where_it_had_less_than_a_tenth(
    at: At, soap: str, moved: int
) -> None:
    milk = str(10 - Decimal(soap))
    bought = ((60, "milk", milk), (60, "soap", soap), (5, "soap", "7"), (5, "milk", "6"))
    assert at(MAIN_CATEGORY, *bought) == moved


@pytest.mark.parametrize(
    ("bought", "first"),
    [
        (BEFORE, 90),  # nothing of late
        (((45, "milk", "5"), (3, "soap", "5")), 90),  # nothing before
        (((91, "milk", "5"), (3, "soap", "5")), 91),  # too long ago
        (((60, "milk", "0"), (3, "soap", "5")), 90),  # for nothing
        (((60, "milk", "5"), (3, "soap", "5")), 89),  # no customer yet when the earlier days began
    ],
)
def test_without_spend_in_both_windows_nothing_is_known(
    at: At, bought: tuple[Bought, ...], first: int
) -> None:
    for indicator in SHIFT:
        assert at(indicator, *bought, first=first) is None


def test_a_category_for_nothing_in_both_windows_adds_nothing(at: At) -> None:
    gifts = ((60, "soap", "0"), (5, "soap", "0"), (5, "milk", "8"), (5, "bread", "8"))
    assert at(CATEGORY_DISTANCE, *BEFORE, *gifts) == 0


def test_no_model_learns_from_a_shift() -> None:
    assert trainable(SHIFT) == ()
