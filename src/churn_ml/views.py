"""Read models: what the page, the CLI and `report.json` show, made from receipts alone.

Enters: the receipts of the ledger. Leaves: one JSON-able report with the newest state of the
house: steps, quarantine, models side by side, verdicts, segments, realised churn, exports.
Nothing here opens the lake, so a report costs nothing and shows no customer.

Worked example: after the story of 2017 the report's `exports` hold two rows, the first load as of
2017-10-01 and the difference as of 2017-11-01.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from churn_ml.receipts import Receipt

Report = dict[str, Any]


def report(receipts: Sequence[Receipt]) -> Report:
    """The state of the house from its receipts, oldest first.

    Parameters: `receipts`, the published receipts in the order of publication. Returns: a
    JSON-able dict with `steps`, `quarantine`, `models`, `champion`, `verdicts`, `segments`,
    `consent`, `realised`, `exports`.

    >>> report([])["champion"] is None
    True
    """
    verdicts = [_verdict(r) for r in receipts if r.step == "promote"]
    judged = [r.details for r in receipts if r.step == "promote" and r.details.get("models")]
    scored = _newest(receipts, "score")
    learned = _newest(receipts, "learn")
    return {
        "steps": [_step(r) for r in receipts],
        "quarantine": [q for r in receipts if r.step == "ingest" for q in _quarantine(r)],
        "models": judged[-1]["models"] if judged else [],
        "champion": verdicts[-1]["champion"] if verdicts else None,
        "verdicts": verdicts,
        "scored_as_of": scored.as_of.isoformat() if scored else None,
        "segments": scored.details.get("segments", []) if scored else [],
        "consent": scored.details.get("consent") if scored else None,
        "realised": learned.details.get("realised", []) if learned else [],
        "exports": [e for r in receipts if r.step == "export" for e in _exports(r)],
    }


def _newest(receipts: Iterable[Receipt], step: str) -> Receipt | None:
    found = [r for r in receipts if r.step == step]
    return found[-1] if found else None


def _step(receipt: Receipt) -> dict[str, Any]:
    """One row a step: its rows summed over the tables it touched."""
    return {
        "name": receipt.step,
        "as_of": receipt.as_of.isoformat(),
        "status": receipt.status,
        "rows_in": sum(t.rows_in for t in receipt.tables),
        "rows_out": sum(t.rows_out for t in receipt.tables),
        "quarantined": sum(t.quarantined for t in receipt.tables),
        "excluded": sum(t.excluded for t in receipt.tables),
        "seconds": receipt.seconds,
    }


def _quarantine(receipt: Receipt) -> list[dict[str, Any]]:
    as_of = receipt.as_of.isoformat()
    return [{"as_of": as_of, **row} for row in receipt.details.get("quarantine", [])]


def _verdict(receipt: Receipt) -> dict[str, Any]:
    kept = ("decision", "champion", "challenger", "reasons", "interval", "grade", "approver")
    return {"as_of": receipt.as_of.isoformat()} | {k: receipt.details.get(k) for k in kept}


def _exports(receipt: Receipt) -> list[dict[str, Any]]:
    as_of = receipt.as_of.isoformat()
    return [
        {"as_of": as_of, "destination": name, **counts}
        for name, counts in receipt.details.get("destinations", {}).items()
    ]
