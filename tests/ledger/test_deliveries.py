"""Plans and acks in the ledger; what the outbox needs of it is in tests/crm/test_journal.py."""

from __future__ import annotations

import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from churn_ml.errors import (
    BadInput,
    StaleAttempt,
)
from churn_ml.ledger import Ledger

from .telling import AT, OCT, SEP, rows


def test_a_plan_keeps_no_payload_of_a_settled_row(ledger: Ledger) -> None:
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2", "h3", "h4"), base=None)
    ledger.acknowledge(
        "p1", ["h1"], withdrawn=[("h2", "no consent")], rejected=[("h3", "BAD", "long")], at=AT
    )
    with ledger.reading() as connection:
        found = connection.exec_driver_sql("select customer_id, payload from plan_rows").all()
    assert {row[0]: row[1] for row in found} == {"h3": "", "h4": '{"score":0.25}'}
    assert ledger.rejections("crm") == [("h3", "BAD", "long")]


def test_customers_with_any_name_make_the_round_trip(ledger: Ledger) -> None:
    names = ["王小明 😀", "o'neil", '"; drop table plan_rows; --', "%s", ":id", "", " ", "A", "a"]
    ledger.save_plan("crm", "p1", OCT, rows(*names), base=None)
    ledger.acknowledge("p1", [*names, "stranger"], at=AT)
    assert set(ledger.state("crm")) == set(names)
    assert ledger.held("crm") == {name: f"hash of {name}" for name in names}


@pytest.mark.parametrize("base", [None, "p0"])
@pytest.mark.parametrize("customers", [(), ("h1", "h2")], ids=["no rows", "two rows"])
def test_of_planners_at_once_exactly_one_saves_its_plan(
    ledger: Ledger, base: str | None, customers: tuple[str, ...]
) -> None:
    if base:
        ledger.save_plan("crm", base, SEP, [], base=None)

    def plan(number: int) -> str:
        try:
            ledger.save_plan("crm", f"p{number}", OCT, rows(*customers), base=base)
        except StaleAttempt:
            return "refused"
        return f"p{number}"

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(plan, range(1, 7)))
    assert told[1:] == ["refused"] * 5
    assert ledger.last_plan("crm") == (told[0], OCT)
    saved = ledger.open_plan("crm")
    assert saved == ((told[0], OCT, rows(*customers)) if customers else None)


@pytest.mark.parametrize("between", [0, 6_000])
def test_a_plan_that_names_a_customer_twice_is_not_saved(ledger: Ledger, between: int) -> None:
    planned = rows("h1", *(f"c{number}" for number in range(between)), "h1")
    with pytest.raises(BadInput, match="names a customer twice"):
        ledger.save_plan("crm", "p1", OCT, iter(planned), base=None)
    assert ledger.last_plan("crm") is None
    assert ledger.open_plan("crm") is None


def test_d11_a_customer_id_that_the_ledger_cannot_hold_is_no_defect_of_ours(
    ledger: Ledger,
) -> None:
    key = "h" * 300
    if ledger.url.startswith("sqlite"):  # it takes every length
        ledger.save_plan("crm", "p1", OCT, rows(key), base=None)
        assert ledger.open_plan("crm") is not None
        return
    with pytest.raises(BadInput, match=r"longer than its column.*255.*at its source") as told:
        ledger.save_plan("crm", "p1", OCT, rows("h1", key), base=None)
    assert key not in "".join(traceback.format_exception(told.value))
    assert ledger.last_plan("crm") is None


def test_a_hundred_thousand_rows_are_planned_and_acknowledged_in_seconds(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    planned = rows(*(f"customer-{number:06}" for number in range(100_000)))
    started = time.process_time()
    ledger.save_plan("crm", "p1", OCT, planned, base=None)
    plan = ledger.open_plan("crm")
    assert plan is not None
    customers = [row[0] for row in plan[2]]
    for start in range(0, len(customers), 10_000):
        ledger.acknowledge("p1", customers[start : start + 10_000], at=AT)
    assert len(ledger.state("crm")) == 100_000
    assert time.process_time() - started < 10  # 3 s on a quiet machine
    ledger.close()
