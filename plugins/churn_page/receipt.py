"""One receipt as a page: everything it says, in tables a person reads.

Enters: a filed receipt. Leaves: its parts, and the shape of every detail, so that the template only
has to draw: a value, an interval, a list, a table or a block of its own.

>>> shape([{"rule": "quantity", "rows": 751}, {"rule": "price", "rows": 3}])["kind"]
'table'
>>> shape([0.84, 0.83, 0.85])["bounds"]
'0.83 to 0.85'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn_ml.ledger import Filed
from churn_page import pictures
from churn_page.places import asker, web_url
from churn_page.words import leaf

Row = dict[str, Any]
COLUMNS = 12
"""A list of records wider than this is shown as blocks, which a screen can hold."""
FIRST = frozenset({"name", "model", "rule", "segment", "arm", "risk_band", "as_of"})
"""What a record is about: these columns stand first."""


def reference(filed: Filed) -> str:
    """What a filed receipt is called: STEP/AS_OF/ATTEMPT."""
    receipt = filed.receipt
    return f"{receipt.step}/{receipt.as_of.isoformat()}/{filed.token}"


def line(filed: Filed) -> Row:
    """A receipt as one row of the runs; no rows where the step counts none."""
    receipt = filed.receipt
    counted = receipt.counted if receipt.tables else None
    kinds = ("rows_in", "rows_out", "quarantined", "excluded")
    return {
        "step": receipt.step,
        "as_of": receipt.as_of.isoformat(),
        "attempt": filed.token,
        "status": receipt.status,
        **{kind: getattr(counted, kind, None) for kind in kinds},
        "seconds": receipt.seconds,
        "at": filed.at,
        "asker": asker(filed.caller),
        "asker_url": web_url(filed.caller),
        "error": receipt.details.get("error"),
        "reference": reference(filed),
    }


def whole(filed: Filed) -> Row:
    """Everything the receipt says, ready to be drawn."""
    receipt = filed.receipt
    details = {k: v for k, v in receipt.details.items() if k != "error"}
    return line(filed) | {
        "tables": receipt.tables,
        "adds_up": len(receipt.tables) > 1 and receipt.step != "score",
        "versions": [
            (table, ", ".join(f"{key}: {number}" for key, number in partitions.items()))
            for table, partitions in receipt.versions.items()
        ],
        "details": {name: shape(value) for name, value in sorted(details.items())},
        "picture": pictures.difference(details.get("interval"), details.get("margin")),
        "interval": details.get("interval"),
        "margin": details.get("margin"),
        "mlflow_url": web_url(details.get("run_url")),
    }


def shape(value: Any) -> Row:
    """How one detail is drawn: `kind` is value, interval, list, table or block."""
    if isinstance(value, Mapping):
        return {"kind": "block", "items": {str(k): shape(v) for k, v in value.items()}}
    if not isinstance(value, list | tuple):
        return {"kind": "value", "text": leaf(value)}
    if _is_interval(value):
        mid, low, high = (leaf(end) for end in value)
        return {"kind": "interval", "text": mid, "bounds": f"{low} to {high}"}
    if value and all(isinstance(each, Mapping) for each in value):
        return _records(list(value))
    return {"kind": "list", "items": [shape(each) for each in value]}


def _is_interval(value: Any) -> bool:
    """Whether it is [value, low, high] as every interval of a receipt is."""
    return len(value) == 3 and pictures.known(value) and value[1] <= value[2]  # noqa: PLR2004


def _records(rows: list[Mapping[str, Any]]) -> Row:
    heads = list(dict.fromkeys(str(name) for row in rows for name in row))
    if len(heads) > COLUMNS:
        return {"kind": "list", "items": [shape(row) for row in rows]}
    heads.sort(key=lambda name: name not in FIRST)
    cells = [[_in_a_cell(row.get(name)) for name in heads] for row in rows]
    return {"kind": "table", "heads": heads, "rows": cells}


def _in_a_cell(value: Any) -> Row:
    """A value of a table: a small mapping becomes one line, which a cell can hold."""
    if isinstance(value, Mapping) and not any(
        isinstance(v, Mapping | list) for v in value.values()
    ):
        text = "; ".join(f"{key}: {leaf(each)}" for key, each in value.items())
        return {"kind": "value", "text": text}
    return shape(value)
