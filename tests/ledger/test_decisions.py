"""Who decided what: a champion for every date, and a chain that shows every change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.errors import (
    BadInput,
    Tampered,
)
from churn_ml.ledger import Ledger
from churn_ml.ledger.chain import row_hash
from churn_ml.ledger.schema import DECISIONS

from .telling import AT, NOV, OCT, SEP


def decide(ledger: Ledger, as_of: date, kind: Any, model: str, **further: Any) -> None:
    former = ledger.champion(as_of)
    ledger.decide(
        as_of, kind, champion_from=former, champion_to=model, who="test", at=AT, **further
    )


def test_there_is_a_champion_for_every_past_date(ledger: Ledger) -> None:
    decide(ledger, SEP, "first", "rule")
    decide(ledger, NOV, "promote", "xgboost")
    decide(ledger, NOV + timedelta(days=28), "refuse", "logistic")
    decide(ledger, NOV + timedelta(days=56), "rollback", "rule")
    days = [SEP - timedelta(days=1), SEP, OCT, NOV, NOV + timedelta(days=40)]
    days.append(NOV + timedelta(days=60))
    assert [ledger.champion(day) for day in days] == [
        *(None, "rule", "rule", "xgboost", "xgboost", "rule")
    ]


def test_a_decision_taken_later_for_an_earlier_date_does_not_dethrone_the_newer_one(
    ledger: Ledger,
) -> None:
    decide(ledger, NOV, "promote", "xgboost")
    decide(ledger, SEP, "first", "rule")
    assert [ledger.champion(day) for day in (OCT, NOV)] == ["rule", "xgboost"]


def test_of_two_decisions_for_one_date_the_later_one_counts(ledger: Ledger) -> None:
    decide(ledger, OCT, "first", "rule")
    decide(ledger, OCT, "override", "xgboost")
    assert ledger.champion(OCT) == "xgboost"


def test_the_same_pair_on_the_same_evidence_finds_its_verdict(ledger: Ledger) -> None:
    decide(ledger, SEP, "first", "rule")
    verdict = {"decision": "keep", "interval": [-1.5, 0.25], "reasons": ["profit"]}
    said = {"evidence_hash": "e1", "verdict": verdict, "alpha_spent": 0.0038}
    decide(ledger, OCT, "refuse", "xgboost", **said)
    found = ledger.stored_verdict("rule", "xgboost", "e1")
    assert found is not None
    assert (found.kind, found.verdict, found.at) == ("refuse", verdict, AT)
    assert found in ledger.decisions()
    for other in (("rule", "xgboost", "e2"), ("rule", "logistic", "e1"), ("x", "xgboost", "e1")):
        assert ledger.stored_verdict(*other) is None


def test_alpha_is_added_up_by_business_year(ledger: Ledger) -> None:
    days = (date(2016, 12, 31), date(2017, 1, 1), date(2017, 12, 31), date(2018, 1, 1))
    for day, alpha in zip(days, (0.001, 0.002, 0.004, 0.008), strict=True):
        decide(ledger, day, "refuse", "xgboost", alpha_spent=alpha)
    assert ledger.alpha_spent(2017) == pytest.approx(0.006)
    assert ledger.alpha_spent(2015) == 0.0


def test_a_decision_says_what_it_decides_on(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="unknown kind of decision"):
        decide(ledger, OCT, "crown", "rule")
    with pytest.raises(BadInput, match="names no model"):
        ledger.decide(OCT, "promote", champion_from="a", champion_to=None, who="test", at=AT)
    with pytest.raises(ValueError, match="not JSON compliant"):
        decide(ledger, OCT, "first", "rule", verdict={"auc": float("nan")})
    assert ledger.decisions() == []


def test_deciders_at_once_keep_the_chain(ledger: Ledger) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: decide(ledger, OCT, "refuse", f"model-{n}"), range(24)))
    assert ledger.verify() == 24
    assert [d.number for d in ledger.decisions()] == list(range(1, 25))


TAMPERED = [
    ("a changed model", "update decisions set champion_to = 'xgboosu' where number = 2", 2),
    ("a changed verdict", "update decisions set verdict = replace(verdict, '3', '4')", 1),
    ("a changed date", "update decisions set as_of = '2017-10-02' where number = 3", 3),
    ("a changed time", "update decisions set decided_at = '2026-11-21 09:00:00.000001'", 1),
    ("a changed alpha", "update decisions set alpha_spent = 0 where number = 2", 2),
    ("a changed name", "update decisions set who = 'tesu' where number = 1", 1),
    ("a row less in the middle", "delete from decisions where number = 2", 3),
    ("a row less at the end", "delete from decisions where number = 3", "the end of the chain"),
    ("all rows gone", "delete from decisions", "the end of the chain"),
    ("a head moved back", "update decision_head set number = 2", "the end of the chain"),
    (
        "rows swapped",
        "update decisions set number = 9 where number = 2;"
        "update decisions set number = 2 where number = 3;"
        "update decisions set number = 3 where number = 9",
        2,
    ),
]


@pytest.mark.parametrize(("what", "statement", "place"), TAMPERED, ids=[t[0] for t in TAMPERED])
def test_m8_verify_catches(ledger: Ledger, what: str, statement: str, place: Any) -> None:
    decide(ledger, SEP, "first", "rule", verdict={"profit": 3.5})
    for model in ("xgboost", "logistic"):
        said = {"verdict": {"profit": 3.5}, "alpha_spent": 0.0038, "evidence_hash": "e"}
        decide(ledger, OCT, "refuse", model, **said)
    assert ledger.verify() == 3
    with ledger.writing() as connection:
        for part in statement.split(";"):
            connection.exec_driver_sql(part)
    place = f"decision {place}" if isinstance(place, int) else place
    with pytest.raises(Tampered, match=f"broken at {place}"):
        ledger.verify()


def test_m8_a_row_rewritten_with_a_hash_of_its_own_breaks_the_chain_after_it(
    ledger: Ledger,
) -> None:
    for model in ("rule", "xgboost", "logistic"):
        decide(ledger, OCT, "refuse", model)
    with ledger.writing() as connection:
        first = dict(connection.execute(sa.select(DECISIONS)).first()._mapping)  # type: ignore[union-attr]
        first["who"] = "nobody"
        first["hash"] = row_hash(first)
        connection.execute(sa.update(DECISIONS).where(DECISIONS.c.number == 1).values(**first))
        second = sa.update(DECISIONS).where(DECISIONS.c.number == 2)
        connection.execute(second.values(previous_hash=first["hash"]))
    with pytest.raises(Tampered, match="broken at decision 2"):
        ledger.verify()


@settings(max_examples=25, deadline=None)
@given(
    verdict=st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        max_size=4,
    ),
    alpha=st.floats(0, 1),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_a_verdict_holds_the_chain_survives_storage(
    verdict: dict[str, Any], alpha: float, at: datetime
) -> None:
    ledger = Ledger.open("sqlite://")
    said = {"champion_from": "rule", "champion_to": "xgboost", "who": "ü", "evidence_hash": "e"}
    decided = ledger.decide(OCT, "refuse", at=at, verdict=verdict, alpha_spent=alpha, **said)
    assert ledger.verify() == 1
    assert ledger.decisions() == [decided]
    assert (decided.verdict, decided.alpha_spent, decided.at) == (verdict, alpha, at)
    ledger.close()
