"""The plan's id: what makes a row sent twice one request."""

from __future__ import annotations

from datetime import date

from churn_ml.crm import Row
from churn_ml.crm.plan import plan

OCTOBER = date(2017, 10, 1)


def test_the_same_plan_has_the_same_id_and_a_later_one_another() -> None:
    rows = [Row("a", "upsert", OCTOBER, {"segment": "1"}, "hash of 1")]

    def planned(last: tuple[str, date] | None, destination: str = "crm") -> str:
        nobody: frozenset[str] = frozenset()
        return plan(rows, OCTOBER, destination, held={}, last=last, withheld=nobody).id

    assert planned(None) == planned(None)
    assert len({planned(None), planned(("p1", OCTOBER)), planned(None, "other")}) == 3
