"""Of what shall be held only the rows are made that are asked for, and they are the same rows."""

from __future__ import annotations

from datetime import date

import pytest

from churn_ml.crm import Row
from churn_ml.crm.desired import Desired
from churn_ml.crm.payload import quiet

DAY = date(2017, 10, 1)
ROWS = [
    Row(c, "upsert", DAY, {"segment": s, "offer": "COUPON"}, f"hash of {c}", contact=True)
    for c, s in (("a", "1"), ("b", "2"), ("c", "3"))
]


def test_rows_as_columns_are_the_same_rows() -> None:
    desired = Desired.of(ROWS)
    assert list(desired) == desired[:] == ROWS
    assert (desired[-1], desired[::2], len(desired)) == (ROWS[2], ROWS[::2], 3)
    assert Desired.of(desired) is desired
    with pytest.raises(IndexError):
        desired[3]


def test_who_may_not_be_contacted_now_is_told_the_rest_in_the_same_place() -> None:
    desired = Desired.of(ROWS).quietly({"b", "nobody"})
    expected = [ROWS[0], quiet(ROWS[1]), ROWS[2]]
    assert list(desired) == expected
    assert desired.made([1]) == [quiet(ROWS[1])]
    assert desired.hashes == [row.content_hash for row in expected]
    assert (desired.contacts, desired.offers) == ([True, False, True], ["COUPON", "NONE", "COUPON"])
    assert list(Desired.of(ROWS)) == ROWS
