"""What merged customers have said and are: the safe reading of two words on one person."""

from __future__ import annotations

import pytest

from churn_ml.flow.said import consents
from churn_ml.in_memory import canonical
from churn_ml.merges import merged

MERGE = [{"old_id": "h9", "customer_id": "h1", "occurred_at": "2017-08-01"}]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([("h1", "02-01", False), ("h9", "03-01", True)], False),
        ([("h9", "02-01", False), ("h1", "03-01", True)], False),
        ([("h9", "02-01", True), ("h1", "03-01", False)], False),
        ([("h9", "02-01", False), ("h9", "02-15", True), ("h1", "03-01", True)], True),
        ([("h1", "02-01", False), ("h1", "03-01", True)], True),
        ([("h9", "03-01", True)], True),
    ],
)
def test_consent_withdrawn_under_either_reference_is_withdrawn(
    words: list[tuple[str, str, bool]], given: bool
) -> None:
    said = [
        {"customer_id": c, "purpose": "contact", "given": yes, "occurred_at": f"2017-{day}"}
        for c, day, yes in words
    ]
    shop = canonical(consents=said, customer_merges=MERGE)
    assert consents(merged(shop)).to_dict() == {"h1": given}


def test_a_withdrawal_overrides_its_own_purpose_alone_and_nobody_elses_consent() -> None:
    told = {"purpose": "contact", "given": True, "occurred_at": "2017-03-01"}
    shop = canonical(
        consents=[
            told | {"customer_id": "h1"},
            told | {"customer_id": "h2"},
            told | {"customer_id": "h9", "purpose": "profiling", "given": False},
        ],
        customer_merges=MERGE,
    )
    assert consents(merged(shop)).to_dict() == {"h1": True, "h2": True}


def test_what_the_survivor_leaves_empty_is_as_the_old_reference_said() -> None:
    shop = canonical(
        customers=[
            {"customer_id": "h1", "tier": None, "occurred_at": "2017-01-01"},
            {"customer_id": "h9", "tier": "gold", "occurred_at": "2017-06-01"},
        ],
        customer_merges=MERGE,
    )
    rows = merged(shop)["customers"].to_pyarrow().to_pylist()
    said = sorted((row["occurred_at"].month, row["customer_id"], row["tier"]) for row in rows)
    assert said == [(1, "h1", None), (6, "h1", "gold")]
