"""Customers whom the shop merged: what was the old reference's becomes the survivor's.

Enters: canonical tables cut at an as_of, `customer_merges` among them. Leaves: the same tables in
which no merged reference is left, as far as the merge was known at the cut: every row of the old
one is a row of the one who survives. The old reference is a tombstone: it is in no cohort, so the
next export takes it out of the CRM.

* A chain is followed to its end: h9 into h5, h5 into h1 makes h1 of both.
* The latest word on a reference counts; h9 into h9 takes a merge back.
* A circle (h9 into h1, later h1 into h9) ends at the one that the latest merge of the circle names.
* Attributes are the survivor's own as far as it has them: one that is empty there hides none that
  is known of the old reference, from the day on from which that one is valid.
* Where two rows meet under one key the survivor's own is kept.
* Consent withdrawn under either reference is withdrawn, whichever spoke later: what was given under
  one does not count while the other's latest word is a withdrawal.

Worked example: h9 was merged into h1 on 2017-08-15. As of 2017-10-01 the orders of h9 are h1's; as
of 2017-08-01 there are still two customers, whatever is known today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from churn_ml.tables import people, table

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical

MERGES = people.CUSTOMER_MERGES.name


def merged(tables: Canonical) -> dict[str, ibis.Table]:
    """`tables` (cut at one as_of) in which every row is of the customer who survives.

    `customer_merges` itself stays as it is. Keys stay unique.

    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(
    ...     orders=[{"customer_id": "h9", "occurred_at": "2017-09-26"}],
    ...     customer_merges=[{"old_id": "h9", "customer_id": "h1", "occurred_at": "2017-08-15"}])
    >>> merged(shop)["orders"].customer_id.to_pyarrow().to_pylist()
    ['h1']
    """
    import ibis
    import pyarrow as pa

    gone = survivors(tables)
    if not gone:
        return dict(tables)
    moves = ibis.memtable(pa.table({"merged_id": [*gone], "survivor_id": [*gone.values()]}))
    return {
        name: rows
        if name == MERGES or "customer_id" not in rows.columns
        else _moved(name, rows, moves)
        for name, rows in tables.items()
    }


def survivors(tables: Canonical) -> dict[str, str]:
    """Old reference -> the customer who survives, as known at the cut of `tables`.

    >>> from churn_ml.in_memory import canonical
    >>> survivors(canonical(customer_merges=[
    ...     {"old_id": "h9", "customer_id": "h5", "occurred_at": "2017-08-15"},
    ...     {"old_id": "h5", "customer_id": "h1", "occurred_at": "2017-09-01"}]))
    {'h5': 'h1', 'h9': 'h1'}
    """
    if MERGES not in tables:
        return {}
    said = tables[MERGES].select("old_id", "customer_id", "occurred_at", "known_at", "lot_row")
    rows = said.order_by(["occurred_at", "known_at", "lot_row", "old_id"]).to_pyarrow().to_pylist()
    into: dict[str, str] = {}
    for row in rows:  # a later word stands behind an earlier one
        into.pop(row["old_id"], None)
        into[row["old_id"]] = row["customer_id"]
    into = {old: new for old, new in into.items() if old != new}
    _open_circles(into)
    found = {old: _end(into, old) for old in into}
    return dict(sorted(found.items()))


def followed(customers: Iterable[str], gone: Mapping[str, str]) -> set[str]:
    """`customers` with each merged one (`gone`: see `survivors`) replaced by who survives.

    What was said of the old reference, such as a suppression, holds for the survivor.

    >>> sorted(followed(["h9", "h2"], {"h9": "h1"}))
    ['h1', 'h2']
    """
    return {gone.get(customer, customer) for customer in customers}


def _open_circles(into: dict[str, str]) -> None:
    """Take out of each circle the way out of the one that its latest merge names.

    `into` is in the order of the merges, so the latest of a circle is the last of it.
    """
    seen: set[str] = set()
    for start in list(into):
        path: list[str] = []
        here = start
        while here in into and here not in seen:
            seen.add(here)
            path.append(here)
            here = into[here]
        if here in path:
            circle = set(path[path.index(here) :])
            latest = [old for old in into if old in circle][-1]
            del into[into[latest]]


def _end(into: Mapping[str, str], customer: str) -> str:
    while customer in into:
        customer = into[customer]
    return customer


def _moved(name: str, rows: ibis.Table, moves: ibis.Table) -> ibis.Table:
    """One table with the survivors' ids, one row per key."""
    import ibis

    joined = rows.left_join(moves, rows.customer_id == moves.merged_id)
    moved = joined.mutate(
        said_as=joined.customer_id,
        is_own=joined.survivor_id.isnull(),
        customer_id=ibis.coalesce(joined.survivor_id, joined.customer_id),
    )
    if name == people.CUSTOMERS.name:
        touched = moved.semi_join(moves, moved.customer_id == moves.survivor_id)
        alone = moved.anti_join(moves, moved.customer_id == moves.survivor_id)
        moved = _completed(touched).union(alone)
    if name == people.CONSENTS.name:
        moved = _without_overridden(moved)
    key = table(name).key
    if "customer_id" in key:
        first = [moved.given.asc()] if name == people.CONSENTS.name else []
        # the last one in the order of `_completed`, which knows what those before it knew
        last = [moved[name].desc() for name in ("is_own", "known_at", "lot", "lot_row")]
        order = [*first, *last]
        place = ibis.row_number().over(ibis.window(group_by=list(key), order_by=order))
        moved = moved.mutate(place=place)
        moved = moved.filter(moved.place == 0)
    return moved.select(*rows.columns)


def _completed(said: ibis.Table) -> ibis.Table:
    """Versions of customers, each attribute the survivor's own one in force, else the old one's.

    `said`: versions of all references of each customer, with `is_own`. A window of one own version
    reaches to the next; so does one of a known attribute of the others.
    """
    import ibis

    names = [c.name for c in people.CUSTOMERS.mapped if c.name not in people.CUSTOMERS.key]
    order = [said.occurred_at, said.is_own, said.known_at, said.lot, said.lot_row]
    so_far = ibis.cumulative_window(group_by="customer_id", order_by=order)

    def numbered(begins: ibis.BooleanColumn) -> ibis.Column:
        return begins.cast("int64").sum().over(so_far)

    known = {f"known_{name}": numbered(~said.is_own & said[name].notnull()) for name in names}
    rows = said.mutate(own_version=numbered(said.is_own), **known)

    def in_force(name: str, whose: ibis.BooleanColumn, version: str) -> ibis.Column:
        window = ibis.window(group_by=["customer_id", version])
        return rows[name].max(where=whose).over(window)

    return rows.mutate(
        **{
            name: ibis.coalesce(
                in_force(name, rows.is_own, "own_version"),
                in_force(name, ~rows.is_own, f"known_{name}"),
            )
            for name in names
        }
    ).drop("own_version", *known)


def _without_overridden(said: ibis.Table) -> ibis.Table:
    """Consents without those given while another reference of the same customer has withdrawn.

    `said`: consents with `said_as`, the reference of each before the merge.
    """
    import ibis

    newest = ibis.window(
        group_by=["said_as", "purpose"],
        order_by=[said.occurred_at.desc(), said.given.asc()],
    )
    ranked = said.mutate(rank=ibis.row_number().over(newest))
    last = ranked.filter(ranked["rank"] == 0, ~ranked.given)
    withdrawn = last.select(withdrawn_by=last.said_as, whose=last.customer_id, about=last.purpose)
    overridden = [
        said.given,
        said.customer_id == withdrawn.whose,
        said.purpose == withdrawn.about,
        said.said_as != withdrawn.withdrawn_by,
    ]
    return said.anti_join(withdrawn, overridden)
