"""Evidence: the frozen set of matured rows that champion and challenger are judged on.

In: the evaluate layer of the panel, V^E (the value that belongs to no model under test) and slice
labels. Out: an `Evidence` that checks itself and has a name, its hash: the ledger stores verdicts
under it, everything random on it is seeded by it, and a policy says by `rows_hash` that it was
scored on exactly these rows.

Worked example: the cut-off 2017-10-01 with a horizon of 30 matured on 2017-10-31; 2,030 customers
at risk, one row each. Once customers have been contacted, only the rows of the universal holdout
show who churns without contact; without a holdout there is no evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.economics import Flags, Floats, Truth
from churn_ml.errors import BadInput, NotReady
from churn_ml.gate.bootstrap import Rows
from churn_ml.targeting import keyed_hash, permitted

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Offer

Labels: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The frozen evaluation set: one row per customer_id and cut_off, in any order.

    `customer_id`: strings. `cut_off`: datetime64[D]. `slices`: name to a label per row, "" for rows
    outside every slice of that name. `value_learned_on`: the cut-offs that V^E learned from.
    `part`: these rows over all rows at risk; below 1 where only the holdout is judged on.
    `uncapped`: V^E without its cap, where known: shown beside a verdict, never decided on.
    `contactable`: whether contact was consented at the cut-off; everybody where absent. Who was not
    is judged on as the others are, and contacted by no policy, nor by the oracle.
    """

    customer_id: Labels
    cut_off: Labels
    truth: Truth
    slices: Mapping[str, Labels] = field(default_factory=dict)
    value_learned_on: tuple[date, ...] = ()
    part: float = 1.0
    contactable: Flags | None = None
    uncapped: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse a set that cannot be judged on: ragged, unlabelled, without value, repeated."""
        columns: tuple[Labels, ...] = (
            self.customer_id,
            self.cut_off,
            self.truth.y,
            self.truth.value,
        )
        columns += tuple(c for c in (self.contactable, self.uncapped) if c is not None)
        lengths = {len(column) for column in (*columns, *self.slices.values())}
        if len(lengths) > 1 or lengths == {0}:
            raise BadInput(
                "the evaluation set is empty or its columns differ in length",
                where="evaluation",
                got=", ".join(map(str, sorted(lengths))),
                next_step="evaluate on a cut-off with customers at risk",
            )
        if not np.isin(self.truth.y, (0.0, 1.0)).all():
            raise BadInput(
                "a label of the evaluation set is missing or not 0 or 1",
                where="evaluation",
                next_step="evaluate on matured cut-offs only: an immature label is not 0",
            )
        if not (np.isfinite(self.truth.value) & (self.truth.value >= 0)).all():
            raise BadInput("V^E is not finite and at least 0", where="evaluation")
        place = self.rows.customer * (1 + self.rows.cut_off.max()) + self.rows.cut_off
        if np.bincount(place).max() > 1:
            raise BadInput(
                "a customer stands twice at one cut-off of the evaluation set",
                where="evaluation",
                expected="one row per customer_id and cut_off",
            )

    @classmethod
    def of(
        cls,
        panel: pd.DataFrame,
        value: Floats,
        slices: Mapping[str, Labels],
        *,
        holdout: Flags | None = None,
        value_learned_on: Sequence[date] = (),
        part: float = 1.0,
        uncapped: Floats | None = None,
    ) -> Evidence:
        """The evidence in the evaluate layer of a panel (customer_id, cut_off, label, treated).

        `value`: V^E per row; `uncapped`: the same without its cap; `part`: the panel's rows over
        all rows at risk. Where any row was treated, only the universal `holdout` (True per row)
        shows who churns without contact; without one there is no verdict: NotReady.
        Then cut score columns by `Evidence.kept` as well.

        >>> import pandas as pd
        >>> panel = pd.DataFrame({"customer_id": ["h1", "h2"], "cut_off": [date(2017, 10, 1)] * 2,
        ...                       "label": [1, 0], "treated": False})
        >>> Evidence.of(panel, np.array([90.0, 60.0]), {}).truth.y.tolist()
        [1.0, 0.0]
        """
        kept = cls.kept(panel, holdout)
        rows = panel[kept]
        return cls(
            rows["customer_id"].to_numpy(dtype=object),
            rows["cut_off"].to_numpy(dtype="datetime64[D]"),
            Truth(rows["label"].to_numpy(dtype=float, na_value=np.nan), value[kept]),
            {name: labels[kept] for name, labels in slices.items()},
            tuple(value_learned_on),
            part * float(kept.mean()) if len(kept) else part,
            rows["contactable"].to_numpy(dtype=bool) if "contactable" in rows else None,
            None if uncapped is None else uncapped[kept],
        )

    @staticmethod
    def kept(panel: pd.DataFrame, holdout: Flags | None) -> Flags:
        """The rows that evaluation may use: all before campaigns, then the universal holdout.

        >>> import pandas as pd
        >>> panel = pd.DataFrame({"treated": [True, False]})
        >>> Evidence.kept(panel, np.array([False, True])).tolist()
        [False, True]
        """
        treated = panel["treated"].to_numpy(dtype=bool)
        if not treated.any():
            return np.ones(len(panel), dtype=bool)
        if holdout is None or not (holdout & ~treated).any():
            raise NotReady(
                "customers were contacted and there is no universal holdout to evaluate on",
                where="evaluation",
                got=f"{int(treated.sum())} treated rows",
                expected="rows of the universal holdout",
                next_step="set [holdout] share, and evaluate cut-offs that lie after it",
            )
        return np.asarray(holdout & ~treated, dtype=bool)

    def allowed(self, offers: Sequence[Offer]) -> Flags | None:
        """Rows x offers: what may be offered to whom; None where everything may."""
        return None if self.contactable is None else permitted(self.contactable, offers)

    @cached_property
    def rows(self) -> Rows:
        """Customer and cut-off of each row as numbers."""
        return Rows.of(self.customer_id, self.cut_off)

    @cached_property
    def days(self) -> tuple[str, ...]:
        """The cut-offs, ISO, oldest first."""
        return tuple(str(day) for day in np.unique(self.cut_off))

    @cached_property
    def rows_hash(self) -> str:
        """sha256 of customers and cut-offs in the order given: what a policy was scored on."""
        return rows_hash(self.customer_id, self.cut_off)

    @cached_property
    def hash(self) -> str:
        """sha256 of the content (rows, labels, V^E, consent), whatever the order of the rows."""
        sha = hashlib.sha256()
        order = np.lexsort((self.rows.cut_off, self.rows.customer))
        sha.update(rows_hash(self.customer_id[order], self.cut_off[order]).encode())
        barred = () if self.contactable is None else (self.contactable,)
        for column in (self.truth.y, self.truth.value, *barred):
            sha.update(np.ascontiguousarray(column[order], dtype="<f8").tobytes())
        return sha.hexdigest()

    @cached_property
    def ties(self) -> NDArray[np.uint64]:
        """A number per row that decides between equal gains: a hash of the customer, keyed."""
        return keyed_hash(self.customer_id, bytes.fromhex(self.hash))

    @property
    def seed(self) -> int:
        """The seed of everything random on this evidence: the same evidence, the same verdict."""
        return int(self.hash[:15], 16)


def rows_hash(customer_ids: Sequence[Any] | Labels, cut_offs: Sequence[Any] | Labels) -> str:
    """sha256 over customers and cut-offs in their order: names the rows that a model scored.

    >>> rows_hash(["h1"], [date(2017, 10, 1)]) == rows_hash(["h1"], [np.datetime64("2017-10-01")])
    True
    """
    days = np.asarray(cut_offs, dtype="datetime64[D]").astype("<i8").tobytes()
    return hashlib.sha256("\n".join(map(str, customer_ids)).encode() + b"\0" + days).hexdigest()
