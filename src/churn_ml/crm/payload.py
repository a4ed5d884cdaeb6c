"""What a destination is told about a customer, rounded to what a campaign needs.

Enters: scores, segments, causes and actions of one `as_of`. Leaves: one row per scored customer,
and one per customer who objects to profiling, which says no more than that. Customers without a
score (new, lost) are not exported; one who leaves the scored set is removed.

Scores leave the house in steps of `score_step` and values at risk on the 1-2-5 series:
exact ones would let a reader reconstruct the model (fault S16). Only *content* fields decide
whether a row has changed. `as_of`, `model` and `threshold` say when and by which model a row was
made, `evidence` and `named_segments` what was known then; a customer about whom nothing new is to
be said is not sent again for their sake, so in the target they are those of the last change. The
contract is content: under another one the same score says something else. Where a destination
delivers, an offer is content of its date too: the same coupon chosen a month later is a second
contact, not the same row.

Worked example: as of 2017-10-01 `h1` has the score .6181 and 129.70 at risk: told as .6 and 100.

>>> [field.name for field in FIELDS if not field.content]
['customer_id', 'as_of', 'model', 'threshold', 'evidence', 'named_segments']
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from churn_ml.actions import NONE
from churn_ml.config import content_hash
from churn_ml.crm.cells import causes_told, names_told, preferred, reason_names
from churn_ml.crm.protocol import REMOVED, Cell, Row, SavedRow
from churn_ml.errors import BadInput
from churn_ml.segments import OPTED_OUT

if TYPE_CHECKING:
    import pandas as pd

Cells: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Field:
    """One column of an export: its name, type and meaning, and whether it is content."""

    name: str
    type: Literal["text", "number", "date"]
    meaning: str
    content: bool = True


FIELDS: tuple[Field, ...] = (
    Field("customer_id", "text", "the shop's own reference; the key", content=False),
    Field("as_of", "date", "the date the row was made for (00:00 UTC)", content=False),
    Field("contract", "text", "name and hash of the churn contract"),
    Field("model", "text", "the model that scored", content=False),
    Field(
        "threshold", "number", "tau: the gain a contact must exceed, shop currency", content=False
    ),
    Field("stage", "text", "lifecycle stage"),
    Field("score", "number", "probability of churn in the horizon, in steps of score_step"),
    Field("risk_band", "text", "high, medium or low"),
    Field("value_band", "text", "high, medium or low"),
    Field("value_at_risk", "number", "score x value on the 1-2-5 series, shop currency"),
    Field("segment", "text", "risk x value x stage as one code"),
    Field("offer", "text", "the offer to make, NONE where none"),
    Field("arm", "text", "holdout or open"),
    Field("experiment", "text", "experiment and arm, as spring:control; empty where none"),
    Field("reasons", "text", "what raises the risk, then what lowers it, strongest first"),
    Field("cause", "text", "the likeliest cause of leaving, empty where nothing speaks for one"),
    Field("evidence", "text", "that cause in words, and what speaks for it", content=False),
    Field("named_segments", "text", "named segments but stages and families", content=False),
)
NAMES = tuple(field.name for field in FIELDS)
DRAWN = ("experiment", "experiment_arm")
_CONTENT = tuple(field.name for field in FIELDS if field.content)
_TEXTS = frozenset(field.name for field in FIELDS if field.type == "text")


def rows(
    scores: pd.DataFrame,
    segments: pd.DataFrame,
    actions: pd.DataFrame,
    causes: pd.DataFrame | None = None,
    named_segments: pd.DataFrame | None = None,
    *,
    as_of: date,
    tau: float,
    score_step: float,
    delivers: bool = False,
) -> list[Row]:
    """What a destination shall hold as of `as_of`: one upsert per scored customer, by customer_id.

    Behind them stands one per customer who objects to profiling, with that as segment and no more.
    Parameters: the tables of those names, all of `as_of`; without causes or named segments those
    cells are empty; `tau`, the champion's threshold in the shop currency; `score_step` and
    `delivers` of the destination.
    Raises: BadInput where a scored customer has no segment or action, or a key repeats.

    >>> import pandas as pd
    >>> one = pd.DataFrame({"customer_id": ["h1"]})
    >>> found = rows(
    ...     one.assign(score=.6181, value_at_risk=129.7, model="rule-1", contract="gone30-1",
    ...                reasons='[{"indicator": "gap_ratio", "direction": "up"}]'),
    ...     one.assign(stage="new", risk_band="high", value_band="high", segment="S", arm="open"),
    ...     one.assign(offer="COUPON"), one.assign(cause="FX", stated=True, score=1.0),
    ...     one.assign(segment="HIGH_VALUE"),
    ...     as_of=date(2017, 10, 1), tau=0.0, score_step=.05)
    >>> found[0].payload["score"], found[0].payload["value_at_risk"], found[0].payload["reasons"]
    (0.6, 100.0, 'raises the risk: gap_ratio')
    """
    placed = ["customer_id", "stage", "risk_band", "value_band", "segment", "arm"]
    joined = scores.merge(segments[placed], on="customer_id")
    decided = actions.reindex(columns=["customer_id", "offer", *DRAWN])
    joined = joined.merge(decided, on="customer_id")
    _check(joined["customer_id"], expected=len(scores))
    for further in (causes_told(causes), names_told(named_segments)):
        joined = joined.merge(further, on="customer_id", how="left")
    joined = joined.fillna({"cause": "", "evidence": "", "named_segments": ""})
    told = joined.assign(
        as_of=as_of.isoformat(),
        experiment=list(map(_drawn, *(joined[name].tolist() for name in DRAWN))),
        threshold=round(float(tau), 2),
        score=(joined["score"] / score_step).round().mul(score_step).round(9),
        value_at_risk=preferred(joined["value_at_risk"]),
        reasons=list(map(reason_names, joined["reasons"].tolist())),
    )
    scored = _rows(told.sort_values("customer_id"), as_of, delivers=delivers)
    out = segments.loc[segments["segment"] == OPTED_OUT, "customer_id"]
    return [*scored, *(_opted_out(customer, as_of) for customer in sorted(out))]


def _drawn(experiment: object, arm: object) -> str:
    return f"{experiment}:{arm}" if isinstance(experiment, str) else ""


def _opted_out(customer_id: str, as_of: date) -> Row:
    """All that is told of who objects to profiling: that they do."""
    cells: dict[str, Cell] = dict.fromkeys(NAMES)
    told = {"customer_id": customer_id, "as_of": as_of.isoformat(), "segment": OPTED_OUT}
    cells |= told | {"offer": NONE}
    return Row(customer_id, "upsert", as_of, cells, hashed(cells, delivers=False))


def _rows(told: pd.DataFrame, as_of: date, *, delivers: bool) -> Iterator[Row]:
    """One upsert per row; many customers are told the same, of which the hash is made once."""
    content = itemgetter(*(NAMES.index(name) for name in _CONTENT))
    hashes: dict[Cells, str] = {}
    contacts = (delivers & told["offer"].ne(NONE)).tolist()
    columns = [_shared(told[name]) for name in NAMES]
    for contact, cells in zip(contacts, zip(*columns, strict=True), strict=True):
        payload, said = dict(zip(NAMES, cells, strict=True)), content(cells)
        row_hash = hashes.get(said)
        if row_hash is None:
            row_hash = hashes[said] = hashed(payload, delivers=delivers)
        yield Row(cells[0], "upsert", as_of, payload, row_hash, contact)


def _shared(column: pd.Series) -> list[Any]:
    """The cells as Python's, a cell that repeats as one object: a million may say the same."""
    codes, found = column.factorize(use_na_sentinel=False)
    once = found.tolist()
    return [once[code] for code in codes.tolist()]


def is_contact(cells: Mapping[str, Cell], *, delivers: bool) -> bool:
    """Whether an ack of the row means that the customer was contacted.

    >>> is_contact({"offer": "COUPON"}, delivers=True), is_contact({"offer": NONE}, delivers=True)
    (True, False)
    """
    return delivers and cells["offer"] != NONE


def hashed(cells: Mapping[str, Cell], *, delivers: bool) -> str:
    """The content hash of a row with these cells; where it is a contact, its date is content too.

    An unknown text is told as none, so that a target that has no null gives the same hash.

    >>> told = dict.fromkeys(NAMES, "x")
    >>> [len({hashed(told | {"as_of": day}, delivers=d) for day in ("2017-10-01", "2017-11-01")})
    ...  for d in (True, False)]
    [2, 1]
    """
    content: dict[str, Cell] = {name: "" if name in _TEXTS else None for name in _CONTENT}
    content |= {name: cells[name] for name in _CONTENT if cells.get(name) is not None}
    dated = {"as_of": cells["as_of"]} if is_contact(cells, delivers=delivers) else {}
    return content_hash(content | dated)


def removal(customer_id: str, as_of: date) -> Row:
    """The row that takes a customer out of a destination.

    >>> removal("h1", date(2017, 10, 1)).op
    'remove'
    """
    return Row(customer_id, "remove", as_of, {}, REMOVED)


def quiet(row: Row) -> Row:
    """The row without its offer: what is told where the customer may not be contacted now.

    >>> cells = {"segment": "S", "offer": "COUPON"}
    >>> row = quiet(Row("h1", "upsert", date(2017, 10, 1), cells, "9f", contact=True))
    >>> dict(row.payload), row.contact
    ({'segment': 'S', 'offer': 'NONE'}, False)
    """
    cells = {**row.payload, "offer": NONE}
    return Row(row.customer_id, row.op, row.as_of, cells, hashed(cells, delivers=False))


def saved(row: Row) -> SavedRow:
    """The row as the journal keeps it."""
    payload = msgspec.json.encode(dict(row.payload)).decode()
    return row.customer_id, row.content_hash, payload, row.contact


def restored(row: SavedRow, as_of: date) -> Row:
    """The row that `saved` made the tuple of.

    >>> row = Row("h1", "upsert", date(2017, 10, 1), {"score": .6}, "9f3c", contact=True)
    >>> restored(saved(row), row.as_of) == row
    True
    """
    customer_id, row_hash, payload, contact = row
    op: Literal["upsert", "remove"] = "remove" if row_hash == REMOVED else "upsert"
    return Row(customer_id, op, as_of, json.loads(payload), row_hash, contact)


def _check(customer_ids: pd.Series, expected: int) -> None:
    if len(customer_ids) != expected or not customer_ids.is_unique:
        raise BadInput(
            "scores, segments and actions do not hold the same customers once each",
            where="crm.payload",
            got=f"{customer_ids.nunique()} customers in {len(customer_ids)} joined rows",
            expected=f"{expected} of each",
            next_step="pass the three tables of one score publication",
        )
