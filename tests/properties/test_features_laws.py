"""The laws of time and order, on the whole catalogue and every canonical table.

The laws are in laws.py, the shops in shops.py. Each example is one shop of many customers: the
queries of the catalogue take a second to plan, whatever they read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from churn_ml.features import CATALOGUE
from churn_ml.features.composites import COMPOSITES
from churn_ml.features.fulfilment import CANCELLATION
from churn_ml.features.group import GROUP
from churn_ml.features.market import GROWTH, UNEMPLOYMENT
from churn_ml.features.site import ABANDON_STEP, CHECKOUT_ABANDONMENT

from .laws import LAKES, PEOPLE, Lake, alone, finite_with_flags, late, lives, same, twins, world
from .shops import AS_OF, merged

LATER = date(2017, 11, 5)  # 35 days: whole weeks, so that weekdays stay what they are
OF_OTHERS = tuple(name for one in (*GROUP, *COMPOSITES) for name in one.names)
"""The named group indicators: they tell of others, or where one stands among them."""
OF_PLACING = (*CANCELLATION.names, *CHECKOUT_ABANDONMENT.names, *ABANDON_STEP.names)
"""What tells of orders as they were placed: a checkout led to one that was cancelled later."""
BY_MONTH = (*GROWTH.names, *UNEMPLOYMENT.names)
"""What is published by month, and so does not move by weeks."""

seeds = st.integers(0, 2**32 - 1)


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a smaller seed is no smaller shop
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def lake() -> Iterator[Lake]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield Lake(connection, AS_OF, LATER)


@examples(6)
@given(seeds)
@example(228250)  # an order is cancelled that a checkout had led to
def test_what_is_not_known_to_have_happened_yet_changes_nothing_and_corrections_replace(
    lake: Lake, seed: int
) -> None:
    frame = twins(lake, seed, but={"cancelled": OF_PLACING})
    finite_with_flags(lake, frame)


@examples(3)
@given(seeds)
def test_order_repetition_other_customers_and_the_worlds_future_change_nothing(
    lake: Lake, seed: int
) -> None:
    rows = merged(world(seed), lives(seed))
    frame = lake.frame(rows)
    for law in LAKES:
        law(lake, seed, rows, frame, **({"but": OF_OTHERS} if law is alone else {}))


def test_a_late_row_changes_a_later_as_of_and_moving_all_by_whole_weeks_nothing(
    lake: Lake,
) -> None:
    now = lake.frame(world(1), lives(1))
    parts = world(1, ends=LATER), lives(1, ends=LATER), lives(1, "0"), *late(1, "1")
    then = lake.frame(*parts, as_of=LATER)
    assert any(then[f"{one}0"] != then[f"{one}1"] for one in PEOPLE)
    for one in PEOPLE:
        same(lake, now[one], then[one], f"moved by weeks ({one})", {*OF_OTHERS, *BY_MONTH})


def test_the_laws_are_tried_on_shops_that_have_every_table_and_most_features(lake: Lake) -> None:
    read = {need for one in CATALOGUE for need in one.needs}
    assert set(lake.tables) == read
    rows = [row for seed in (1, 2) for row in lake.frame(world(seed), lives(seed)).values()]
    told = [n for at, n in enumerate(lake.told) if any(row[at] is not None for row in rows)]
    moving = [n for at, n in enumerate(lake.told) if len({row[at] for row in rows}) > 1]
    assert len(told) > 0.95 * len(lake.told)
    assert len(moving) > 0.8 * len(lake.told)
