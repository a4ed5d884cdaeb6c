"""What leaves the house about a customer, and what counts as a change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from churn_ml.crm import Guard, Outbox, Recorder
from churn_ml.crm.cells import preferred
from churn_ml.crm.payload import FIELDS, hashed
from churn_ml.crm.protocol import Row
from churn_ml.crm.telling import rows
from churn_ml.errors import BadInput
from churn_ml.ledger import Ledger

AS_OF = date(2017, 10, 1)


def because(**directions: str) -> str:
    """The reasons of a score, strongest first: indicator -> what it does to the score."""
    told = [{"indicator": name, "direction": way} for name, way in directions.items()]
    return json.dumps(told)


def tables(**changes: Any) -> dict[str, pd.DataFrame]:
    ids = pd.DataFrame({"customer_id": ["h2", "h1"]})
    cells: dict[str, Any] = {
        "score": [0.6181, 0.1],
        "value_at_risk": [129.7, 8.0],
        "model": "rule-1",
        "contract": "gone30-1",
        "reasons": because(gap_ratio="up", spend_90d="down", recency_days="up"),
        "stage": "silent",
        "risk_band": ["high", "low"],
        "value_band": "high",
        "segment": ["A", "B"],
        "arm": "open",
        "offer": ["COUPON", "NONE"],
    } | changes

    def frame(*names: str) -> pd.DataFrame:
        return ids.assign(**{name: cells[name] for name in names})

    return {
        "scores": frame("score", "value_at_risk", "model", "contract", "reasons"),
        "segments": frame("stage", "risk_band", "value_band", "segment", "arm"),
        "actions": frame("offer"),
        "causes": ids[:1].assign(
            cause="LOGISTICS_SLOW",
            score=0.7,
            stated=False,
            evidence='[{"indicator": "late_share_180d", "strength": 1.0, "value": 0.5}]',
        ),
        "named_segments": pd.DataFrame(
            {"customer_id": "h2", "segment": ["STAGE_SILENT", "HIGH_VALUE", "TIER_A", "HIGH_RISK"]}
        ),
    }


def told(
    *,
    as_of: date = AS_OF,
    tau: float = 0.0,
    score_step: float = 0.05,
    delivers: bool = False,
    **changes: Any,
) -> dict[str, Row]:
    found = rows(
        **tables(**changes), as_of=as_of, tau=tau, score_step=score_step, delivers=delivers
    )
    return {row.customer_id: row for row in found}


def test_one_row_a_scored_customer_with_rounded_money_and_score() -> None:
    found = told()
    assert list(found) == ["h1", "h2"]
    assert found["h2"].payload == {
        "customer_id": "h2",
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
        "experiment": "",
        "reasons": "raises the risk: gap_ratio, recency_days; lowers the risk: spend_90d",
        "cause": "LOGISTICS_SLOW",
        "evidence": "slow delivery (70%): share of late parcels in 180 days 50%",
        "named_segments": "HIGH_RISK, HIGH_VALUE",
    }
    assert [found["h1"].payload[name] for name in ("cause", "evidence", "named_segments")] == [
        ""
    ] * 3
    assert tuple(found["h2"].payload) == tuple(field.name for field in FIELDS)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [(0.0, 0.0), (129.7, 100.0), (0.0044, 0.005), (98765.0, 100000.0), (3.1, 2.0), (3.2, 5.0)],
)
def test_money_is_told_on_the_one_two_five_series(amount: float, rounded: float) -> None:
    assert preferred([amount]).tolist() == [rounded]


def test_a_score_step_of_one_tenth_leaves_eleven_scores() -> None:
    assert told(score_step=0.1, score=[0.6181, 0.97])["h1"].payload["score"] == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": date(2017, 11, 1)},
        {"model": "xgboost-2"},
        {"tau": 3.5},
        {"score": [0.6190, 0.1]},  # both are .6 when told
        {"value_at_risk": [138.0, 8.0]},
    ],
)
def test_what_says_nothing_new_about_the_customer_is_no_change(change: dict[str, Any]) -> None:
    assert told(**change)["h2"].content_hash == told()["h2"].content_hash


@pytest.mark.parametrize(
    "change",
    [
        {"contract": "gone90-1"},
        {"stage": "active"},
        {"score": [0.66, 0.1]},
        {"risk_band": ["medium", "low"]},
        {"value_band": "low"},
        {"value_at_risk": [190.0, 8.0]},
        {"segment": ["C", "B"]},
        {"offer": ["NONE", "NONE"]},
        {"arm": "holdout"},
        {"reasons": because(gap_ratio="up")},
        {"reasons": because(gap_ratio="up", spend_90d="up", recency_days="up")},
    ],
)
def test_every_content_field_is_a_change(change: dict[str, Any]) -> None:
    assert told(**change)["h2"].content_hash != told()["h2"].content_hash


def test_where_a_destination_delivers_the_same_offer_a_month_later_is_a_second_contact() -> None:
    october, november = told(delivers=True), told(delivers=True, as_of=date(2017, 11, 1))
    assert (october["h2"].contact, october["h1"].contact) == (True, False)
    assert october["h2"].content_hash != november["h2"].content_hash
    assert october["h1"].content_hash == november["h1"].content_hash  # no offer, no contact


def test_where_it_does_not_deliver_no_row_is_a_contact() -> None:
    assert not any(row.contact for row in told().values())


def test_nobody_scored_is_nobody_told() -> None:
    empty = {name: frame[:0] for name, frame in tables().items()}
    assert rows(**empty, as_of=AS_OF, tau=0.0, score_step=0.05)[:] == []


@pytest.mark.parametrize("name", ["segments", "actions"])
def test_a_scored_customer_missing_elsewhere_is_refused(name: str) -> None:
    given = tables()
    given[name] = given[name][1:]
    with pytest.raises(BadInput, match="same customers"):
        rows(**given, as_of=AS_OF, tau=0.0, score_step=0.05)


def test_a_customer_twice_is_refused() -> None:
    given = {name: pd.concat([frame, frame[:1]]) for name, frame in tables().items()}
    with pytest.raises(BadInput, match="same customers"):
        rows(**given, as_of=AS_OF, tau=0.0, score_step=0.05)


@pytest.mark.parametrize("delivers", [False, True])
def test_an_upgrade_sends_nothing_anew(tmp_path: Path, delivers: bool) -> None:
    """The hashes are those that the first version of the export noted for these customers."""
    noted = {False: "c0dd99fe47366fd76abdf07ad9d293237c57b4d86d93e10003866ae04499b6ac"}
    noted[True] = "e363dd49ca6f1198e86da5a6b4341c4fbb489ffaaa66aa14b4a74dfc3e6c0419"
    first = "ef30291bd3548e191d4eac98282beab6cf73ad5270eea04d8754125c1ac2f31c"
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    before = [("h1", first, "{}", False), ("h2", noted[delivers], "{}", delivers)]
    ledger.save_plan("crm", "before", AS_OF, before, base=None)
    ledger.acknowledge("before", ["h1", "h2"], at=datetime(2017, 10, 1, tzinfo=UTC))
    crm = Recorder("crm", delivers=delivers)
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset())
    outbox = Outbox(crm, ledger, anyone, clock=lambda: datetime(2017, 10, 2, tzinfo=UTC))
    desired = rows(**tables(stage="沉默"), as_of=AS_OF, tau=0.0, score_step=0.05, delivers=delivers)
    done = outbox.export(desired, AS_OF)
    assert (done.sent, done.unchanged, crm.batches) == (0, 2, [])
    ledger.close()


def test_every_row_has_the_cells_of_its_customer() -> None:
    desired = rows(**tables(), as_of=AS_OF, tau=0.0, score_step=0.05)
    h1, h2 = desired
    assert desired.made([1, 0]) == [h2, h1] == [desired[-1], desired[0]]
    assert [row.content_hash for row in desired] == [
        hashed(row.payload, delivers=False) for row in (h1, h2)
    ]
    with pytest.raises(IndexError):
        desired[2]


def test_of_who_objects_to_profiling_no_more_is_told_than_that() -> None:
    frames = tables()
    placed = frames["segments"]
    out = placed[:1].assign(customer_id="h3", segment="PROFILING_OPT_OUT", offer="NONE")
    frames["segments"] = pd.concat([placed, out])
    found = rows(**frames, as_of=AS_OF, tau=0.0, score_step=0.05)[-1]
    assert {name: cell for name, cell in found.payload.items() if cell is not None} == {
        "customer_id": "h3",
        "as_of": "2017-10-01",
        "segment": "PROFILING_OPT_OUT",
        "offer": "NONE",
    }
    assert not found.contact
