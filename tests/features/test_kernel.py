"""The kernel of purchases against the expressions it stands for: equal to the last bit.

The shops are those of the laws (tests/properties/shops.py): every word and number that the tables
may hold, at the edges of the windows, some of it known long after it happened.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from churn_ml.config import Contract
from churn_ml.errors import BrokenPromise
from churn_ml.features import CATALOGUE, available, build, names
from churn_ml.features.activity import STORES
from churn_ml.features.frame import by_query
from churn_ml.features.grouped import Rows, measures
from churn_ml.features.kernel import KERNELS
from churn_ml.features.numbers import Columns, Numbers
from churn_ml.features.plan import plan
from churn_ml.features.purchases import read
from churn_ml.in_memory import arrow, canonical
from churn_ml.tables import table
from churn_ml.warehouse import Warehouse

from ..properties.laws import lives, more, with_each, world
from ..properties.shops import AS_OF, Row, merged
from ..properties.shops import Rows as Shop

BOUGHT = ("orders", "order_lines", "products")
WRITTEN = AS_OF + timedelta(days=100)
ONCE = Contract(lookback_days=400)
TWO_DAYS = Contract(lookback_days=400, min_orders=2, activity_unit="order_day")
LOST = Contract(lookback_days=3, population="lost")
CUTS = {AS_OF: ONCE, AS_OF - timedelta(days=30): TWO_DAYS, AS_OF - timedelta(days=75): LOST}


class Lake:
    """The rows of a shop in a warehouse, to be read whole or as of a day."""

    def __init__(self, rows: Shop, folder: Path) -> None:
        self.warehouse, self.versions = Warehouse(str(folder)), {}
        for name in BOUGHT:
            told = arrow(name, rows[name]).drop_columns("ingest_key")
            written = self.warehouse.replace(self.warehouse.handle(name), WRITTEN, told)
            self.versions[name] = {WRITTEN.isoformat(): written.version}

    def read(self, as_of: date | None = None) -> dict[str, ibis.Table]:
        return {n: self.warehouse.read(n, v, as_of=as_of) for n, v in self.versions.items()}


def late(row: Row) -> Row:
    """Known some days after it happened, up to 59, so that cuts lie between."""
    return {"known_at": row["occurred_at"] + timedelta(days=row["occurred_at"].minute)}


def shop(seed: int) -> Shop:
    """Lives of which half became known late, in a world without a late word."""
    rows = merged(world(seed), lives(seed), with_each(more(seed, ""), late))
    return rows | {"order_lines": [row for row in rows["order_lines"] if row["order_id"]]}


@settings(max_examples=2, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(0, 2**32 - 1))
def test_kernel_and_expressions_agree_and_one_pass_is_as_many(seed: int) -> None:
    with TemporaryDirectory() as folder:
        agree(Lake(shop(seed), Path(folder)))


def agree(lake: Lake) -> None:
    """At each cut the kernel gives what the query gives, from one pass as from the cut alone."""
    bought = read(lake.read(), stamped=True)
    for as_of, contract in CUTS.items():
        tables = lake.read(as_of)
        alone = build(tables, as_of, contract)
        assert len(alone) > 4
        assert_frame_equal(
            build(tables, as_of, contract, purchases=bought), alone, check_exact=True
        )
        assert_frame_equal(by_query(tables, as_of, contract), alone, check_exact=True)


def test_an_order_counts_from_when_it_was_known_and_until_its_cancelling_was() -> None:
    told = [("2017-09-26", "2017-10-03", None), ("2017-09-20", "2017-09-21", "2017-10-20")]
    rows = [
        {"customer_id": "anna", "occurred_at": day, "known_at": datetime.fromisoformat(known)}
        | {"status": "cancelled" if ended else "completed"}
        | {"cancelled_at": datetime.fromisoformat(ended) if ended else None}
        for day, known, ended in told
    ]
    bought = read(canonical(orders=rows), stamped=True)
    cuts = [bought.at(date(2017, *day), 90).orders for day in ((10, 1), (10, 10), (11, 1))]
    placed = [np.sort(rows["day"][~rows["is_cancelled"]]).tolist() for rows in cuts]
    assert placed == [[17429], [17429, 17435], [17435]]  # 2017-09-20 and 2017-09-26 from 1970


def test_of_what_is_read_once_a_cut_does_not_know_what_happens_at_its_very_moment() -> None:
    """One order is placed exactly at as_of and told of before, one is cancelled exactly then."""
    known, now = datetime(2017, 9, 30), datetime(2017, 10, 1)
    placed = {"customer_id": "anna", "occurred_at": now, "known_at": known}
    ended = {"customer_id": "ben", "occurred_at": known, "known_at": known}
    ended |= {"status": "cancelled", "cancelled_at": now}
    bought = read(canonical(orders=[placed, ended]), stamped=True)
    cuts = [bought.at(date(2017, 10, day), 90).orders["is_cancelled"].tolist() for day in (1, 2)]
    assert cuts == [[False], [False, True]]


@pytest.mark.parametrize(("days", "scored"), [(30, ["anna"]), (31, [])])
def test_an_order_as_old_as_the_lookback_makes_eligible_and_an_older_one_does_not(
    days: int, scored: list[str]
) -> None:
    rows = [{"customer_id": "anna", "occurred_at": AS_OF - timedelta(days=days)}]
    frame = build(
        canonical(orders=rows), AS_OF, Contract(lookback_days=30), indicators=CATALOGUE[:1]
    )
    assert frame["customer_id"].tolist() == scored


def test_stores_of_the_windows_first_day_count_and_of_the_day_before_do_not() -> None:
    days = {"north": 90, "south": 91, "east": 1}
    rows = [
        {"customer_id": "anna", "store_id": store, "occurred_at": AS_OF - timedelta(days=ago)}
        for store, ago in days.items()
    ]
    frame = build(canonical(orders=rows), AS_OF, ONCE, indicators=[STORES])
    assert frame["stores_90d"].tolist() == [2]


def test_what_is_unknown_is_so_in_and_and_or_only_where_it_decides() -> None:
    """SQL's three values; the right side is true, false and unknown for each of the left's."""
    t = ibis.table({"a": "boolean", "b": "boolean"}, name="t")
    yes, no, unknown = (True, True), (False, True), (False, False)
    pairs = [(a, b) for a in (yes, no, unknown) for b in (yes, no, unknown)]
    sides = [Numbers(*map(np.array, zip(*each, strict=True))) for each in zip(*pairs, strict=True)]
    columns = Columns(dict(zip("ab", sides, strict=True)))
    found = [columns(one.op()).floats(9) for one in (t.a & t.b, t.a | t.b)]
    told = [["?" if np.isnan(value) else int(value) for value in each] for each in found]
    assert told == [[1, 0, "?", 0, 0, 0, "?", 0, "?"], [1, 1, 1, 1, 0, "?", 1, "?", "?"]]


def test_only_the_status_of_what_is_read_once_waits_for_a_later_time() -> None:
    waits = {c.name for name in BOUGHT[:2] for c in table(name).columns if c.after}
    assert waits == {"status", "cancelled_at", "cancel_reason"}


def test_every_view_of_the_kernel_is_one_of_the_catalogue() -> None:
    views = {measure.view.name for one in CATALOGUE for measure in one.measures}
    assert set(KERNELS) <= views
    work = plan(BOUGHT, CATALOGUE)
    assert not work.asked, "all that is measured on purchases is computed by the kernel"
    assert work.names == names(available(dict.fromkeys(BOUGHT)))


def test_medians_of_numbers_too_wide_to_pack_are_those_of_a_sort() -> None:
    t = ibis.table({"n": "int64"}, name="t")
    told = Rows(np.array([0, 0, 0, 1, 1]), {"n": Numbers(np.array([2**61, 3, -(2**61), 4, 8]))})
    found = measures(told, 3, {"half": (t.n.median().op(), None)})["half"]
    assert found.floats(3).tolist()[:2] == [3.0, 6.0]
    assert np.isnan(found.floats(3)[2])


@pytest.mark.parametrize(
    "asked",
    [
        lambda t: t.n.sum().log(),
        lambda t: t.x.cast("int64").sum(),
        lambda t: t.n.quantile(0.9),
    ],
)
def test_what_has_no_kernel_is_refused(asked: Callable[[ibis.Table], ibis.Value]) -> None:
    t = ibis.table({"n": "int64", "x": "float64"}, name="t")
    rows = Rows(np.array([0]), {"n": Numbers(np.array([1])), "x": Numbers(np.array([1.5]))})
    node = asked(t).op()
    with pytest.raises(BrokenPromise, match="kernel"):
        measures(rows, 1, {"m": (node, 0)})
