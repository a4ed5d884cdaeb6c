"""The plan: its id makes a row sent twice one request, and it makes no row that is not sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from churn_ml.crm import Row
from churn_ml.crm.desired import Desired
from churn_ml.crm.plan import plan

OCTOBER = date(2017, 10, 1)


def test_the_same_plan_has_the_same_id_and_a_later_one_another() -> None:
    rows = [Row("a", "upsert", OCTOBER, {"segment": "1"}, "hash of 1")]

    def planned(last: tuple[str, date] | None, destination: str = "crm") -> str:
        nobody: frozenset[str] = frozenset()
        return plan(rows, OCTOBER, destination, held={}, last=last, withheld=nobody).id

    assert planned(None) == planned(None)
    assert len({planned(None), planned(("p1", OCTOBER)), planned(None, "other")}) == 3


def test_of_what_is_there_already_or_withheld_no_row_is_made() -> None:
    rows = [Row(c, "upsert", OCTOBER, {"segment": "1"}, f"hash of {c}") for c in "abcd"]
    asked: list[int] = []

    def made(numbers: Sequence[int]) -> list[Row]:
        asked.extend(numbers)
        return [rows[number] for number in numbers]

    desired = replace(Desired.of(rows), made=made)
    held = {"a": "hash of a", "b": "another", "d": "hash of d"}
    found = plan(desired, OCTOBER, "crm", held=held, last=None, withheld=frozenset("d"))
    assert [(row.customer_id, row.op) for row in found.rows] == [
        ("b", "upsert"),
        ("c", "upsert"),
        ("d", "remove"),
    ]
    assert asked == [1, 2]
    assert found.unchanged == {"a"}
