"""Numbers, names and times as a person reads them; every number keeps its unit.

Enters: values of a report. Leaves: text, which the templates escape. Worked example: the segment
MEDIUM_RISK_LOW_VALUE_SILENT reads "Medium risk, low value, silent", and the model
rule-38ebf3f8ebee "Inactivity rule".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
NOTHING = "\N{EM DASH}"
MINUTE = 60
THOUSAND = 1000

MEANINGS = {
    "done": "It ended well.",
    "unchanged": "There was nothing new: what was published before stays.",
    "no_data": "There was nothing to work on, so everything stayed as it was.",
    "no_champion": "There was no champion to score with, so nothing was published.",
    "dry_run": "It only showed what it would have done.",
    "too_early": "There is too little to learn from yet: it comes with time.",
    "asks": "It would change so much of a destination that a person has to say yes first.",
    "kept_back": "What would have changed so much was not sent: nobody said yes to it.",
    "failed": "It stopped, and everything stayed as it was.",
    "promoted": "The champion changed.",
    "retuned": "The champion's threshold changed.",
    "rolled_back": "A former champion is champion again.",
    "overridden": "The champion changed, against the verdict.",
    "refused": "The champion stayed.",
}
"""What a status says of the house afterwards."""
FAMILIES = {"rule": "Inactivity rule", "logistic": "Logistic regression", "xgboost": "XGBoost"}
DECISIONS = {
    "first": "First champion",
    "promote": "Promoted",
    "threshold": "Threshold changed",
    "keep": "Champion kept",
    "undecidable": "Too early to tell",
    "rollback": "Rolled back",
}
NAMES = {
    "as_of": "As of",
    "auc": "AUC",
    "brier": "Brier score",
    "ece": "ECE",
    "kappa": "Share of the possible money",
    "lift10": "Lift at 10 %",
    "lift_at_10": "Lift at 10 %",
    "mlflow": "MLflow",
    "run_url": "MLflow run",
    "pr_auc": "PR-AUC",
    "wape": "WAPE",
}
"""Codes whose words are not their own letters."""
REFERENCES = {
    "nobody": "contacting nobody",
    "everybody": "contacting everybody",
    "base_rate": "one rate for all",
    "oracle": "a fortune-teller",
}
TONES = {
    "done": "good",
    "promoted": "good",
    "retuned": "good",
    "failed": "bad",
    "undecidable": "open",
    "refused": "open",
    "asks": "open",
    "kept_back": "open",
    "promote": "open",
    "threshold": "open",
    "no_champion": "open",
    "no_data": "open",
    "too_early": "open",
}
"""The colour of a status; what is not named here stays grey."""


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands apart and a true minus sign.

    >>> number(228922), number(0.8412, 3), number(None)
    ('228,922', '0.841', '—')
    """
    if value is None:
        return NOTHING
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")  # no "-0"
    return text.replace("-", MINUS)


def signed(value: float | None, digits: int = 0) -> str:
    """A difference, which shows its sign.

    >>> signed(812.4), signed(0.0)
    ('+812', '0')
    """
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.") else text


def share(value: float | None) -> str:
    """A share as percent.

    >>> share(0.346154)
    '34.6 %'
    """
    return NOTHING if value is None else f"{number(value * 100, 1)} %"


def bounds(triple: Sequence[float | None] | None, digits: int = 3) -> str:
    """The interval of [value, low, high]; "" where it is not known.

    >>> bounds([1200, 900, 1500], 0).split()[::2]
    ['900', '1,500']
    """
    if not triple or any(end is None for end in triple):
        return ""
    low, high = (number(end, digits) for end in triple[1:])
    return f"{low} {'to' if MINUS in low + high else DASH} {high}"


def seconds(value: float | None) -> str:
    """How long something took.

    >>> seconds(0.62), seconds(125.4)
    ('0.6 s', '2 min 5 s')
    """
    if value is None or value < MINUTE:
        return NOTHING if value is None else f"{value:.1f} s"
    minutes, rest = divmod(round(value), MINUTE)
    return f"{minutes} min {rest} s"


def moment(at: datetime) -> str:
    """A wall-clock time to the minute, UTC.

    >>> moment(datetime(2026, 11, 21, 9, 5, tzinfo=UTC))
    '2026-11-21 09:05 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def model(name: str | None) -> str:
    """The family of a model or a candidate, in words; unknown names stay as they are.

    >>> model("rule-38ebf3f8ebee"), model("xgboost"), model("champion"), model(None)
    ('Inactivity rule', 'XGBoost', 'Champion', '—')
    """
    if not name:
        return NOTHING
    family = re.sub(r"-[0-9a-f]{12}$", "", name)
    return FAMILIES.get(family) or plain(family)


def plain(code: object) -> str:
    """A code of ours as words: capital first, no underscores; a name or an id stays as it is.

    >>> plain("value_at_risk"), plain("pr_auc"), plain("xgboost-6f1aac99ae46")
    ('Value at risk', 'PR-AUC', 'xgboost-6f1aac99ae46')
    """
    text = str(code)
    if not re.fullmatch(r"[A-Za-z0-9_ ]+", text):
        return text
    return NAMES.get(text) or text.replace("_", " ").strip().capitalize()


def segment(code: str) -> str:
    """A segment's code in words.

    >>> segment("MEDIUM_RISK_LOW_VALUE_SILENT"), segment("LOST")
    ('Medium risk, low value, silent', 'Lost')
    """
    return re.sub(r" (risk|value) ", r" \1, ", plain(code))


def decision(code: str | None) -> str:
    """The headline of a verdict.

    >>> decision("undecidable"), decision("promote, refused by ada")
    ('Too early to tell', 'Promote, refused by ada')
    """
    return DECISIONS.get(code or "") or (code or NOTHING)[:1].upper() + (code or "")[1:]


def reference(name: str) -> str:
    """A policy without a model, in words.

    >>> reference("oracle")
    'a fortune-teller'
    """
    return REFERENCES.get(name, plain(name).lower())


def tone(status: str | None) -> str:
    """The colour of a status: good, bad, open or plain."""
    return TONES.get(status or "", "plain")


def meaning(status: str) -> str:
    """What a status says of the house afterwards; "" for one that speaks for itself.

    >>> meaning("refused"), meaning("keep")
    ('The champion stayed.', '')
    """
    return MEANINGS.get(status, "")


def leaf(value: Any) -> str:
    """Any single value of a receipt.

    >>> leaf(True), leaf(3), leaf(0.25), leaf(1e-09), leaf(None), leaf("done")
    ('yes', '3', '0.25', '1e-09', '—', 'done')
    """
    if value is None or isinstance(value, bool):
        return NOTHING if value is None else ("yes" if value else "no")
    if isinstance(value, int):
        return number(value)
    return _short(value) if isinstance(value, float) else str(value)


def _short(value: float) -> str:
    """A figure of any size in few digits: whole from 1,000 on, else four significant ones."""
    text = f"{value:,.0f}" if abs(value) >= THOUSAND else f"{value:.4g}"
    return f"{MINUS}{text[1:]}" if text.startswith("-") else text


FILTERS = (
    number,
    signed,
    share,
    bounds,
    seconds,
    moment,
    model,
    plain,
    segment,
    decision,
    reference,
    tone,
    meaning,
)
"""What the templates may call on a value, by its name."""
