"""The tolerance: per rule and lot, in a message that says everything the reader has to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from churn_ml.config import Validation
from churn_ml.errors import BadConfig, OverTolerance
from churn_ml.tables import SOURCE_TABLES
from churn_ml.validate import Validated, check_tolerance, known_rules, outcomes

from .judging import judge

RULE = "products.product_id.required"


def products(**lots: list[Any]) -> Validated:
    """Products whose ids are given per lot; None is a bad row."""
    ids = [value for values in lots.values() for value in values]
    raw = pa.table(
        {
            "product_id": pa.array(ids, pa.string()),
            "lot": pa.array([lot for lot, found in lots.items() for _ in found], pa.string()),
            "lot_row": pa.array([i for found in lots.values() for i in range(1, len(found) + 1)]),
            "drop_on": pa.repeat(pa.scalar(date(2017, 1, 2)), len(ids)),
        }
    )
    return judge(raw, "products")


def test_a_share_at_the_tolerance_passes_and_above_it_does_not() -> None:
    one_in_four = products(a=["1", "2", "3", None])
    check_tolerance(one_in_four, Validation(tolerance=0.25))
    with pytest.raises(OverTolerance):
        check_tolerance(one_in_four, Validation(tolerance=0.24))


def test_a_rule_has_its_own_tolerance() -> None:
    check_tolerance(products(a=["1", None]), Validation(tolerance=0, rules={RULE: 0.5}))


def test_one_bad_lot_among_good_ones_is_named_with_all_five_parts() -> None:
    result = products(a=[str(i) for i in range(98)], b=["x", None])
    with pytest.raises(OverTolerance) as error:
        check_tolerance(result, Validation(tolerance=0.1), {"b": "drops/b.csv"})
    assert error.value.where == "table products, column product_id, file drops/b.csv, row 2"
    assert RULE in error.value.what
    assert "product_id is empty" in error.value.what
    assert error.value.got == "50.00% (1 of 2 rows)"
    assert error.value.expected == "at most 10.00%"
    assert f'"{RULE}" = 0.51' in str(error.value.next_step)


def test_the_worst_lot_is_told_and_the_others_counted() -> None:
    result = products(a=["1", "2", None], b=["3", None])
    with pytest.raises(OverTolerance, match="1 more rules or lots") as error:
        check_tolerance(result, Validation(), {"a": "a.csv", "b": "b.csv"})
    assert "b.csv" in str(error.value.where)


def test_the_table_counts_its_lots_and_a_rule_those_it_was_broken_in() -> None:
    result = products(a=["1", "2"], b=["3", None], c=["4"])
    assert [(o.rule, o.lots) for o in outcomes(result, Validation())] == [
        ("products", 3),
        (RULE, 1),
    ]


def test_excluded_rows_do_not_count() -> None:
    check_tolerance(products(a=["1", "1", "1"]), Validation(tolerance=0))


def test_an_ingest_of_which_no_row_is_left_is_refused_whatever_the_tolerance() -> None:
    with pytest.raises(OverTolerance, match="not one row was accepted") as error:
        check_tolerance(products(a=[None], b=[None]), Validation(tolerance=1))
    assert RULE in error.value.what
    assert error.value.got == "1 of 1 rows of the lot quarantined"
    assert error.value.expected == "at least one row that may be published"
    assert "tolerance" not in str(error.value.next_step)


def test_a_rule_that_only_warns_leaves_no_ingest_without_a_row() -> None:
    """All rows were repeats: what some of them were warned of has taken none away."""
    repeats = products(a=["1", "1"])
    warned = replace(repeats.broken[0], rule="products.brand.known", verdict="warned")
    empty = replace(
        repeats, accepted=replace(repeats.accepted, rows=0), broken=(*repeats.broken, warned)
    )
    check_tolerance(empty, Validation())
    assert outcomes(empty, Validation())[0].passed


def test_a_lot_without_rows_breaks_nothing() -> None:
    empty = products(a=["1"], b=[])
    check_tolerance(empty, Validation(tolerance=0))
    assert empty.broken == ()


@pytest.mark.parametrize("rule", ["products.brand.nice", "product.brand.parse", "nice"])
def test_a_tolerance_for_an_unknown_rule_is_refused(rule: str) -> None:
    with pytest.raises(BadConfig, match="there is no rule"):
        check_tolerance(products(a=["1"]), Validation(rules={rule: 0.5}))


@pytest.mark.parametrize("name", SOURCE_TABLES)
def test_rules_have_three_parts_and_are_unique(name: str) -> None:
    rules = known_rules(name)
    assert len(set(rules)) == len(rules)
    assert all(rule.count(".") == 2 and rule.startswith(f"{name}.") for rule in rules)
