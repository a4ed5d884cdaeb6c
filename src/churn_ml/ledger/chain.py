"""The chain of decisions: what makes a row hold on to the one before it.

Enters: a row with the hash of the row before. Leaves: its own hash, or the error of one that does
not fit. Worked example: a byte of decision 2 is changed; its hash is another then, and every later
row holds on to the former one: `churn-ml decisions verify` names decision 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from churn_ml.errors import Tampered
from churn_ml.ledger.database import canonical_json


def row_hash(row: Mapping[str, Any]) -> str:
    """sha256 of the former hash and the row as canonical JSON (dates as ISO text)."""
    said = {name: value for name, value in row.items() if name not in {"hash", "previous_hash"}}
    said |= {name: said[name].isoformat() for name in ("as_of", "decided_at")}
    return hashlib.sha256((row["previous_hash"] + canonical_json(said)).encode()).hexdigest()


def broken(what: str, *, got: object, expected: object) -> Tampered:
    """The error of a chain that does not hold `what`."""
    return Tampered(
        f"the chain of decisions is broken at {what}",
        where="ledger",
        got=got,
        expected=expected,
        next_step="restore the ledger from a backup and ask who changed it",
    )
