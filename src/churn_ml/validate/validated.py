"""From raw rows to accepted rows, quarantine and counts: three judges in turn.

Enters: the raw rows of one table, its mapping and the shop's currency. Leaves: a `Validated`. The
judges are `cast` (does the value read), the Great Expectations suite (may it be) and `keys` (does
the key say one thing only); a row that one judge turned down is not shown to the next. Worked
example: see the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from churn_ml.errors import BrokenPromise
from churn_ml.tables import QUARANTINE, Table, table
from churn_ml.validate import suites
from churn_ml.validate.cast import Rejection, cast
from churn_ml.validate.keys import double_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from churn_ml.config import Shop, SourceTable


@dataclass(frozen=True)
class Broken:
    """One rule in one lot: how many of the lot's rows broke it."""

    rule: str
    reason: str
    verdict: str
    lot: str
    rows: int
    lot_rows: int

    @property
    def share(self) -> float:
        """The share of the lot's rows that broke the rule."""
        return self.rows / self.lot_rows


@dataclass(frozen=True)
class Validated:
    """The rows of one table after judgement: `rows_in == accepted + quarantined + excluded`."""

    table: str
    accepted: pa.Table
    quarantine: pa.Table
    rows_in: int
    quarantined: int
    excluded: int
    broken: tuple[Broken, ...]

    @property
    def rules(self) -> dict[str, int]:
        """Rows per broken rule, over all lots; the largest first."""
        totals: dict[str, int] = {}
        for part in self.broken:
            totals[part.rule] = totals.get(part.rule, 0) + part.rows
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def validate(
    raw: pa.Table,
    name: str,
    source: SourceTable,
    *,
    shop: Shop,
    seen: Mapping[str, datetime] | None = None,
) -> Validated:
    """Judge the raw rows of table `name`.

    `raw` is what a source read (one row per row of the lots); `shop` names currency and zone;
    `seen` dates lots that say nothing of when they were known (lot id -> naive UTC). Returns the
    accepted rows in their order of arrival, in the columns of `tables` without `ingest_key`.
    Raises BadConfig where the mapping or the suite cannot be meant, BrokenPromise where a row got
    lost.

    >>> import pyarrow as pa
    >>> from datetime import date
    >>> from churn_ml.config import Shop, SourceTable
    >>> shop = Shop(name="s", currency="USD")
    >>> raw = pa.table({"product_id": ["7", "7", None], "lot": ["a"] * 3, "lot_row": [1, 2, 3],
    ...                 "drop_on": [date(2017, 1, 2)] * 3})
    >>> v = validate(raw, "products", SourceTable(files=""), shop=shop)
    >>> v.rows_in, v.accepted.num_rows, v.quarantined, v.excluded, sorted(v.rules)
    (3, 1, 1, 1, ['products.key.repeated', 'products.product_id.required'])
    """
    spec = table(name)
    lots = raw.select(["lot", "lot_row"])
    typed, rejections = cast(raw, spec, source, shop=shop, seen=seen)
    rejections += suites.judge(name, typed, currency=shop.currency)
    rejections += double_keys(typed, spec, rejected=_union(r.rows for r in rejections))
    accepted = _without(typed, _union(r.rows for r in rejections))
    return _assembled(spec, accepted, lots, rejections)


def _without(typed: pa.Table, rejected: NDArray[np.int64]) -> pa.Table:
    """`typed` without the rows whose number is in `rejected`."""
    if not len(rejected):
        return typed
    return typed.filter(~np.isin(typed["row"].to_numpy(), rejected))


def _assembled(
    spec: Table, accepted: pa.Table, lots: pa.Table, rejections: Sequence[Rejection]
) -> Validated:
    """The parts with their counts; raises BrokenPromise where they do not add up."""
    schema = spec.schema()
    schema = schema.remove(schema.get_field_index("ingest_key"))
    bad = _union(r.rows for r in rejections if r.verdict == "quarantined")
    out = np.setdiff1d(_union(r.rows for r in rejections if r.verdict == "excluded"), bad)
    if lots.num_rows != accepted.num_rows + len(bad) + len(out):
        raise BrokenPromise(
            f"rows of table {spec.name} do not add up",
            got=f"{accepted.num_rows} accepted + {len(bad)} quarantined + {len(out)} excluded",
            expected=f"{lots.num_rows} rows in",
        )
    return Validated(
        table=spec.name,
        accepted=accepted.select(schema.names).cast(schema),
        quarantine=_quarantine(spec.name, lots, rejections),
        rows_in=lots.num_rows,
        quarantined=len(bad),
        excluded=len(out),
        broken=_broken(lots, rejections),
    )


def _union(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def _quarantine(name: str, lots: pa.Table, rejections: Sequence[Rejection]) -> pa.Table:
    """One row per rejected row and rule: references, reason and verdict, never values."""
    schema = QUARANTINE.schema()
    schema = schema.remove(schema.get_field_index("ingest_key"))
    parts = [
        pa.table(
            {
                "table": pa.repeat(name, len(r.rows)),
                "lot": lots["lot"].take(r.rows),
                "lot_row": lots["lot_row"].take(r.rows),
                "rule": pa.repeat(r.rule, len(r.rows)),
                "reason": pa.repeat(r.reason, len(r.rows)),
                "verdict": pa.repeat(r.verdict, len(r.rows)),
            },
            schema=schema,
        )
        for r in rejections
    ]
    rows = pa.concat_tables([schema.empty_table(), *parts])
    return rows.sort_by([(column, "ascending") for column in ("lot", "lot_row", "rule")])


def _broken(lots: pa.Table, rejections: Sequence[Rejection]) -> tuple[Broken, ...]:
    """How often each rule was broken in each lot, in the order of rules and lots."""
    sizes = _counts(lots["lot"])
    return tuple(
        Broken(r.rule, r.reason, r.verdict, lot, rows, sizes[lot])
        for r in rejections
        for lot, rows in _counts(lots["lot"].take(r.rows)).items()
    )


def _counts(lots: pa.ChunkedArray) -> dict[str, int]:
    """Rows per lot id, sorted by it."""
    return dict(sorted((v["values"], v["counts"]) for v in lots.value_counts().to_pylist()))
