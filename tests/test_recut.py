"""The cut made a second time: what it refuses, and what it takes out."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pytest

from churn_ml.errors import Leak
from churn_ml.in_memory import canonical
from churn_ml.recut import check_again, check_cut, cut_again

END = datetime(2017, 10, 1)
BEFORE = datetime(2017, 9, 30, 23, 59, 59, 999999)


def test_a_row_of_the_last_moment_that_is_known_at_the_cut_off_stays() -> None:
    shop = canonical(
        orders=[{"occurred_at": BEFORE, "known_at": END}],
        tickets=[{"occurred_at": BEFORE, "known_at": END, "resolved_at": None}],
    )
    assert check_cut(shop, END) == 2
    assert cut_again(shop, END)["tickets"].count().to_pyarrow().as_py() == 1


@pytest.mark.parametrize(
    "late",
    [
        {"occurred_at": END, "known_at": END},
        {"occurred_at": BEFORE, "known_at": datetime(2017, 10, 1, 0, 0, 1)},
        {"occurred_at": BEFORE, "known_at": END, "resolved_at": END},
        {"occurred_at": BEFORE, "known_at": END, "first_response_at": END},
    ],
)
def test_d17_what_comes_at_or_after_the_cut_off_is_refused_by_its_table_and_taken_out(
    late: dict[str, datetime],
) -> None:
    shop = canonical(orders=[{"occurred_at": BEFORE, "known_at": END}], tickets=[late])
    with pytest.raises(Leak, match=r"what comes after.*table tickets.*1 rows"):
        check_cut(shop, END)
    assert cut_again(shop, END)["tickets"].count().to_pyarrow().as_py() == 0


def told(**columns: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["anna", "ben"]} | columns)


def test_features_that_are_missing_in_both_are_the_same() -> None:
    rows = told(order_days_30d=[1.0, None], spend_30d=[1 / 3, 0.0])
    assert check_again(rows, rows.round(10), "2017-09-01") == 2


def test_d17_a_feature_that_is_missing_once_the_tables_are_cut_again_is_refused() -> None:
    rows = told(order_days_30d=[1.0, None])
    with pytest.raises(Leak, match=r"feature order_days_30d at 2017-09-01 \| got: 1 customers"):
        check_again(told(order_days_30d=[1.0, 2.0]), rows, "2017-09-01")


def test_d17_a_customer_who_is_at_risk_by_later_rows_only_is_refused() -> None:
    rows = told(order_days_30d=[1.0, 2.0])
    with pytest.raises(Leak, match=r"the customers at risk at 2017-09-01 \| got: 1 customers"):
        check_again(rows, rows.iloc[:1], "2017-09-01")
