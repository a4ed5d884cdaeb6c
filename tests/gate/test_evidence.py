"""The frozen evaluation set: what it refuses, and what names it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from churn_ml.economics import Truth
from churn_ml.errors import BadInput, NotReady
from churn_ml.gate.evidence import Evidence, rows_hash

DAY = date(2017, 10, 1)


def _panel(**columns: object) -> pd.DataFrame:
    rows = {"customer_id": ["h1", "h2", "h3"], "cut_off": [DAY] * 3, "label": [1, 0, 0]}
    return pd.DataFrame(rows | {"treated": [False] * 3} | columns)


def test_an_immature_label_is_refused_not_read_as_0() -> None:
    panel = _panel(label=pd.array([1, 0, None], dtype="Int64"))
    with pytest.raises(BadInput, match="label of the evaluation set is missing"):
        Evidence.of(panel, np.ones(3), {})


def test_a_customer_twice_at_one_cut_off_is_refused() -> None:
    with pytest.raises(BadInput, match="twice at one cut-off"):
        Evidence.of(_panel(customer_id=["h1", "h1", "h3"]), np.ones(3), {})


def test_a_value_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(BadInput, match="finite"):
        Evidence.of(_panel(), np.array([1.0, np.nan, 1.0]), {})


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        Evidence.of(_panel().iloc[:0], np.empty(0), {})


def test_once_customers_were_contacted_there_is_no_evidence_without_a_holdout() -> None:
    panel = _panel(treated=[False, True, False])
    with pytest.raises(NotReady, match="no universal holdout"):
        Evidence.of(panel, np.ones(3), {})


def test_with_a_holdout_only_its_rows_are_evidence() -> None:
    panel = _panel(treated=[False, True, False])
    holdout = np.array([False, False, True])
    kept = Evidence.of(
        panel, np.array([1.0, 2.0, 3.0]), {"stage": np.array(list("abc"))}, holdout=holdout
    )
    assert kept.customer_id.tolist() == ["h3"]
    assert kept.truth.value.tolist() == [3.0]
    assert kept.slices["stage"].tolist() == ["c"]


def test_the_hash_names_content_not_order() -> None:
    one = Evidence.of(_panel(), np.array([1.0, 2.0, 3.0]), {})
    turned = Evidence.of(_panel().iloc[[2, 0, 1]], np.array([3.0, 1.0, 2.0]), {})
    assert one.hash == turned.hash
    assert one.rows_hash != turned.rows_hash


@pytest.mark.parametrize("changed", ["label", "value", "customer_id", "contactable"])
def test_the_hash_changes_with_label_value_customer_and_consent(changed: str) -> None:
    one = Evidence.of(_panel(), np.array([1.0, 2.0, 3.0]), {})
    other = {
        "label": Evidence.of(_panel(label=[1, 1, 0]), np.array([1.0, 2.0, 3.0]), {}),
        "value": Evidence.of(_panel(), np.array([1.0, 2.0, 3.5]), {}),
        "contactable": Evidence.of(_panel(contactable=False), np.array([1.0, 2.0, 3.0]), {}),
        "customer_id": Evidence.of(
            _panel(customer_id=["h1", "h2", "h4"]), np.array([1.0, 2.0, 3.0]), {}
        ),
    }
    assert one.hash != other[changed].hash


def test_rows_are_named_by_customer_and_cut_off() -> None:
    assert rows_hash(["h1"], [DAY]) != rows_hash(["h1"], [date(2017, 9, 1)])
    assert rows_hash(["h1", "h2"], [DAY] * 2) != rows_hash(["h2", "h1"], [DAY] * 2)


def test_truth_and_rows_of_different_length_are_refused() -> None:
    with pytest.raises(BadInput, match="differ in length"):
        Evidence(np.array(["h1"]), np.array([DAY], "datetime64[D]"), Truth(np.ones(2), np.ones(2)))
