"""Receipts as the steps file them: a short story, and one with hostile text in every place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import cycle
from typing import TYPE_CHECKING, Any

from churn_ml.receipts import Receipt, TableCount

if TYPE_CHECKING:
    from churn_ml.ledger import Ledger

AT = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)
DAY, NEXT = date(2017, 10, 1), date(2017, 11, 1)
CALLER = "http://127.0.0.1:8080/dags/churn_score/runs/manual__1/tasks/score?try_number=1"


def file(ledger: Ledger, receipt: Receipt, caller: str | None = None) -> str:
    """File `receipt` as its step would; returns its reference."""
    token = ledger.take_token(receipt.step, receipt.as_of)
    ledger.file_receipt(token, receipt, AT, caller)
    return f"{receipt.step}/{receipt.as_of.isoformat()}/{token.number}"


def model(name: str, auc: float) -> dict[str, Any]:
    return {
        "name": name,
        "grade": "B",
        "auc": [auc, auc - 0.05, auc + 0.05],
        "pr_auc": [0.3, 0.2, 0.4],
        "brier": [0.06, 0.05, 0.07],
        "lift10": [4.0, 3.0, 5.0],
        "profit_per_1000": [247.0, -581.0, 1965.0],
    }


def verdict(decision: str, **more: Any) -> dict[str, Any]:
    return {
        "decision": decision,
        "challenger": "xgboost-0123456789ab",
        "champion_from": "rule-38ebf3f8ebee",
        "champion": "rule-38ebf3f8ebee",
        "reasons": ["it earns 812.00 EUR more"],
        "chosen": "xgboost was chosen on 2017-09-01",
        "interval": [812.0, 210.0, 1400.0],
        "margin": 45.0,
        "grade": "B",
        "evidence_hash": "e1",
        "models": [model("champion", 0.74), model("xgboost", 0.83)],
        "signs": {"0.1": [120.0, -90.0, 330.0], "0.9": [1500.0, 480.0, 2520.0]},
        "diagnosis": diagnosis(),
    } | more


def diagnosis() -> dict[str, Any]:
    """What the gate tells beside a verdict, as gate/diagnosis.py and flow/randomised.py do."""
    top = {"coverage": 0.3, "lift": 3.0, "value_weighted_lift": 2.4}
    books = {"mpc": 1.25, "mpc_share": 0.12, "empc": 1.5, "empc_share": 0.14}
    sides = {"champion": [0.74, 0.69, 0.79], "challenger": [0.83, 0.78, 0.88]}
    chance = {"chosen": 300, "held": 30, "difference": [410.0, -100.0, 920.0]}
    chance |= {"champion": [900.0, 1.0, 2.0], "challenger": [1310.0, 1.0, 2.0]}
    chance |= {"elsewhere": {"champion": 0.0, "challenger": 0.125}}
    return {name: top | books | {"auc": auc} for name, auc in sides.items()} | {
        "auc_gain": [0.09, 0.05, 0.13],
        "auc_p": 0.00001,
        "at_share": 0.1,
        "randomised": chance,
    }


def story(ledger: Ledger) -> None:
    """An ingest with a quarantine, the first champion, a scoring, a verdict, outcomes, exports."""
    lines = TableCount("order_lines", 1000, 997, quarantined=3)
    rule = {"rule": "quantity.positive", "reason": "quantity is 0 or less", "rows": 3}
    set_aside = {"quarantine": [{"verdict": "quarantined", **rule}]}
    file(ledger, Receipt("ingest", DAY, "done", (lines,), 1.5, details=set_aside))
    first = {"champion": "rule-38ebf3f8ebee", "kind": "first", "approver": "churn_ml"}
    nothing_yet = {"interval": None, "margin": None, "challenger": "rule-38ebf3f8ebee"}
    start = verdict("first", **first, **nothing_yet, reasons=["no champion yet"])
    file(ledger, Receipt("promote", DAY, "promoted", details=start))
    segment = {"segment": "HIGH_RISK_LOW_VALUE_SILENT", "customers": 246, "value_at_risk": 1548.0}
    lost = {"segment": "LOST", "customers": 29, "value_at_risk": 0.0, "offered": 0, "holdout": 3}
    scored = {"segments": [segment | {"offered": 18, "holdout": 2}, lost]}
    count = TableCount("scores", 246, 246)
    file(ledger, Receipt("score", NEXT, "done", (count,), 0.6, details=scored), CALLER)
    band = {"as_of": "2017-10-01", "risk_band": "high", "customers": 26, "mean_score": 0.26}
    learned = {"realised": [band | {"churned": [0.346, 0.194, 0.538]}]}
    file(ledger, Receipt("learn", DAY, "done", details=learned))
    sent = {"crm_file": {"sent": 216, "unchanged": 30, "removed": 7, "rejected": 1}}
    file(ledger, Receipt("export", NEXT, "done", details={"destinations": sent}))
    file(ledger, Receipt("judge", NEXT, "promote", details=verdict("promote")))
    wrong = {"error": "disk full | next step: make room"}
    file(ledger, Receipt("export", NEXT, "failed", details=wrong), CALLER)


def further(ledger: Ledger) -> None:
    """Rates of the main contract; champion, scoring, verdict and rates of a further one."""
    shares = {"churn_rate": 0.25, "retention_rate": 0.75, "repurchase_rate": None}
    month = {"month": "2017-09-01", "slice": "all", "word": "all", "customers": 240} | shares
    gold = month | {"slice": "tier", "word": "gold", "customers": 31, "churn_rate": 0.125}
    file(ledger, Receipt("rates", NEXT, "done", details={"rates": [month, gold]}))
    name = "rule-abcdefabcdef"
    first = {"champion": name, "challenger": name, "kind": "first", "approver": "churn_ml"}
    risen = verdict("first", **first, interval=None, reasons=["no champion of renewals yet"])
    file(ledger, Receipt("promote@renewal", DAY, "promoted", details=risen))
    segment = {"segment": "HIGH_RISK_HIGH_VALUE_LOYAL", "customers": 77, "value_at_risk": 480.0}
    scored = {"segments": [segment | {"offered": 5, "holdout": 1}]}
    file(ledger, Receipt("score@renewal", NEXT, "done", details=scored))
    file(ledger, Receipt("rates@renewal", NEXT, "done", details={"rates": [month]}))
    wait = verdict("promote", champion=name, champion_from=name, challenger="xgboost-fedcbafedcba")
    file(ledger, Receipt("judge@renewal", NEXT, "promote", details=wait))


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def hostile(ledger: Ledger) -> list[str]:
    """Every text of every part is hostile; returns the references."""
    bad = HOSTILE
    said = verdict(
        bad, challenger=bad, champion=bad, reasons=[bad], chosen=bad, grade=bad, approver=bad
    )
    row = {"segment": f"LOW_RISK_{bad}", "customers": 1, "value_at_risk": 1.0}
    wild = {
        "quarantine": [{"verdict": bad, "rule": bad, "reason": bad, "rows": 1}],
        "segments": [row | {"offered": 0, "holdout": 0}],
        "consent": {"recorded": 0, "default": bad},
        "realised": [
            {"as_of": bad, "risk_band": bad, "customers": 1, "mean_score": 0.5}
            | {"churned": [0.5, 0.1, 0.9]}
        ],
        "destinations": {bad: {"sent": 1, bad: 2}},
        "run_url": "javascript:alert(1)",
        bad: [bad, {bad: bad}, [{bad: bad}]],
    }
    known = {
        "champion": bad,
        "models": [model(bad, 0.7), {"name": bad, "profit_per_1000": [0] * 3}],
    }
    rate: dict[str, Any] = {"month": bad, "slice": bad, "word": bad, "customers": 1}
    rate |= {"churn_rate": 0.5, "retention_rate": 0.5, "repurchase_rate": None}
    receipts = [
        Receipt("ingest", DAY, "done", (TableCount(bad, 1, 1),), details=wild),
        Receipt("score", DAY, bad, details=wild, versions={bad: {bad: 1}}),
        Receipt("learn", DAY, "done", details=wild),
        Receipt("export", DAY, "done", details=wild),
        Receipt("promote", DAY, "promoted", details=said | known),
        Receipt("rates", DAY, "done", details={"rates": [rate, rate | {"slice": "segment"}]}),
        Receipt("rates@wild", DAY, "done", details={"rates": [rate | {"slice": "all"}]}),
        Receipt("score@wild", DAY, "done", details=wild),
        Receipt("promote@wild", DAY, "promoted", details=said | known),
        Receipt("export", NEXT, "failed", details={"error": bad}),
    ]
    callers = ["javascript:alert(1)", bad, "//evil.example/x", "data:text/html,x", None, bad]
    return [file(ledger, r, caller) for r, caller in zip(receipts, cycle(callers), strict=False)]
