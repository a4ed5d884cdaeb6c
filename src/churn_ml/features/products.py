"""Products in memory: the kind, category and launch of each, as described at a cut.

Enters: the canonical table cut at as_of, and product ids whose places lines name. Leaves: one
number a product for its kind (department and category) and its category. What nobody described has
the place -1: the last one, of no category. Worked example: milk and bread are of the kind 1 (food,
dairy) and 2 (food, bakery); soap, which has neither department nor category, is of the kind 0, as
is what nobody described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.features.numbers import Numbers
from churn_ml.features.views.shopping import products

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.events import Canonical


@dataclass(frozen=True)
class Products:
    """By place: the kind, the category (-1 without one) and the day of the launch from 1970."""

    kind: NDArray[np.int64]
    category: NDArray[np.int64]
    launched: Numbers

    def launched_in(self, today: int, days: int) -> NDArray[np.int64]:
        """How many products of each category were launched in the `days` days before `today`."""
        ago = today - self.launched.values
        new = (ago >= 1) & (ago <= days) & (self.category >= 0)
        if self.launched.known is not None:
            new &= self.launched.known
        return np.bincount(self.category[new], minlength=int(self.category.max()) + 2)


def described(tables: Canonical, ids: pa.Array) -> Products:
    """The products `ids`, as `tables`, cut at a day, describe them; all unknown without a table.

    >>> from churn_ml.in_memory import canonical
    >>> import pyarrow as pa
    >>> shop = canonical(products=[
    ...     {"product_id": "milk", "category": "dairy", "occurred_at": "2017-01-01"}])
    >>> described(shop, pa.array(["milk", "soap"])).kind.tolist()
    [1, 0, 0]
    """
    import pyarrow.compute as pc

    count = len(ids)
    nothing = Numbers(np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=bool))
    if "products" not in tables:
        return Products(nothing.values, nothing.values - 1, nothing)
    valid = products(tables)
    told = valid.select(
        "product_id", "category", "department", launched=valid.launched_at.date().epoch_days()
    ).to_pyarrow()
    told = told.filter(pc.is_in(told["product_id"], value_set=ids))
    place = pc.index_in(told["product_id"], value_set=ids).cast("int64").to_numpy()
    categories = told["category"].to_pylist()
    kinds = zip(told["department"].to_pylist(), categories, strict=True)
    kind = _numbered(
        [(department or "", category or "") for department, category in kinds], ("", "")
    )
    category = _numbered(categories, None) - 1
    launched = told["launched"]
    return Products(
        _at(place, kind, count, 0),
        _at(place, category, count, -1),
        Numbers(
            _at(place, launched.fill_null(0).to_numpy(), count, 0),
            _at(place, pc.is_valid(launched).to_numpy(), count, False),
        ),
    )


def _numbered(values: Sequence[Any], nothing: Any) -> NDArray[np.int64]:
    """The values as numbers in the order of their first sight; `nothing` is 0."""
    known = {nothing: 0}
    return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)


def _at(place: NDArray[Any], values: NDArray[Any], count: int, nothing: Any) -> NDArray[Any]:
    """`values` at their places among `count`, and `nothing` elsewhere and at the end."""
    found = np.full(count + 1, nothing, dtype=values.dtype)
    found[place] = values
    return found
