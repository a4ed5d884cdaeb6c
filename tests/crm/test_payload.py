"""What counts as a change: the hash that ledgers hold since the first export, and what it is of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_ml.crm.columns import Column
from churn_ml.crm.payload import FIELDS, NAMES, hashed, hashes, removal, restored, saved
from churn_ml.crm.protocol import Row

AS_OF = date(2017, 10, 1)
FULL = {
    "customer_id": "h1",
    "as_of": "2017-10-01",
    "contract": "gone30-1",
    "model": "rule-1",
    "threshold": 0.0,
    "stage": "silent",
    "score": 0.6,
    "risk_band": "high",
    "value_band": "high",
    "value_at_risk": 100.0,
    "segment": "A",
    "offer": "COUPON",
    "arm": "open",
    "experiment": "spring:control",
    "reasons": "raises the risk: gap_ratio",
    "cause": "FX",
    "evidence": "e",
    "named_segments": "HIGH_RISK",
}
GOLDEN: list[tuple[str, dict[str, Any]]] = [
    ("c4f9cc8869c17f285fc259e38ae5136c5fff1bd257739e7a9c146feff0b5fe03", {}),
    (
        "cf296b4872a89f8ea1280d773d918a61e4198e231fa7d3e090e605a725538d42",
        {"stage": "沉默 😀", "cause": 'Größe "x"\n\\'},
    ),
    (
        "1242add1fce8b141b0966f7e3d4a5989fbcb0ae8637409f8d38740e1187a1109",
        {"score": 1e-05, "value_at_risk": 1e16},
    ),
    (
        "3063fdac9a6c72233210b89830bd5eff42dcbd02fe0577de144d6f90d42d02cd",
        {"score": 1 / 3, "value_at_risk": 0.1 + 0.2},
    ),
    (
        "0eece664ad73c55e5ecfcdb973544b7d406c80f5ae673a614d545801acd105ec",
        {"value_at_risk": 100},
    ),
    (
        "4de8cab251bdb2ee9a590042bf6b0fac205f93bf905ec8974ef4d35adccb08d6",
        {"score": -0.0},
    ),
    (
        "a0d3f3bc9584c29ec9a08920b55f615c78090fd9526ea24922ac6b578f0f8204",
        {"value_at_risk": -12.5},
    ),
    (
        "01d760aef7a7200499ef1fde88ca6de02b02ab598a328c688941c5cdb9d7d24f",
        {"stage": date(2017, 10, 1)},
    ),
    (
        "df1e77d99d91029f03a50530966dc5413ac061aa2408ea214e192938431a32c5",
        {"value_at_risk": Decimal("12.50")},
    ),
    (
        "1cbdf36087a9e92839dd6a32d387a767003e65e8ab471a6514063a8c8a8d97bf",
        dict.fromkeys(NAMES) | {"segment": "PROFILING_OPT_OUT", "offer": "NONE"},
    ),
]
TEXTS = [field.name for field in FIELDS if field.type == "text"]
NUMBERS = [field.name for field in FIELDS if field.type == "number"]
SAID = st.sampled_from(["", "A", "NONE", "沉默 😀", "'", '"', "\\", "é", "e\u0301", "NaN", "null"])
AMOUNTS = st.sampled_from([0.0, -0.0, 0.5, 1 / 3, 1e-05, 1e16, -12.5, 5e-324])
CELLS = {name: SAID | st.none() for name in TEXTS} | {n: AMOUNTS | st.none() for n in NUMBERS}


@pytest.mark.parametrize(("known", "changed"), GOLDEN)
def test_the_hash_is_the_one_that_ledgers_hold(known: str, changed: dict[str, Any]) -> None:
    assert hashed(FULL | changed, delivers=False) == known


def test_the_hash_of_a_contact_is_of_its_date_too() -> None:
    known = "a9dcca8a2dae56423312274c75468b35c71af6fa783b99117ab88a1b61c1e3c1"
    assert hashed(FULL, delivers=True) == known
    assert hashed(FULL | {"as_of": "2017-11-01"}, delivers=True) != known


@given(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=8), st.booleans())
def test_the_rows_of_columns_have_the_hashes_of_their_cells(
    told: list[dict[str, Any]], delivers: bool
) -> None:
    rows = [cells | {"as_of": "2017-10-01"} for cells in told]
    frame = pd.DataFrame(rows).astype(dict.fromkeys(TEXTS, "str") | dict.fromkeys(NUMBERS, float))
    columns = {name: Column.of(frame[name]) for name in NAMES}
    held = [{name: columns[name].at([n])[0] for name in NAMES} for n in range(len(rows))]
    assert held == rows
    assert hashes(columns, delivers=delivers) == [hashed(row, delivers=delivers) for row in held]


def test_names_survive_the_journal() -> None:
    row = Row("王小明 😀", "upsert", AS_OF, {"stage": "沉默", "score": 0.6}, "9f", contact=True)
    assert restored(saved(row), AS_OF) == row
    assert restored(saved(removal("h1", AS_OF)), AS_OF) == removal("h1", AS_OF)
