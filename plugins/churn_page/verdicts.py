"""Champion, models and verdicts, as the front page shows them.

Enters: a report of `churn_ml.views` and the filed receipts behind it. Leaves: plain dicts with the
drawings' geometry. Worked example: the verdict of 2017-11-01 reads "Too early to tell", its picture
spans -2,597 to 643 USD per 1,000 customers, and the margin it would have needed stands at 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from churn_ml import views
from churn_ml.gate.grade import MEANING
from churn_ml.ledger import Filed
from churn_ml.views import Report
from churn_page import diagnosis, pictures
from churn_page.receipt import reference

Row = dict[str, Any]

METRICS = (
    ("profit_per_1000", "Profit per 1,000 customers", 0, "What acting on it earns."),
    ("auc", "AUC", 3, "How well leavers are ranked before stayers: 0.5 is a coin, 1 is perfect."),
    ("pr_auc", "PR-AUC", 3, "How pure the top of the ranking is: higher is better."),
    ("brier", "Brier", 4, "Squared error of the probabilities: lower is better."),
    ("lift10", "Lift at 10 %", 2, "How many times more leavers the top tenth holds than average."),
)
GRADES: Mapping[Any, str] = MEANING
WITH_ZERO = frozenset({"profit_per_1000"})
RISES = {("promote", "promoted"), ("promote", "rolled_back"), ("promote", "overridden")}
"""Step and status of what makes a champion."""
TONES = {"promote": "good", "threshold": "good", "first": "good", "keep": "plain"}
"""The colour of a decision; every other one is open."""


def champion(report: Report, filed: Sequence[Filed]) -> Row | None:
    """The champion with the day it became one, who decided, its grade and figures; None before."""
    name = report["champion"]
    rise = _rise(name, filed)
    if name is None or rise is None:
        return None
    # beside the verdict that promoted it, the row "champion" is the one it replaced
    last = report["verdicts"][-1] if report["verdicts"] else {}
    by_verdict = rise.receipt.details.get("kind") in ("promote", "override")
    risen = last.get("challenger") == name and by_verdict
    row = name.rpartition("-")[0] if risen else "champion"
    figures: Row = next((m for m in report["models"] if m["name"] == row), {})
    return {
        "id": name,
        "since": rise.receipt.as_of.isoformat(),
        "at": rise.at,
        "approver": rise.receipt.details.get("approver"),
        "first": rise.receipt.details.get("kind") == "first",
        "reference": reference(rise),
        "grade": figures.get("grade"),
        "grade_means": GRADES.get(figures.get("grade")),
        "profit": figures.get("profit_per_1000"),
    }


def _rise(name: str | None, filed: Sequence[Filed]) -> Filed | None:
    """The promotion by which `name` became champion; of several, the newest as_of."""
    mine = [f for f in filed if (_step(f), f.receipt.status) in RISES]
    mine = [f for f in mine if f.receipt.details.get("champion") == name]
    return max(mine, key=lambda f: f.receipt.as_of, default=None)


def told(report: Report, filed: Sequence[Filed], currency: str) -> list[Row]:
    """Every verdict with its picture, its diagnosis and its receipt, newest first."""
    behind = {_about(f): f for f in filed if _step(f) in {"judge", "promote"}}  # the last says it
    return [
        _verdict(row, behind.get((row["as_of"], row["challenger"])), currency)
        for row in reversed(report["verdicts"])
    ]


def _step(filed: Filed) -> str:
    """The step of a receipt, under whatever contract: a model belongs to one of them alone."""
    return str(filed.receipt.step).partition("@")[0]


def _about(filed: Filed) -> tuple[str, Any]:
    """What a verdict's receipt is about: a day and a challenger."""
    return filed.receipt.as_of.isoformat(), filed.receipt.details.get("challenger")


def _verdict(row: Row, behind: Filed | None, currency: str) -> Row:
    said = behind.receipt.details if behind else {}
    decision = row["decision"] or ""
    return row | {
        "tone": TONES.get(decision, "open"),
        "waits": decision.endswith(views.WAITING),
        "picture": pictures.difference(row["interval"], said.get("margin")),
        "margin": said.get("margin"),
        "diagnosed": diagnosis.told(row.get("diagnosis"), row.get("signs"), currency),
        "grade_words": said.get("grade_words"),
        "reference": reference(behind) if behind else None,
    }


def side_by_side(report: Report) -> list[Row]:
    """One block a metric: every model as dot and whisker on one scale, the champion as a guide."""
    return [block for metric in METRICS if (block := _metric(report["models"], *metric))]


def _metric(models: Sequence[Row], key: str, title: str, digits: int, meaning: str) -> Row | None:
    shown = [m for m in models if pictures.known(m.get(key))]
    if not shown:
        return None
    ends = [float(end) for m in shown for end in m[key]]
    scale = pictures.Scale.over([*ends, *([0.0] if key in WITH_ZERO else [])])
    guide = next((scale.x(m[key][0]) for m in shown if m["name"] == "champion"), None)
    rows = [{"name": m["name"], "cell": m[key]} | pictures.whisker(m[key], scale) for m in shown]
    zero = scale.x(0) if key in WITH_ZERO else None
    heads = {"title": title, "meaning": meaning, "digits": digits, "money": key in WITH_ZERO}
    return heads | {
        "rows": rows,
        "guide": guide,
        "zero": zero,
        "ticks": scale.ticks(6 if key in WITH_ZERO else 4),
    }
