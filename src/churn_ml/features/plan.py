"""The plan of a frame: what the kernel computes, what an engine is asked for, and the columns.

Enters: the names of the tables and the indicators. Leaves: the trees of the measures of each view
that the kernel knows, the text of all others, and the trees of the columns over both. It depends on
no row and no day, so a process makes it once for all cuts.

Worked example: `recency` and `tenure` alone are two measures of the view `days`, which the kernel
knows, and two columns; nothing is asked of an engine.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from churn_ml.features import composites
from churn_ml.features.indicator import Indicator, Measure, View
from churn_ml.features.kernel import KERNELS
from churn_ml.features.query import JOINED, available, distinct, measured
from churn_ml.features.wording import declared

if TYPE_CHECKING:
    from ibis.expr.operations import Node

PLANS = 8
"""Plans that a process keeps."""
OF_LINES = ("lines", "categories", "category_spend", "novelties", "launches")
BOOLEANS = ("is_cancelled",)


@dataclass(frozen=True)
class Plan:
    """What is computed where: `views` by the kernel, `asked` by the engine, `columns` over both."""

    views: Mapping[View, Mapping[str, tuple[Node, int | None]]]
    """Of each view its measures by name: the tree, and what it is of whom the view knows not."""
    asked: Mapping[str, str]
    """The subqueries of all other measures after `eligible`, each over those before it."""
    types: Mapping[str, str]
    """The measures that are asked for, by name."""
    columns: Mapping[str, Node]
    totals: Mapping[str, tuple[Node, int | None]]
    """What composites ask of all customers: trees over the finished columns."""
    scores: Mapping[str, Node]
    """Z-scores: trees over the finished columns and the totals."""
    composites: Mapping[str, Node]
    """Trees over the z-scores."""
    names: tuple[str, ...]
    """Every column, in the order of the frame."""

    @property
    def line_days(self) -> int:
        """How many days of lines the kernel reads."""
        return max((max(view.days) for view in self.views if view.name in OF_LINES), default=0)


@functools.lru_cache(maxsize=PLANS)
def plan(tables: tuple[str, ...], indicators: tuple[Indicator, ...]) -> Plan:
    """The plan of the `indicators` whose tables are among `tables`.

    >>> from churn_ml.features.rhythm import RECENCY
    >>> told = plan(("orders",), (RECENCY,))
    >>> [view.name for view in told.views], list(told.asked), list(told.columns)
    (['days'], [], ['recency_days'])
    """
    import ibis

    present = available(dict.fromkeys(tables), indicators)
    measures = distinct(measure for one in present for measure in one.measures)
    views: dict[View, dict[str, Any]] = {}
    types: dict[str, Any] = {}
    others: list[Measure] = []
    for measure in measures:
        if measure.view.name not in KERNELS or measure.of_shop:
            others.append(measure)
            continue
        told = measure.of(_rows(measure.view.name))
        types[measure.name] = told.type()
        views.setdefault(measure.view, {})[measure.name] = (told.op(), measure.empty)
    asked: dict[str, str] = {}
    further: dict[str, Any] = {}
    if others:
        asked, rest = measured(declared(tables), others)
        further = {one.name: rest[one.name].type() for one in others}
    joined = ibis.table(types | further, name=JOINED)
    plain = [c for one in present if not one.over for c in one.columns]
    columns = {c.name: c.of(joined).op() for c in plain}
    names = tuple(name for one in present for name in one.names)
    kinds = {name: str(kind) for name, kind in further.items()}
    return Plan(views, asked, kinds, columns, *_composites(present, [*columns]), names)


def _composites(
    present: Sequence[Indicator], columns: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The trees of the totals, of the z-scores and of the composites."""
    import ibis

    names = composites.read(present, columns)
    rows = ibis.table(dict.fromkeys(columns, "float64"), name="finished")
    totals = composites.totals(rows, names)
    kinds = {name: total.type() for name, total in totals.items()}
    beside = ibis.table(dict.fromkeys(names, "float64") | kinds, name="beside")
    scores = composites.scores(beside, names)
    scored = ibis.table(dict.fromkeys(scores, "float64") | {"customer_id": "string"}, name="scored")
    found = composites.columns(present, scored, names)
    return (
        {name: (total.op(), 0) for name, total in totals.items()},
        {name: one.op() for name, one in scores.items()},
        {name: one.op() for name, one in found.items()},
    )


def _rows(view: str) -> Any:
    """The rows of a view of the kernel, as a table without an engine."""
    import ibis

    _, names = KERNELS[view]
    types = {name: "boolean" if name in BOOLEANS else "int64" for name in names}
    return ibis.table({"customer_id": "string"} | types, name=f"view_{view}")
