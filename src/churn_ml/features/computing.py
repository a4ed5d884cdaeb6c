"""Computing the columns of a frame: what the kernel knows, and what an engine was asked for.

Enters: a plan, and the canonical tables cut at `as_of`. Leaves: who is eligible, and one column of
float64 per feature in their order. What the kernel knows is computed for some customers at a time,
so that what it works on stays small, and a column is in memory once.

Worked example: 100,000 customers are four parts of 32,768, the last of them smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from churn_ml.events import EPOCH
from churn_ml.features import asking
from churn_ml.features.grouped import Ints, Rows, measures
from churn_ml.features.kernel import Part, Shop, eligible
from churn_ml.features.numbers import Columns, Numbers
from churn_ml.features.plan import Plan
from churn_ml.features.products import described
from churn_ml.features.purchases import Purchases, read

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.config import Contract
    from churn_ml.events import Canonical

DECIMALS = 9
AT_ONCE = 1 << 15
"""Customers that are computed at a time: what they bought fits into the processor's cache."""
Floats = NDArray[np.float64]


def computed(
    plan: Plan,
    tables: Canonical,
    as_of: date,
    contract: Contract,
    zone: str,
    purchases: Purchases | None,
) -> tuple[pa.Array, dict[str, Floats]]:
    """The eligible customers, ascending, and every column of theirs, rounded.

    `purchases`: with their times, to be cut at `as_of`; read from `tables` otherwise.
    """
    since = as_of - timedelta(days=plan.line_days)
    told = purchases or read(tables, since=since, stamped=False)
    known = told.at(as_of, plan.line_days, zone=zone)
    shop = Shop((as_of - EPOCH).days, known, described(tables, known.products))
    who = _who(shop, tables, as_of, contract, zone)
    ids = known.ids.take(who)
    further = asking.measured(tables, as_of, ids, plan) if plan.asked else {}
    found = _columns(plan, shop, who, further)
    found |= _composites(plan, found, len(who))
    return ids, {name: rounded(found.pop(name)) for name in plan.names}


def _who(shop: Shop, tables: Canonical, as_of: date, contract: Contract, zone: str) -> Ints:
    """The places of the eligible customers, ascending."""
    if contract.event == "order" and contract.population == "active" and not contract.of:
        return eligible(shop, contract)
    return asking.eligible(tables, as_of, contract, zone, shop.bought.ids)


def _columns(
    plan: Plan, shop: Shop, who: Ints, further: Mapping[str, Numbers]
) -> dict[str, Floats]:
    """Every feature of the customers `who`; `further`: measures that an engine was asked for."""
    # one block: many small ones would stay with the process when the frame is let go of
    block = np.empty((len(plan.columns), len(who)))
    found = dict(zip(plan.columns, block, strict=True))
    for first in range(0, len(shop.bought.ids), AT_ONCE):
        part = Part(shop, first, first + AT_ONCE)
        mine = slice(*np.searchsorted(who, [part.first, part.last]))
        told = {name: one.take(mine) for name, one in further.items()}
        for view, wanted in plan.views.items():
            of_view = measures(part.rows(view.name, *view.days), AT_ONCE, wanted)
            told |= {name: one.take(who[mine] - first) for name, one in of_view.items()}
        columns = Columns(told)
        for name, node in plan.columns.items():
            found[name][mine] = columns(node).floats(mine.stop - mine.start)
    return found


def _composites(plan: Plan, found: Mapping[str, Floats], customers: int) -> dict[str, Floats]:
    """The composites of the finished columns, not rounded."""
    if not plan.composites:
        return {}
    read = {name.removesuffix("_rows") for name in plan.totals if name.endswith("_rows")}
    signs = {name: _known(found[name]) for name in read}
    everybody = Rows(np.zeros(customers, dtype=np.int64), signs)
    totals = measures(everybody, 1, plan.totals)
    beside = Columns(signs | totals)
    columns = Columns({name: beside(node) for name, node in plan.scores.items()})
    return {name: columns(node).floats(customers) for name, node in plan.composites.items()}


def _known(column: Floats) -> Numbers:
    known = ~np.isnan(column)
    return Numbers(np.where(known, column, 0.0), known)


def rounded(numbers: Floats) -> Floats:
    """To 9 decimals, in place.

    Adding 0.0 turns a rounded -0.0 into 0.0: equal numbers get equal bytes.

    >>> rounded(np.array([1 / 3, -1e-12])).tolist()
    [0.333333333, 0.0]
    """
    np.round(numbers, DECIMALS, out=numbers)
    return np.add(numbers, 0.0, out=numbers)
