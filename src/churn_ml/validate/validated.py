"""From raw rows to accepted rows, quarantine and counts: three judges in turn.

Enters: the raw rows of one table, batch by batch, and the entries of [sources] they follow. Leaves:
a `Validated`. The judges are `cast` (does the value read), the Great Expectations suite (may it be)
and `keys` (does the key say one thing only); a row that one judge turned down is not shown to the
next. The first two see one batch at a time; what they let pass waits in files, and the third looks
at all of it. Worked example: see the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from churn_ml.errors import BrokenPromise
from churn_ml.tables import QUARANTINE, Table, table
from churn_ml.validate import suites
from churn_ml.validate.cast import Rejection, cast
from churn_ml.validate.keys import Doubles, double_keys
from churn_ml.validate.money import Rates, in_shop_currency
from churn_ml.validate.numbering import Numbering, are_numberless
from churn_ml.validate.staging import Stage, Staged
from churn_ml.validate.tally import Broken, Tally

if TYPE_CHECKING:
    from churn_ml.config import Shop, SourceTable


@dataclass(frozen=True)
class Validated:
    """The rows of one table after judgement: `rows_in == accepted + quarantined + excluded`.

    `lots` counts those that brought a row.
    """

    table: str
    accepted: Staged
    quarantine: Staged
    rows_in: int
    lots: int
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
    batches: Iterable[pa.Table],
    name: str,
    sources: Sequence[SourceTable],
    *,
    shop: Shop,
    staging: Path,
    rates: Rates | None = None,
    seen: Mapping[str, datetime] | None = None,
    floors: Mapping[str, date] | None = None,
) -> Validated:
    """Judge the raw rows of table `name`, one batch after the other.

    Each batch is what a source read (one row per row of the lots), all of one entry: the number in
    its column `entry` is a place in `sources`, the first where there is none. `shop` names currency
    and zone; `rates` are the exchange rates known; `seen` dates lots that say nothing of when they
    were known (lot id -> naive UTC); `floors` are days before which a lot was not there (lot id ->
    day), for rows that count by `lag_days`. Accepted rows wait below
    `staging`, which has to outlive what is returned, and stream sorted by key and known_at in the
    columns of tables.py without `ingest_key`. Raises BadConfig where the mapping or the suite
    cannot be meant, BrokenPromise where a row got lost.

    >>> import tempfile
    >>> from datetime import date
    >>> from churn_ml.config import Shop, SourceTable
    >>> raw = pa.table({"product_id": ["7", "7", None], "lot": ["a"] * 3, "lot_row": [1, 2, 3],
    ...                 "drop_on": [date(2017, 1, 2)] * 3})
    >>> v = validate([raw], "products", [SourceTable()], shop=Shop(name="s", currency="USD"),
    ...              staging=Path(tempfile.mkdtemp()))
    >>> v.rows_in, v.accepted.rows, v.quarantined, v.excluded, sorted(v.rules)
    (3, 1, 1, 1, ['products.key.repeated', 'products.product_id.required'])
    """
    spec = table(name)
    told = partial(cast, shop=shop, seen=seen, floors=floors)
    judges = _Judges(spec, shop, rates or Rates.none(), told, staging / name)
    for raw in batches:
        if raw.num_rows:
            judges.hear(raw, sources[_entry(raw)])
    return judges.verdict(grouped=any(source.group_by for source in sources))


def _entry(raw: pa.Table) -> int:
    """The number of the entry that `raw` was read by."""
    return int(raw["entry"][0].as_py()) if "entry" in raw.column_names else 0


class _Judges:
    """The three judges of one table, and what they have said so far."""

    def __init__(
        self,
        spec: Table,
        shop: Shop,
        rates: Rates,
        read: Callable[[pa.Table, Table, SourceTable], tuple[pa.Table, list[Rejection]]],
        folder: Path,
    ) -> None:
        self.spec, self.shop, self.rates, self.read = spec, shop, rates, read
        self.passed = Stage(folder / "passed")
        self.aside = Stage(folder / "aside")
        self.tally = Tally()
        self.numbering = Numbering()

    def hear(self, raw: pa.Table, source: SourceTable) -> None:
        """Judge one batch: what reads and may be is staged, the rest is set aside."""
        typed, rejections = self.read(raw, self.spec, source)
        if are_numberless(source, self.spec, raw):
            typed = self.numbering.numbered(typed)
        typed, unpriced = in_shop_currency(
            typed, self.spec, currency=self.shop.currency, rates=self.rates
        )
        if len(unpriced):
            rejections.append(_no_rate(self.spec.name, self.rates, unpriced))
        rejections += suites.judge(self.spec.name, typed)
        out = _union(r.rows for r in rejections if r.verdict != "warned")
        kept = typed.filter(~np.isin(typed["row"].to_numpy(), out)) if len(out) else typed
        self.passed.add(_numbered(kept, self.tally.rows))
        self.aside.add(_references(self.spec.name, raw, rejections))
        self.tally.add(raw["lot"], raw["lot_row"], rejections)

    def verdict(self, *, grouped: bool) -> Validated:
        """What became of all batches; raises BrokenPromise where the counts do not add up."""
        pa.default_memory_pool().release_unused()  # the last batch's, before DuckDB takes its own
        doubles = double_keys(self.passed, self.spec, grouped=grouped)
        for one in doubles:
            self.tally.add_doubles(one)
            self._set_aside(one)
        tally, twice = self.tally, sum(one.rows for one in doubles)
        accepted = self.passed.done(
            _without_key(self.spec),
            (*self.spec.key, "known_at"),
            without=[one.file for one in doubles],
            dropped=twice,
        )
        if tally.rows != accepted.rows + tally.quarantined + tally.excluded:
            raise BrokenPromise(
                f"rows of table {self.spec.name} do not add up",
                got=f"{accepted.rows} accepted + {tally.quarantined} quarantined"
                f" + {tally.excluded} excluded",
                expected=f"{tally.rows} rows in",
            )
        return Validated(
            table=self.spec.name,
            accepted=accepted,
            quarantine=self.aside.done(_without_key(QUARANTINE), QUARANTINE.key),
            rows_in=tally.rows,
            lots=tally.lots,
            quarantined=tally.quarantined,
            excluded=tally.excluded,
            broken=tally.broken,
        )

    def _set_aside(self, doubles: Doubles) -> None:
        """The references of rows with double keys, piece by piece."""
        for piece in _pieces(doubles.file):
            rows = np.arange(piece.num_rows)
            rejection = Rejection(doubles.rule, doubles.reason, doubles.verdict, rows)
            self.aside.add(_references(self.spec.name, piece, [rejection]))


def _pieces(file: Path) -> Iterable[pa.Table]:
    """A staged Parquet file in pieces."""
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file).iter_batches(500_000):
        yield pa.Table.from_batches([batch])


def _no_rate(name: str, rates: Rates, rows: np.ndarray) -> Rejection:
    reason = f"there is no exchange rate for it of the {rates.days} days before it"
    return Rejection(f"{name}.currency.no_rate", reason, "quarantined", rows)


def _numbered(typed: pa.Table, before: int) -> pa.Table:
    """`typed` with its rows numbered through all batches; `before` rows came before this one."""
    at = typed.schema.get_field_index("row")
    return typed.set_column(at, "row", pa.array(typed["row"].to_numpy() + before))


def _union(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def _without_key(spec: Table) -> pa.Schema:
    """The schema of `spec` without `ingest_key`, which the lake fills in."""
    schema = spec.schema()
    return schema.remove(schema.get_field_index("ingest_key"))


def _references(name: str, lots: pa.Table, rejections: Iterable[Rejection]) -> pa.Table:
    """One row per rejected row and rule: references, reason and verdict, never values."""
    schema = _without_key(QUARANTINE)
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
        if r.verdict != "warned"
    ]
    return pa.concat_tables([schema.empty_table(), *parts])
